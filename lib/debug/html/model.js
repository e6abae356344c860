// The report, its nodes with an id of their own each, and who reads whom.
'use strict';

const report = JSON.parse(document.getElementById('report').textContent);
const nodes = report.nodes;
const nodeOf = new Map();      // id -> node
const producerOf = new Map();  // tensor -> node
const readersOf = new Map();   // tensor -> nodes

nodes.forEach((node, order) => {
  const name = node.name || node.op;
  node.order = order;
  node.id = name;
  for (let k = 2; nodeOf.has(node.id); ++k) node.id = `${name} (${k})`;
  nodeOf.set(node.id, node);
  for (const tensor of node.outputs) producerOf.set(tensor, node);
  for (const tensor of new Set(node.inputs)) {
    if (!readersOf.has(tensor)) readersOf.set(tensor, []);
    readersOf.get(tensor).push(node);
  }
});

const ranked = nodes.filter(node => node.rank !== null).sort((a, b) => a.rank - b.rank);

function before(node) {
  return node.inputs.map(tensor => producerOf.get(tensor)).filter(each => each && each !== node);
}

function after(node) {
  return node.outputs.flatMap(tensor => readersOf.get(tensor) || []).filter(each => each !== node);
}

// null in a loss means that there was no error at all.
function sqnr(loss) {
  if (!loss) return null;
  return loss.sqnr_db === null ? Infinity : loss.sqnr_db;
}

// Something the report proposes to change, in words; empty: nothing.
function proposal(node) {
  if (node.float) return 'float';
  return node.observer ? 'observer ' + words(node.observer) : '';
}

function rulesOf(node) {
  return node.causes.map(cause => cause.rule);
}
