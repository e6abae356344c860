// The page of one node: why, how much, of what, and its neighbours.
'use strict';

function causeItem(cause) {
  const evidence = Object.entries(cause.evidence);
  return el('article', {class: 'cause'}, el('h3', {}, cause.text), el('p', {class: 'rule muted'}, 'Rule ', el('code', {}, cause.rule)),
    cause.remedy ? el('p', {}, el('strong', {}, 'Remedy: '), cause.remedy) : null,
    cause.observer ? el('p', {}, el('strong', {}, 'Range rule that would help: '), el('code', {}, cause.observer)) : null,
    evidence.length ? facts(evidence.map(([name, value]) => [words(name), num(value), 'evidence.' + name])) : null);
}

function lossRow(title, loss, key) {
  const cells = loss ? [[db(sqnr(loss)), 'sqnr_db'], [cosine(loss.cosine), 'cosine'], [num(loss.max_error), 'max_error'], [num(loss.mean_error), 'mean_error']]
    : ['sqnr_db', 'cosine', 'max_error', 'mean_error'].map(name => [MISSING, name]);
  return el('tr', {}, el('th', {scope: 'row'}, title), cells.map(([text, name]) => el('td', {class: 'number', 'data-key': `${key}.${name}`}, text)));
}

function table(heads, rows) {
  return el('div', {class: 'scroll'}, el('table', {class: 'plain'}, el('thead', {}, el('tr', {}, heads.map(head => el('th', {scope: 'col'}, head)))), el('tbody', {}, rows)));
}

// [weight, its place in the report], biases last.
function ownWeights(node) {
  return node.weights.map((weight, i) => [weight, i]).sort((a, b) => a[0].bias - b[0].bias);
}

function lossTable(node) {
  return [el('h2', {}, 'Losses'), table(['', 'SQNR', 'cosine', 'largest error', 'mean error'], [
    lossRow('alone, inputs float', node.isolated, 'isolated'),
    lossRow('int8 model until here', node.cumulative, 'cumulative'),
    ownWeights(node).map(([weight, i]) => lossRow((weight.bias ? 'bias ' : 'weight ') + weight.name, weight.loss, `weights.${i}`)),
  ])];
}

function gainFacts(node) {
  const told = node.leave_one_out;
  return told && facts([['mean squared error of the outputs, this node alone float', num(told.mse), 'leave_one_out.mse'],
    ['gain: what that takes off', share(told.gain), 'leave_one_out.gain']]);
}

function parametersRow(title, parameters, key) {
  const told = parameters;
  const cells = [[told.dtype, 'dtype'], [num(told.scale), 'scale'], [String(told.zero_point), 'zero_point'], [num(told.lo), 'lo'], [num(told.hi), 'hi'],
    [told.per_channel ? 'by channel' : 'whole tensor', 'per_channel']];
  return el('tr', {}, el('th', {scope: 'row'}, title), cells.map(([text, name]) => el('td', {class: 'number', 'data-key': `${key}.${name}`}, text)));
}

function parametersTable(node) {
  const rows = [node.activation && node.activation.parameters ? parametersRow('output', node.activation.parameters, 'activation.parameters') : null,
    ...ownWeights(node).map(([weight, i]) => weight.parameters ? parametersRow((weight.bias ? 'bias ' : 'weight ') + weight.name, weight.parameters, `weights.${i}.parameters`) : null)];
  if (!rows.some(Boolean)) return null;
  return [el('h2', {}, 'Parameters'), table(['', 'type', 'scale', 'zero point', 'lowest', 'highest', 'held'], rows)];
}

function valueFacts(node) {
  const told = node.activation;
  if (!told) return null;
  const useful = told.useful && told.useful.map((end, i) => end === null ? (i ? '∞' : '−∞') : num(end)).join(' to ');
  return facts([
    ['float range', `${num(told.lo)} to ${num(told.hi)}`, 'activation.range'],
    ['99.99 % within', `${num(told.p9999_lo)} to ${num(told.p9999_hi)}`, 'activation.p9999'],
    useful && ['useful to its readers', useful],
    ['clipped below', share(told.clipped_below), 'activation.clipped_below'],
    ['clipped above', share(told.clipped_above), 'activation.clipped_above'],
    ['codes used', share(told.codes_used), 'activation.codes_used'],
  ]);
}

function weightPart(weight) {
  return el('section', {class: 'part'}, el('h3', {}, weight.name, ' ', el('span', {class: 'op'}, `[${weight.shape.join(', ')}]`)),
    facts([['channels', weight.axis < 0 ? MISSING : `${weight.channel_count}, axis ${weight.axis}`], ['largest channel over the median', num(weight.channel_spread)],
      ['codes at either end', share(weight.codes_at_ends)]]),
    channelsFigure(weight));
}

function kernelPart(kernel) {
  return kernel && [el('h2', {}, 'Kernel against reference'), facts([
    ['kernel', kernel.kernel || MISSING], kernel.declined && ['declined', kernel.declined], ['largest difference', num(kernel.worst_steps) + ' steps'],
    ['codes that differ', share(kernel.share_differing)], ['within the bound', kernel.within_bound ? 'yes' : 'no'],
  ])];
}

function neighbours(title, list) {
  return list.length ? [title, list.map((node, i) => [i ? ', ' : null, nodeLink(node)])] : null;
}

// The node `step` places further in the ranking, else in running order.
function beside(node, step) {
  return node.rank === null ? nodes[node.order + step] : ranked[ranked.indexOf(node) + step];
}

function nodeHead(node) {
  const told = [node.op, node.rank === null ? null : `rank ${node.rank} of ${ranked.length}`, node.quantized ? null : 'left float', `number ${node.order + 1} of ${nodes.length}`];
  const worse = beside(node, -1), better = beside(node, 1);
  return [
    el('h1', {tabindex: '-1', class: 'name'}, node.id),
    el('p', {class: 'under'}, told.filter(Boolean).join(' · '), proposal(node) ? el('span', {class: 'pill proposed'}, 'proposed: ' + proposal(node)) : null),
    el('p', {class: 'links'}, el('a', {href: '#nodes'}, 'All nodes'), el('a', {href: '#graph/' + encodeURIComponent(node.id)}, 'Show in graph'),
      worse ? nodeLink(worse, '‹ previous') : null, better ? nodeLink(better, 'next ›') : null),
  ];
}

function showNode(place, node) {
  fill(place, nodeHead(node),
    el('h2', {}, 'Causes'), node.causes.length ? node.causes.map(causeItem) : el('p', {class: 'muted'}, 'No rule found one.'),
    lossTable(node), gainFacts(node), parametersTable(node),
    node.activation ? el('h2', {}, 'Values') : null, valueFacts(node),
    el('div', {class: 'figures'}, histogramFigure(node), scatterFigure(node), sampleRangesFigure(node)),
    node.weights.length ? el('h2', {}, 'Weights') : null,
    el('div', {class: 'figures'}, ownWeights(node).map(([weight]) => weightPart(weight))),
    kernelPart(node.kernel),
    el('h2', {}, 'Neighbours'),
    facts([['reads', neighbours('', before(node)) || node.inputs.join(', ') || MISSING], ['read by', neighbours('', after(node)) || 'nothing: an output of the network'],
      ['gives', node.outputs.join(', ')]]));
}
