// The outputs, sample by sample.
'use strict';

function samplesPlot(samples) {
  const x = d3.scaleLinear().domain([-0.5, samples.length - 0.5]);
  const finite = samples.map(sqnr).filter(Number.isFinite);
  const y = d3.scaleLinear().domain(roomy(finite.concat(0))).nice();
  const svg = axes({width: 1120, height: 240}, x, y, {title: 'SQNR by sample', x: 'sample', y: 'SQNR, dB', xticks: positions(samples.length), xformat: fromOne});
  svg.append('g').selectAll('circle').data(samples.map((sample, i) => ({sample, i})).filter(each => Number.isFinite(sqnr(each.sample)))).join('circle')
    .attr('class', each => each.sample.same_top ? 'float' : 'int8').attr('r', 3.6).attr('cx', each => x(each.i)).attr('cy', each => y(sqnr(each.sample)))
    .append('title').text(each => `${each.sample.id}\n${db(sqnr(each.sample))}${each.sample.same_top ? '' : '\nother top element'}`);
  return figure('Outputs of each sample', [['float', 'same top element'], ['int8', 'other top element']], svg.node());
}

function sampleColumns(samples) {
  const spread = d3.scaleLinear().domain(roomy(samples.map(sqnr)).reverse()).clamp(true);
  const number = (key, label, text, value, more) => ({key, label, number: true, value: value || (sample => sample[key]), cell: sample => text((value || (s => s[key]))(sample)), ...more});
  return [
    {key: 'index', label: 'Order', number: true, value: sample => sample.index, cell: sample => String(sample.index + 1)},
    {key: 'id', label: 'Sample', value: sample => sample.id, cell: sample => el('span', {class: 'name'}, sample.id)},
    number('sqnr_db', 'SQNR', db, sqnr, {badness: sample => Number.isFinite(sqnr(sample)) ? spread(sqnr(sample)) : 0}),
    number('cosine', 'Cosine', cosine), number('max_error', 'Largest error', num, null, {start: 'descending'}), number('mean_error', 'Mean error', num, null, {start: 'descending'}),
    {key: 'same_top', label: 'Top element', value: sample => Number(sample.same_top), cell: sample => sample.same_top ? 'same' : 'other'},
  ];
}

function showSamples(place) {
  if (place.firstChild) return;
  const samples = report.samples.map((sample, index) => ({...sample, index}));
  fill(place, el('h1', {tabindex: '-1'}, 'Samples'), samples.length ? samplesPlot(samples) : el('p', {}, 'None.'),
    new SortedTable('Samples', sampleColumns(samples), samples, 'sqnr_db').element);
}
