// The network as a drawing: zoom, pan, colour by a measure, search.
'use strict';

let drawing = null;

function boxText(text, length) {
  return text.length <= length ? text : text.slice(0, 3) + '…' + text.slice(4 - length);
}

function drawBoxes(canvas, boxes) {
  const link = canvas.append('g').selectAll('a').data(boxes).join('a').attr('class', 'box').attr('href', box => '#node/' + encodeURIComponent(box.node.id))
    .attr('transform', box => `translate(${box.x - BOX.width / 2},${box.y - BOX.height / 2})`);
  link.append('title');
  link.append('rect').attr('width', BOX.width).attr('height', BOX.height).attr('rx', 5);
  link.append('text').attr('class', 'op').attr('x', 8).attr('y', 16).text(box => boxText(box.node.op, 24));
  link.append('text').attr('class', 'id').attr('x', 8).attr('y', 32).text(box => boxText(box.node.id, 24));
  return link;
}

function colour(measure) {
  drawing.links.each(function (box) {
    this.classList.remove('heat', 'hot');
    heat(this, badness(measure, box.node));
    this.querySelector('title').textContent = `${box.node.id} (${box.node.op})\n${measure.label}: ${measure.text(measure.of(box.node))}`;
  });
  const [good, bad] = measure.ends;
  fill(drawing.key, measure.text(bad), el('span', {class: 'ramp'}), measure.text(good));
}

// Dims what does not match; returns what does, worst first.
function searchGraph(text) {
  const word = text.toLowerCase();
  const found = word === '' ? [] : drawing.layout.boxes.filter(box => `${box.node.id}\n${box.node.op}`.toLowerCase().includes(word));
  drawing.links.classed('dim', box => word !== '' && !found.includes(box));
  return found.sort((a, b) => (a.node.rank || 1e9) - (b.node.rank || 1e9));
}

function viewSize() {
  const size = drawing.svg.node().getBoundingClientRect();
  return [size.width, size.height];
}

function fit() {
  const [width, height] = viewSize(), {layout} = drawing;
  const scale = Math.min(width / layout.width, height / layout.height, 1);
  drawing.svg.call(drawing.zoom.transform, d3.zoomIdentity.translate((width - scale * layout.width) / 2, (height - scale * layout.height) / 2).scale(scale));
}

function centre(node, focus) {
  const [width, height] = viewSize(), box = drawing.layout.boxes.find(each => each.node === node);
  drawing.svg.call(drawing.zoom.transform, d3.zoomIdentity.translate(width / 2 - box.x, height / 2 - box.y));
  drawing.links.classed('current', each => each === box);
  if (focus) drawing.links.filter(each => each === box).node().focus({preventScroll: true});
}

// A small copy of the whole with a frame around what is seen; a click there goes there.
function drawMap(layout) {
  const height = 150 * Math.max(1, Math.min(3, layout.height / layout.width)), scale = Math.min(150 / layout.width, height / layout.height);
  const map = d3.create('svg').attr('class', 'map').attr('aria-hidden', 'true').attr('width', Math.max(24, layout.width * scale)).attr('height', layout.height * scale);
  map.append('g').selectAll('rect').data(layout.boxes).join('rect').attr('class', 'dot').attr('x', box => (box.x - BOX.width / 2) * scale)
    .attr('y', box => (box.y - BOX.height / 2) * scale).attr('width', Math.max(2, BOX.width * scale)).attr('height', Math.max(1.5, BOX.height * scale))
    .each(function (box) { heat(this, badness(measureOf.get('isolated'), box.node)); });
  const frame = map.append('rect').attr('class', 'frame');
  map.on('click', function () {
    const [x, y] = d3.mouse(this);
    drawing.zoom.translateTo(drawing.svg, x / scale, y / scale);
  });
  const follow = t => {
    const [width, tall] = viewSize();
    frame.attr('x', -t.x / t.k * scale).attr('y', -t.y / t.k * scale).attr('width', width / t.k * scale).attr('height', tall / t.k * scale);
  };
  return {element: map.node(), follow};
}

function drawGraph(place) {
  const layout = layOut();
  const svg = d3.create('svg').attr('class', 'network').attr('tabindex', '0').attr('role', 'group').attr('aria-label', 'The network');
  svg.append('defs').append('marker').attr('id', 'arrow').attr('viewBox', '0 0 8 8').attr('refX', 7).attr('refY', 4).attr('markerWidth', 7).attr('markerHeight', 7)
    .attr('orient', 'auto').append('path').attr('d', 'M0,0L8,4L0,8z');
  const canvas = svg.append('g');
  canvas.append('g').selectAll('path').data(layout.edges).join('path').attr('class', 'edge').attr('marker-end', 'url(#arrow)')
    .attr('d', d3.line().curve(d3.curveBasis).x(p => p.x).y(p => p.y));
  const map = drawMap(layout);
  const zoom = d3.zoom().scaleExtent([0.02, 3]).on('zoom', () => { canvas.attr('transform', d3.event.transform); map.follow(d3.event.transform); });
  svg.call(zoom);
  drawing = {layout, svg, zoom, links: drawBoxes(canvas, layout.boxes), key: el('span', {class: 'key'})};
  const search = el('input', {type: 'search', id: 'graph-search', placeholder: 'Enter goes there ( / )', autocomplete: 'off', spellcheck: 'false',
    oninput: () => searchGraph(search.value), onkeydown: event => { if (event.key === 'Enter') { const found = searchGraph(search.value); if (found.length) centre(found[0].node); } }});
  const button = (text, label, act) => el('button', {type: 'button', 'aria-label': label, title: label, onclick: act}, text);
  fill(place, el('h1', {tabindex: '-1'}, 'Graph'),
    el('div', {class: 'bar'}, el('label', {}, 'Search ', search),
      choice('Colour', measures.filter(measure => measure.known).map(measure => [measure.key, measure.label]), key => colour(measureOf.get(key))), drawing.key,
      el('span', {class: 'buttons'}, button('+', 'Zoom in (+)', () => zoomBy(1.4)), button('−', 'Zoom out (-)', () => zoomBy(1 / 1.4)), button('Fit', 'Fit all (0)', fit),
        ranked.length ? button('Worst', 'Go to the worst node (w)', () => centre(ranked[0], true)) : null)),
    el('div', {class: 'stage'}, svg.node(), map.element));
  colour(measures.find(measure => measure.known) || measures[0]);
}

function zoomBy(factor) { drawing.svg.call(drawing.zoom.scaleBy, factor); }

function pan(right, down) {
  const scale = d3.zoomTransform(drawing.svg.node()).k;
  drawing.svg.call(drawing.zoom.translateBy, -right / scale, -down / scale);
}

function showGraph(place, node) {
  const first = drawing === null;
  if (first) drawGraph(place);
  if (node) centre(node, true);
  else if (first && ranked.length) centre(ranked[0]);
  else if (first) fit();
}
