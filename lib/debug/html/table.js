// A table that sorts by a click on (or Enter at) a heading. Rows without a number stay last either way.
'use strict';

// columns: {key, label, hint, value(row) -> number, string or null, cell(row) -> content, badness(row), start: 'ascending'}.
class SortedTable {
  constructor(name, columns, rows, sortedBy) {
    this.columns = columns;
    this.body = el('tbody', {});
    this.rows = rows.map(row => ({row, element: this.make(row), shown: true}));
    this.heads = columns.map(column => el('th', {scope: 'col', 'data-key': column.key, class: column.number ? 'number' : null},
      el('button', {type: 'button', title: column.hint, onclick: () => this.toggle(column)}, column.label)));
    this.element = el('div', {class: 'scroll'}, el('table', {'aria-label': name}, el('thead', {}, el('tr', {}, this.heads)), this.body));
    this.sort(columns.find(column => column.key === sortedBy), true);
  }

  make(row) {
    return el('tr', {'data-id': row.id}, this.columns.map(column => {
      const cell = el('td', {'data-key': column.key, class: column.number ? 'number' : null}, column.cell(row));
      return column.badness ? heat(cell, column.badness(row)) : cell;
    }));
  }

  toggle(column) {
    this.sort(column, this.by === column ? !this.ascending : column.start !== 'descending');
  }

  sort(column, ascending) {
    this.by = column;
    this.ascending = ascending;
    const order = ascending ? d3.ascending : d3.descending;
    this.rows.sort((a, b) => {
      const x = column.value(a.row), y = column.value(b.row);
      if (x === null || y === null) return (x === null) - (y === null);
      return order(x, y);
    });
    this.columns.forEach((each, i) => this.heads[i].setAttribute('aria-sort', each !== column ? 'none' : ascending ? 'ascending' : 'descending'));
    this.body.append(...this.rows.map(each => each.element));
  }

  // Shows the rows `wanted` says yes to; returns how many.
  filter(wanted) {
    for (const each of this.rows) each.element.hidden = !(each.shown = wanted(each.row));
    return this.rows.filter(each => each.shown).length;
  }

  // Rows as they are seen, top to bottom.
  visible() {
    return this.rows.filter(each => each.shown);
  }
}
