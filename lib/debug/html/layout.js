// Places for the nodes: layers from top to bottom, by dagre.
'use strict';

const BOX = {width: 168, height: 40};

function layOut() {
  const graph = new dagre.graphlib.Graph({multigraph: false});
  graph.setGraph({rankdir: 'TB', nodesep: 26, ranksep: 34, marginx: 20, marginy: 20, ranker: nodes.length > 300 ? 'longest-path' : 'network-simplex'});
  graph.setDefaultEdgeLabel(() => ({}));
  // By number: a node may be called "__proto__".
  for (const node of nodes) graph.setNode('n' + node.order, {...BOX, node});
  for (const node of nodes)
    for (const from of before(node)) graph.setEdge('n' + from.order, 'n' + node.order);
  dagre.layout(graph);
  return {
    boxes: graph.nodes().map(key => graph.node(key)),
    edges: graph.edges().map(key => graph.edge(key).points),
    width: graph.graph().width || 1, height: graph.graph().height || 1,
  };
}
