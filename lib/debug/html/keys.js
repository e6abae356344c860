// What keys do. Links, buttons and fields work by Tab and Enter as everywhere.
'use strict';

const KEYS = [
  ['1 2 3 4', 'overview, nodes, graph, samples'], ['/', 'search in the table or the graph'], ['j k or ↓ ↑', 'next and previous row of the table'],
  ['Enter', 'open the node'], ['Esc', 'out of the search; from a node back to the table'], ['[ ]', 'previous and next node of the ranking'],
  ['g', 'this node in the graph'], ['+ − 0 w', 'graph: zoom in, out, fit, worst node'], ['arrows', 'graph: move'], ['?', 'these keys'],
];

function openHelp() {
  const dialog = section('help');
  fill(dialog, el('h2', {id: 'help-title'}, 'Keys'), facts(KEYS.map(([key, text]) => [el('kbd', {}, key), text])),
    el('form', {method: 'dialog'}, el('button', {}, 'Close')));
  dialog.showModal();
}

function moveRow(step) {
  const rows = nodeTable.visible().map(each => each.element);
  if (!rows.length) return;
  const at = rows.findIndex(row => row.contains(document.activeElement));
  rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))].querySelector('a').focus();
}

const graphKeys = {
  '+': () => zoomBy(1.4), '=': () => zoomBy(1.4), '-': () => zoomBy(1 / 1.4), '0': fit, 'w': () => ranked.length && centre(ranked[0], true),
  'ArrowLeft': () => pan(-80, 0), 'ArrowRight': () => pan(80, 0), 'ArrowUp': () => pan(0, -80), 'ArrowDown': () => pan(0, 80),
};
const tableKeys = {'j': () => moveRow(1), 'k': () => moveRow(-1), 'ArrowDown': () => moveRow(1), 'ArrowUp': () => moveRow(-1)};

function nodeKeys(node) {
  const go = other => other && (location.hash = 'node/' + encodeURIComponent(other.id));
  return {'[': () => go(beside(node, -1)), ']': () => go(beside(node, 1)), 'g': () => { location.hash = 'graph/' + encodeURIComponent(node.id); },
    'Escape': () => { location.hash = 'nodes'; }};
}

function searchKey() {
  if (current.view === 'graph') return section('graph-search').focus();
  if (current.view !== 'nodes') { location.hash = 'nodes'; route(); }
  section('search').focus();
}

const everywhere = {'1': () => { location.hash = 'overview'; }, '2': () => { location.hash = 'nodes'; }, '3': () => { location.hash = 'graph'; },
  '4': () => { location.hash = 'samples'; }, '/': searchKey, '?': openHelp};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || section('help').open) return;
  if (event.target.matches('input, select')) {
    if (event.key === 'Escape') event.target.blur();
    else if (event.key === 'ArrowDown' && event.target.id === 'search') { event.preventDefault(); moveRow(1); }
    return;
  }
  const own = {nodes: tableKeys, graph: graphKeys, node: current.node && nodeKeys(current.node)}[current.view] || {};
  const act = own[event.key] || everywhere[event.key];
  if (act) { event.preventDefault(); act(); }
}

document.addEventListener('keydown', onKey);
section('help-button').addEventListener('click', openHelp);
