// The table of nodes: search, filters, sorting.
'use strict';

const wanted = {text: '', op: '', rule: ''};
let nodeTable = null;

function columnOf(measure) {
  return {key: measure.key, label: measure.label, hint: measure.hint, number: true, value: measure.of, cell: node => measure.text(measure.of(node)),
    badness: node => badness(measure, node), start: measure.low ? 'ascending' : 'descending'};
}

function nodeColumns() {
  const columns = [
    {key: 'rank', label: 'Rank', hint: '1 costs most', number: true, value: node => node.rank, cell: node => node.rank === null ? MISSING : String(node.rank)},
    {key: 'order', label: 'Order', hint: 'In the order they run', number: true, value: node => node.order, cell: node => String(node.order + 1)},
    {key: 'name', label: 'Node', value: node => node.id, cell: node => nodeLink(node)},
    {key: 'op', label: 'Operator', value: node => node.op, cell: node => node.op + (node.quantized ? '' : ', float')},
    ...measures.filter(measure => measure.known).map(columnOf),
  ];
  if (nodes.some(node => node.kernel))
    columns.push({key: 'kernel', label: 'Kernel', hint: 'Largest difference of the engine to the reference, in steps', number: true, start: 'descending',
      value: node => node.kernel ? node.kernel.worst_steps : null, cell: node => num(node.kernel ? node.kernel.worst_steps : null)});
  columns.push({key: 'causes', label: 'Causes', value: node => rulesOf(node).join() || null, cell: causeCell});
  return columns;
}

function causeCell(node) {
  const pills = node.causes.map(cause => el('span', {class: 'pill', title: cause.text}, words(cause.rule)));
  return proposal(node) ? [el('span', {class: 'pill proposed'}, proposal(node)), pills] : pills;
}

function matches(node) {
  const text = [node.id, node.op, ...node.outputs, ...node.causes.flatMap(cause => [cause.rule, cause.text])].join('\n').toLowerCase();
  const rules = {any: node.causes.length > 0, proposed: proposal(node) !== '', quantized: node.quantized, float: !node.quantized};
  const rule = wanted.rule === '' || (wanted.rule.startsWith('rule:') ? rulesOf(node).includes(wanted.rule.slice(5)) : rules[wanted.rule]);
  return rule && (wanted.op === '' || node.op === wanted.op) && wanted.text.toLowerCase().split(/\s+/).every(word => text.includes(word));
}

function ruleOptions() {
  const rules = [...new Set(nodes.flatMap(rulesOf))].sort();
  return [['', 'all nodes'], ['quantized', 'quantized'], ['float', 'left float'], ['any', 'with a cause'], ['proposed', 'with a proposed change'],
    ...rules.map(rule => ['rule:' + rule, words(rule)])];
}

function showNodes(place) {
  if (nodeTable) return;
  nodeTable = new SortedTable('Nodes', nodeColumns(), nodes, ranked.length ? 'rank' : 'order');
  const count = el('output', {id: 'count'});
  const refresh = change => { Object.assign(wanted, change); count.value = `${nodeTable.filter(matches)} of ${plural(nodes.length, 'node')}`; };
  const search = el('input', {id: 'search', type: 'search', placeholder: 'name, operator, cause ( / )', autocomplete: 'off', spellcheck: 'false', oninput: () => refresh({text: search.value})});
  const ops = [...new Set(nodes.map(node => node.op))].sort();
  fill(place, el('h1', {tabindex: '-1'}, 'Nodes'),
    el('div', {class: 'bar', role: 'search'}, el('label', {}, 'Search ', search),
      choice('Operator', [['', 'all'], ...ops.map(op => [op, op])], op => refresh({op})), choice('Show', ruleOptions(), rule => refresh({rule})), count),
    nodeTable.element);
  refresh({});
}
