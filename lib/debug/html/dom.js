// Elements from names, attributes and children. Text becomes a text node, never HTML: names in a report are other people's.
'use strict';

function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined && child !== false) element.append(child);  // a string is appended as text
}

function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

function section(id) {
  return document.getElementById(id);
}

// A definition list of [term, what, key]; key names the number, for whoever reads the page by program.
function facts(rows) {
  return el('dl', {class: 'facts'}, rows.filter(Boolean).map(([term, what, key]) => [el('dt', {}, term), el('dd', {'data-key': key}, what)]));
}

function choice(label, options, onchange) {
  const select = el('select', {onchange: () => onchange(select.value)}, options.map(([value, text]) => el('option', {value}, text)));
  return el('label', {}, label + ' ', select);
}

// What <a href> points at a node's page.
function nodeLink(node, text) {
  return el('a', {href: '#node/' + encodeURIComponent(node.id), class: 'name'}, text === undefined ? node.id : text);
}
