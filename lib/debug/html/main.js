// From the address to the view: #overview #nodes #graph #graph/NODE #samples #node/NODE.
'use strict';

const views = {overview: showOverview, nodes: showNodes, graph: showGraph, samples: showSamples, node: showNode};
const current = {view: null, node: null};
const scrolled = new Map();

function parseAddress() {
  const [, view, argument] = /^#?([a-z]*)(?:\/(.*))?$/s.exec(location.hash) || [];
  let id;
  try { id = decodeURIComponent(argument || ''); } catch { id = ''; }
  const node = nodeOf.get(id) || null;
  if (!(view in views) || (view === 'node' && !node)) return {view: 'overview', node: null};
  return {view, node};
}

// Focus goes to the row one came from, else to the heading.
function focusView(place, left) {
  const row = current.view === 'nodes' && left.view === 'node' && nodeTable.visible().find(each => each.row === left.node);
  if (row) row.element.querySelector('a').focus();
  else if (left.view !== null && !place.contains(document.activeElement)) place.querySelector('h1').focus({preventScroll: true});
}

function route() {
  const left = {...current}, now = parseAddress();
  if (left.view === now.view && left.node === now.node) return;
  if (left.view) scrolled.set(left.view, window.scrollY);
  Object.assign(current, now);
  document.body.dataset.view = now.view;
  for (const view of Object.keys(views)) section(view).hidden = view !== now.view;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === '#' + now.view || (now.view === 'node' && link.hash === '#nodes')) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (now.view !== 'overview' || !section('overview').firstChild) views[now.view](section(now.view), now.node);
  document.title = (now.node ? now.node.id : now.view) + ' · qtool debug';
  window.scrollTo(0, now.view === 'node' ? 0 : scrolled.get(now.view) || 0);
  focusView(section(now.view), left);
}

// A printed overview brings the tables with it.
window.addEventListener('beforeprint', () => {
  if (current.view === 'overview') { showNodes(section('nodes')); showSamples(section('samples')); }
});

window.addEventListener('hashchange', route);
document.querySelector('.skip').addEventListener('click', event => { event.preventDefault(); section('content').focus(); });
section('models').textContent = [report.float_model, report.int8_model].map(path => path.replace(/.*[\\/]/, '')).join(' → ');
section('models').title = `${report.float_model} → ${report.int8_model}`;
route();
