// Places for the nodes: layers from top to bottom, by dagre. Its time grows with the square of the layers, so a long network is laid out in
// pieces, cut where every line that crosses comes from one node, the anchor; the next piece starts with a copy of it.
'use strict';

const BOX = {width: 168, height: 40};
const GAP = 34;
const PIECE = 40;  // nodes, at least

// [from, to] by order, each pair once.
function edgeList() {
  return nodes.flatMap(node => [...new Set(before(node))].map(from => [from.order, node.order]));
}

// [{first, end, anchor}]: nodes [first, end), and the node before them that alone reaches into them (null: none does).
function cutIntoPieces(edges) {
  const reach = nodes.map(node => node.order);  // the furthest node an edge joins with this one
  for (const edge of edges) reach[Math.min(...edge)] = Math.max(reach[Math.min(...edge)], ...edge);
  const pieces = [{first: 0, end: nodes.length, anchor: null}];
  let furthest = -1;  // reached from before node i
  for (let i = 0; i + 1 < nodes.length; ++i) {
    const piece = pieces[pieces.length - 1];
    if (furthest <= i && i + 1 - piece.first >= PIECE) {
      piece.end = i + 1;
      pieces.push({first: i + 1, end: nodes.length, anchor: reach[i] > i ? i : null});
    }
    furthest = Math.max(furthest, reach[i]);
  }
  return pieces;
}

// Boxes by order and lines of one piece.
function layOutPiece(piece, edges) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({rankdir: 'TB', nodesep: 26, ranksep: GAP, marginx: 20, marginy: 20});
  graph.setDefaultEdgeLabel(() => ({}));
  if (piece.anchor !== null) graph.setNode(String(piece.anchor), {...BOX});
  for (let i = piece.first; i < piece.end; ++i) graph.setNode(String(i), {...BOX});
  for (const [from, to] of edges)
    if (graph.hasNode(String(from)) && graph.hasNode(String(to))) graph.setEdge(String(from), String(to));
  dagre.layout(graph);
  return {boxes: new Map(graph.nodes().map(key => [Number(key), graph.node(key)])), lines: graph.edges().map(key => graph.edge(key).points)};
}

function moved(points, right, down) {
  return points.map(point => ({...point, x: point.x + right, y: point.y + down}));
}

// How far right and down a piece goes, below what is placed: the copy of the anchor onto the anchor where nothing else is in the way.
function offset(piece, placed, boxes) {
  const bottom = d3.max(placed, box => box.y) || -Infinity, top = d3.min([...boxes.values()], box => box.y);
  if (piece.anchor === null) return placed.length ? [0, bottom + BOX.height + GAP - top] : [0, 0];
  const anchor = placed[piece.anchor], copy = boxes.get(piece.anchor);
  const fits = anchor.y === bottom && copy.y === top;
  return [anchor.x - copy.x, fits ? anchor.y - copy.y : bottom + BOX.height + GAP - top];
}

function layOut() {
  const edges = edgeList(), placed = [], lines = [];
  for (const piece of cutIntoPieces(edges)) {
    const own = layOutPiece(piece, edges);
    const [right, down] = offset(piece, placed, own.boxes);
    const anchor = piece.anchor === null ? null : placed[piece.anchor], copy = own.boxes.get(piece.anchor);
    if (anchor && anchor.y !== copy.y + down) lines.push([{x: anchor.x, y: anchor.y + BOX.height / 2}, {x: anchor.x, y: copy.y + down + BOX.height / 2}]);
    for (let i = piece.first; i < piece.end; ++i) placed[i] = {...moved([own.boxes.get(i)], right, down)[0], node: nodes[i]};
    lines.push(...own.lines.map(points => moved(points, right, down)));
  }
  return framed(placed, lines);
}

// Everything at positive places, and how large it is.
function framed(boxes, edges) {
  const left = (d3.min(boxes, box => box.x) || 0) - BOX.width, top = (d3.min(boxes, box => box.y) || 0) - BOX.height;
  boxes = moved(boxes, -left, -top);
  return {boxes, edges: edges.map(points => moved(points, -left, -top)), width: (d3.max(boxes, box => box.x) || 0) + BOX.width, height: (d3.max(boxes, box => box.y) || 0) + BOX.height};
}
