// Numbers as text. A missing number is "–"; an SQNR without any error is "exact".
'use strict';

const MISSING = '–';
const significant = d3.format('.4~g');

function num(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  return Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : significant(value);
}

function db(value) {
  if (value === null || value === undefined) return MISSING;
  return Number.isFinite(value) ? value.toFixed(1) + ' dB' : 'exact';
}

function share(value) {
  if (value === null || value === undefined) return MISSING;
  if (value !== 0 && Math.abs(value) < 0.0001) return '<0.01 %';
  return d3.format(Math.abs(value) < 0.1 ? '.2~f' : '.1~f')(100 * value) + ' %';
}

// 1 stays 1.000000 only where it is.
function cosine(value) {
  return value === null || value === undefined ? MISSING : value.toFixed(6);
}

function plural(count, one, many) {
  return count + ' ' + (count === 1 ? one : many || one + 's');
}

// Rules and observers are written like_this.
function words(name) {
  return String(name).replaceAll('_', ' ');
}
