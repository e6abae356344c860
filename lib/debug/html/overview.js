// What to know first: the verdict, the outputs, the worst nodes and why, where along the network it is lost.
'use strict';

function verdictText() {
  if (report.verdict) return report.verdict;
  const worst = ranked.length ? ` The worst node is ${ranked[0].id}.` : '';
  return `The outputs keep ${db(sqnr(report.network))} to the float model.${worst}`;
}

function tile(label, value, key, hint) {
  return el('div', {class: 'tile', title: hint}, el('span', {class: 'value', 'data-key': key}, value), el('span', {class: 'what'}, label));
}

function tiles() {
  const all = report.network;
  return el('div', {class: 'tiles'},
    tile('SQNR of the outputs', db(sqnr(all)), 'network.sqnr_db', '10 log10(sum float² / sum error²)'),
    tile('cosine', cosine(all.cosine), 'network.cosine'),
    tile('same top element', share(all.same_top), 'network.same_top', 'Share of the samples whose first output has its largest element in the same place'),
    tile('largest error', num(all.max_error), 'network.max_error'),
    tile('mean error', num(all.mean_error), 'network.mean_error'),
    tile('mean squared error', num(all.mse), 'network.mse'),
    report.expected_gain === null || report.expected_gain === undefined ? null
      : tile('expected gain', share(report.expected_gain), 'expected_gain', 'Share of the output error that the proposed changes take away together'));
}

function worstItem(node) {
  const cause = node.causes[0];
  return el('li', {},
    el('div', {class: 'head'}, nodeLink(node), ' ', el('span', {class: 'op'}, node.op), ' ',
      heat(el('span', {class: 'pill'}, db(sqnr(node.isolated))), badness(measureOf.get('isolated'), node)),
      node.leave_one_out ? heat(el('span', {class: 'pill', title: measureOf.get('gain').hint}, 'gain ' + share(node.leave_one_out.gain)), badness(measureOf.get('gain'), node)) : null,
      proposal(node) ? el('span', {class: 'pill proposed'}, 'proposed: ' + proposal(node)) : null),
    cause ? el('p', {}, cause.text, cause.remedy ? el('em', {}, ' – ' + cause.remedy) : null) : null);
}

// Loss by node in the order they run: dots one can click.
function profileFigure() {
  const shown = nodes.filter(node => node.isolated || node.cumulative);
  if (!shown.length) return null;
  const kinds = [['int8', 'isolated', 'alone'], ['float', 'cumulative', 'until here']];
  const values = shown.flatMap(node => kinds.map(kind => sqnr(node[kind[1]]))).filter(v => v !== null);
  const x = d3.scaleLinear().domain([0.5, nodes.length + 0.5]), y = d3.scaleLinear().domain(roomy(values.concat(0))).nice();
  const svg = axes({width: 1120, height: 260}, x, y, {title: 'SQNR by node', x: 'node, in the order they run', y: 'SQNR, dB'});
  for (const [kind, key, text] of kinds) {
    const points = shown.filter(node => Number.isFinite(sqnr(node[key])) && node[key]);
    if (key === 'cumulative')
      svg.append('path').attr('class', kind + ' outline').attr('d', d3.line().x(node => x(node.order + 1)).y(node => y(sqnr(node[key])))(points));
    svg.append('g').selectAll('circle').data(points).join('circle').attr('class', kind + ' clickable').attr('r', 3.4)
      .attr('cx', node => x(node.order + 1)).attr('cy', node => y(sqnr(node[key]))).on('click', node => { location.hash = 'node/' + encodeURIComponent(node.id); })
      .append('title').text(node => `${node.id} (${node.op})\n${text} ${db(sqnr(node[key]))}`);
  }
  return figure('Loss along the network', kinds.map(kind => [kind[0], kind[2]]), svg.node());
}

function listOf(title, names) {
  return names.length ? el('details', {}, el('summary', {}, `${title} (${names.length})`), el('ul', {class: 'names'}, names.map(name => el('li', {}, name)))) : null;
}

function aboutModels() {
  const pairing = report.pairing;
  return [
    el('h2', {}, 'Models'),
    facts([
      ['float', report.float_model], ['int8', report.int8_model], ['engine', report.engine], ['backend', report.backend || MISSING],
      ['samples', String(report.samples.length), 'samples'], ['outputs', report.outputs.join(', ')],
      ['nodes', `${nodes.length}, ${nodes.filter(node => node.quantized).length} quantized`],
      ['operators paired', `${pairing.by_name} by name, ${pairing.by_position} by position`],
      ['paired weights agree to', db(pairing.exactness_db === null ? Infinity : pairing.exactness_db)],
    ]),
    listOf('Operators of the int8 model without a partner', pairing.int8_alone),
    listOf('Operators of the float model without a partner', pairing.float_alone),
  ];
}

function showOverview(place) {
  fill(place,
    el('h1', {tabindex: '-1', class: 'verdict', id: 'verdict'}, verdictText()),
    tiles(),
    ranked.length ? [el('h2', {}, 'What costs most'), el('ol', {class: 'worst'}, ranked.slice(0, 5).map(worstItem)),
      el('p', {}, el('a', {href: '#nodes'}, `All ${plural(nodes.length, 'node')}`))] : null,
    profileFigure(),
    aboutModels());
}
