// The parts plots are made of: a drawing with two axes, a legend, vertical ranges, marked lines.
'use strict';

const MARGIN = {top: 12, right: 14, bottom: 40, left: 62};

// An empty drawing of `size` with axes for scales x and y, whose ranges are set here.
function axes(size, x, y, labels) {
  const {width, height} = size;
  x.range([MARGIN.left, width - MARGIN.right]);
  y.range([height - MARGIN.bottom, MARGIN.top]);
  const svg = d3.create('svg').attr('viewBox', `0 0 ${width} ${height}`).attr('class', 'plot').attr('role', 'img').attr('aria-label', labels.title);
  const down = d3.axisLeft(y).ticks(5).tickValues(labels.yticks || null).tickFormat(labels.yformat || null), across = d3.axisBottom(x);
  across.ticks(7, labels.xformat).tickValues(labels.xticks || null);
  if (labels.xformat) across.tickFormat(labels.xformat);
  svg.append('g').attr('class', 'axis grid').attr('transform', `translate(${MARGIN.left},0)`)
    .call(down.tickSizeInner(MARGIN.left + MARGIN.right - width).tickPadding(6));
  svg.append('g').attr('class', 'axis').attr('transform', `translate(0,${height - MARGIN.bottom})`).call(across);
  svg.append('text').attr('class', 'label').attr('x', (MARGIN.left + width - MARGIN.right) / 2).attr('y', height - 6)
    .attr('text-anchor', 'middle').text(labels.x);
  svg.append('text').attr('class', 'label').attr('transform', `translate(13,${(MARGIN.top + height - MARGIN.bottom) / 2}) rotate(-90)`)
    .attr('text-anchor', 'middle').text(labels.y);
  return svg;
}

function legend(...entries) {
  return el('ul', {class: 'legend'}, entries.filter(Boolean).map(([kind, text]) => el('li', {class: kind}, text)));
}

function figure(title, entries, ...content) {
  return el('figure', {}, el('figcaption', {}, title), entries.length ? legend(...entries) : null, content);
}

// A dashed line at value v of one scale, across the other.
function mark(svg, x, y, v, upright) {
  const along = upright ? y.range() : x.range(), at = upright ? x(v) : y(v);
  svg.append('line').attr('class', 'mark').attr(upright ? 'x1' : 'y1', at).attr(upright ? 'x2' : 'y2', at)
    .attr(upright ? 'y1' : 'x1', along[0]).attr(upright ? 'y2' : 'x2', along[1]);
}

// What people count from one.
function fromOne(i) { return String(i + 1); }

// At most ten whole positions of n.
function positions(n) {
  const step = Math.max(1, Math.ceil(n / 10));
  return d3.range(0, n, step);
}

// The powers of ten between lo and hi.
function decades(lo, hi) {
  return d3.range(Math.ceil(Math.log10(lo)), Math.floor(Math.log10(hi)) + 1).map(k => Number('1e' + k));
}

// An extent that is wider than nothing.
function roomy(values) {
  const [lo, hi] = d3.extent(values.filter(Number.isFinite));
  if (lo === undefined) return [0, 1];
  return lo < hi ? [lo, hi] : [lo - (Math.abs(lo) || 1) / 2, hi + (Math.abs(hi) || 1) / 2];
}

// Vertical ranges side by side: rows are {title, bars: [[class, lo, hi], ...]}; `lines` are marked across.
function ranges(rows, lines, labels) {
  const x = d3.scaleBand().domain(d3.range(rows.length)).paddingInner(rows.length > 100 ? 0.1 : 0.3);
  const y = d3.scaleLinear().domain(roomy(rows.flatMap(row => row.bars.flatMap(bar => [bar[1], bar[2]])).concat(lines, 0))).nice();
  const svg = axes({width: 560, height: 250}, x, y, {xticks: positions(rows.length), ...labels});
  for (const line of lines) mark(svg, x, y, line, false);
  rows.forEach((row, i) => {
    const group = svg.append('g').attr('class', 'range');
    group.append('title').text(row.title);
    row.bars.forEach(([kind, lo, hi], layer) => {
      if (lo === null || hi === null) return;
      const width = x.bandwidth() / (layer + 1);
      group.append('rect').attr('class', kind).attr('x', x(i) + (x.bandwidth() - width) / 2).attr('width', width)
        .attr('y', y(hi)).attr('height', Math.max(2, y(lo) - y(hi)));
    });
  });
  return svg.node();
}
