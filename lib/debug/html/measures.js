// What nodes are compared by: a number of each (null: has none), how it reads, and how bad it is from 0 to 1. `red` is bad in any report; a
// report that has worse stretches the colours to it.
'use strict';

function worstWeight(node) {
  const losses = node.weights.filter(weight => !weight.bias && weight.loss).map(weight => sqnr(weight.loss));
  return losses.length ? d3.min(losses) : null;
}

function clipped(node) {
  const told = node.activation;
  return told && told.parameters ? told.clipped_below + told.clipped_above : null;
}

const measures = [
  {key: 'isolated', label: 'Alone', hint: 'SQNR of this node quantized alone, its inputs float', of: node => sqnr(node.isolated), text: db, low: true, red: 10},
  {key: 'cumulative', label: 'Until here', hint: 'SQNR of the int8 model against the float model at this node', of: node => sqnr(node.cumulative), text: db, low: true, red: 10},
  {key: 'weight', label: 'Weight', hint: 'SQNR of the dequantized weight', of: worstWeight, text: db, low: true, red: 10},
  {key: 'clipped', label: 'Clipped', hint: 'Share of the float values outside the codes', of: clipped, text: share, red: 0.05},
  {key: 'codes', label: 'Codes used', hint: 'Share of the codes that occur', of: node => node.activation ? node.activation.codes_used : null, text: share, low: true, red: 0.25},
  {key: 'gain', label: 'Gain', hint: 'Share of the output error that goes away when this node alone is float', of: node => node.leave_one_out ? node.leave_one_out.gain : null, text: share, red: 0.1},
];
const measureOf = new Map(measures.map(measure => [measure.key, measure]));

for (const measure of measures) {
  const values = nodes.map(measure.of).filter(value => value !== null);
  const finite = values.filter(Number.isFinite);
  measure.known = values.length > 0;
  const [least, most] = finite.length ? d3.extent(finite) : [0, 1];
  const good = measure.text === db ? 40 : measure.low ? 1 : 0;
  const bad = measure.low ? Math.min(least, measure.red) : Math.max(most, measure.red);
  measure.ends = [good, bad];
  measure.scale = d3.scaleLinear().domain([good, bad]).clamp(true);
}

// 0 is good, 1 the worst; null: nothing to say.
function badness(measure, node) {
  const value = measure.of(node);
  if (value === null) return null;
  if (!Number.isFinite(value)) return 0;
  return measure.scale(value);
}

// The colour is mixed by the style sheet from one number, so that it fits light and dark.
function heat(element, value) {
  if (value === null) return element;
  element.classList.add('heat');
  if (value > 0.82) element.classList.add('hot');
  element.style.setProperty('--heat', (100 * value).toFixed(0) + '%');
  return element;
}
