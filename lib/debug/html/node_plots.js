// The plots of one node. Each returns a figure, or null where the report has nothing to draw.
'use strict';

const HALF = {width: 560, height: 250};

function ends(parameters) {
  return parameters ? [parameters.lo, parameters.hi] : [];
}

// A power of ten in five characters.
function brief(v) {
  return d3.format(v < 0.001 ? '.0e' : '~g')(v);
}

// Points of a stair with one step a bin.
function stairs(bins, values) {
  const width = (bins.hi - bins.lo) / values.length;
  return values.flatMap((v, i) => [[bins.lo + i * width, v], [bins.lo + (i + 1) * width, v]]);
}

function histogramPlot(node, logarithmic) {
  const {histogram: bins, parameters} = node.activation;
  const least = d3.min(bins.float.concat(bins.quantized).filter(v => v > 0)) || 1e-6;
  const most = d3.max(bins.float.concat(bins.quantized)) || 1;
  const floor = logarithmic ? least / 2 : 0;
  const x = d3.scaleLinear().domain(roomy([bins.lo, bins.hi, ...ends(parameters)]));
  const y = (logarithmic ? d3.scaleLog() : d3.scaleLinear()).domain([floor, Math.max(most, 2 * floor)]).clamp(true);
  const svg = axes(HALF, x, y, {title: 'Histogram of ' + node.id, x: 'value', y: 'share', yformat: logarithmic ? brief : d3.format('~p'),
    yticks: logarithmic ? decades(...y.domain()) : null});
  const at = v => y(Math.max(v, floor));
  svg.append('path').attr('class', 'float area').attr('d', d3.area().x(p => x(p[0])).y0(y(floor)).y1(p => at(p[1]))(stairs(bins, bins.float)));
  if (bins.quantized.length)
    svg.append('path').attr('class', 'int8 outline').attr('d', d3.line().x(p => x(p[0])).y(p => at(p[1]))(stairs(bins, bins.quantized)));
  for (const end of ends(parameters)) mark(svg, x, y, end, true);
  return svg.node();
}

function histogramFigure(node) {
  if (!node.activation || !node.activation.histogram.float.length) return null;
  const place = el('div', {}, histogramPlot(node, true));
  const box = el('input', {type: 'checkbox', checked: true, onchange: () => fill(place, histogramPlot(node, box.checked))});
  return figure('Values at the output', [['float', 'float'], node.activation.histogram.quantized.length && ['int8', 'int8 model'], node.activation.parameters && ['mark', 'lowest and highest code']],
    el('label', {class: 'corner'}, box, ' logarithmic'), place);
}

function scatterFigure(node) {
  const points = (node.activation ? node.activation.scatter : []).filter(([a, b]) => a !== null && b !== null);
  if (!points.length) return null;
  const x = d3.scaleLinear().domain(roomy(points.map(p => p[0]))).nice(), y = d3.scaleLinear().domain(roomy(points.flat())).nice();
  const svg = axes(HALF, x, y, {title: 'Float against int8 values of ' + node.id, x: 'float', y: 'int8 model'});
  const [lo, hi] = [Math.max(x.domain()[0], y.domain()[0]), Math.min(x.domain()[1], y.domain()[1])];
  svg.append('line').attr('class', 'mark').attr('x1', x(lo)).attr('y1', y(lo)).attr('x2', x(hi)).attr('y2', y(hi));
  svg.append('g').selectAll('circle').data(points).join('circle').attr('class', 'int8').attr('r', 2.6)
    .attr('cx', p => x(p[0])).attr('cy', p => y(p[1])).append('title').text(p => `float ${num(p[0])}, int8 ${num(p[1])}`);
  return figure('Float against int8, first sample', [['int8', 'one element'], ['mark', 'equal']], svg.node());
}

function sampleRangesFigure(node) {
  const told = node.activation;
  if (!told || !told.sample_ranges.length) return null;
  const rows = told.sample_ranges.map(([lo, hi], i) => {
    const id = i < report.samples.length ? report.samples[i].id : String(i);
    return {title: `${id}: ${num(lo)} to ${num(hi)}`, bars: [['float', lo, hi]]};
  });
  return figure('Float range by sample', [['float', 'float'], told.parameters && ['mark', 'lowest and highest code']],
    ranges(rows, ends(told.parameters), {title: 'Range of each sample at ' + node.id, x: 'sample', y: 'value', xformat: fromOne}));
}

function channelsFigure(weight) {
  if (!weight.channels.length) return null;
  const rows = weight.channels.map(([lo, hi, qlo, qhi], i) => ({
    title: `channel ${i}: float ${num(lo)} to ${num(hi)}, dequantized ${num(qlo)} to ${num(qhi)}`,
    bars: [['float', lo, hi], ['int8', qlo, qhi]],
  }));
  const whole = weight.parameters && !weight.parameters.per_channel && !weight.bias ? ends(weight.parameters) : [];
  const cut = weight.channels_listed < weight.channel_count ? `, the first ${weight.channels_listed} of ${weight.channel_count}` : '';
  return figure((weight.bias ? 'Bias' : 'Weight range') + ' by channel' + cut, [['float', 'float'], ['int8', 'dequantized'], whole.length && ['mark', 'lowest and highest code']],
    ranges(rows, whole, {title: 'Channels of ' + weight.name, x: 'channel', y: 'weight'}));
}
