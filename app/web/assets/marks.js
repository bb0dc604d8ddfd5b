// The five marks of a chart: bars, stack, line, fill, matrix. Each draws the values of a table.
// Only geometry is written here; looks come from the classes in pages.css.
// @ts-check
import { svg } from './dom.js';
import { number, short, t } from './words.js';


const pen = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));
/** @param {string} text */
function width(text, size = 12) {
  // Names are drawn at 13 pixels and half bold, axes at 12.
  pen.font = `${size === 13 ? 600 : 400} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}

/** @param {string} text @param {number} room */
function fit(text, room, size = 12) {
  if (width(text, size) <= room) return text;
  let end = text.length;
  while (end > 1 && width(text.slice(0, end).trimEnd() + '…', size) > room) end--;
  return text.slice(0, end).trimEnd() + '…';
}

/** A name that keeps both ends: many begin alike, as Dishub Prov. Jawa Barat and Dishub Prov. DKI Jakarta do. @param {string} text @param {number} room */
function ends(text, room, size = 12) {
  let kept = text.length;
  const cut = () => `${text.slice(0, Math.floor(kept * .45)).trimEnd()}…${text.slice(text.length - Math.ceil(kept * .55)).trimStart()}`;
  if (width(text, size) <= room) return text;
  while (kept > 2 && width(cut(), size) > room) kept--;
  return cut();
}

/** Round ticks from 0 to at least `top`: steps of 1, 2, 2.5 or 5 times a power of ten. @param {number} top */
export function ticks(top, about = 4) {
  if (!(top > 0)) return [0, 1];
  const raw = Math.max(1, top / about), power = 10 ** Math.floor(Math.log10(raw)); // counts have no fractions
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw && s % 1 === 0) ?? 10 * power;
  return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, i) => i * step);
}

/** Pushes labels apart so that none overlap, and keeps them between `low` and `high`. @template {{at: number}} T @param {T[]} labels */
export function apart(labels, gap = 15, low = -Infinity, high = Infinity) {
  labels.sort((a, b) => a.at - b.at);
  labels.forEach((l, i) => { l.at = Math.max(l.at, i ? labels[i - 1].at + gap : low); });
  for (let i = labels.length - 1; i >= 0; i--) labels[i].at = Math.min(labels[i].at, i < labels.length - 1 ? labels[i + 1].at - gap : high);
  return labels;
}

/** Of a cell: what `data-v` says. @param {HTMLElement} cell @returns {number | null} */
const value = (cell) => (cell.dataset.v === undefined || cell.dataset.v === '' ? null : Number(cell.dataset.v));

/** @typedef {{label: string, values: (number | null)[], href?: string}} Row */
/** `shades`: the colour of each series. @typedef {{rows: Row[], series: string[], shades: number[], unit: string, w: number, now: string, part: boolean, flat: boolean, title: string}} Data */
/** @param {HTMLElement} figure @returns {Data} */
export function read(figure) {
  const table = /** @type {HTMLTableElement} */ (figure.querySelector('table'));
  const heads = [...table.tHead?.rows[0].cells ?? []].slice(1);
  const rows = [...table.tBodies[0].rows].map((r) => ({
    label: r.cells[0].textContent?.trim() ?? '', href: r.cells[0].querySelector('a')?.href, values: [...r.cells].slice(1).map(value),
  }));
  return {
    rows, series: heads.map((c) => c.textContent?.trim() ?? ''), shades: heads.map((c, k) => Number(c.dataset.shade ?? k)), unit: figure.dataset.unit ?? '', now: figure.dataset.now ?? '',
    part: figure.dataset.show === 'part', flat: figure.dataset.show === 'flat', title: table.caption?.textContent?.trim() ?? '', w: Math.max(260, Math.round(figure.clientWidth)),
  };
}

/** One value that can be pointed at and read. @param {string} reading @param {Node[]} children */
const mark = (reading, ...children) => svg('g', { class: 'v', role: 'img', tabindex: -1, 'aria-label': reading }, ...children);
/** @param {number} x @param {number} y @param {number} w @param {number} h @param {string} kind */
const rect = (x, y, w, h, kind) => svg('rect', { x: +x.toFixed(1), y: +y.toFixed(1), width: Math.max(0, +w.toFixed(1)), height: Math.max(0, +h.toFixed(1)), class: kind });
/** @param {number} x @param {number} y @param {string} text @param {string} [kind] @param {string} [anchor] */
const label = (x, y, text, kind = '', anchor = 'start') => svg('text', { x: +x.toFixed(1), y: +y.toFixed(1), class: kind, 'text-anchor': anchor }, text);
/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {string} kind */
const line = (x1, y1, x2, y2, kind) => svg('line', { x1: +x1.toFixed(1), y1: +y1.toFixed(1), x2: +x2.toFixed(1), y2: +y2.toFixed(1), class: kind });
/** @param {(number | null)[]} values */
const most = (values) => Math.max(0, ...values.map((v) => v ?? 0));

/** Level bars, one group a row; a second series is "before" and drawn thin and grey. @param {Data} data */
function bars({ rows, series, unit, w }) {
  const longest = most(rows.map((r) => width(r.label, 13))), narrow = w < 420 || longest > w * .45, room = narrow ? w : 8 + longest;
  const top = most(rows.flatMap((r) => r.values)), end = 8 + width(number(top), 13);
  const left = narrow ? 0 : room + 12, scale = (w - left - end) / (top || 1), pair = series.length > 1;
  const step = (pair ? 36 : 28) + (narrow ? 18 : 0);
  const parts = rows.map((row, i) => {
    const y = i * step, bar = y + (narrow ? 22 : pair ? 6 : 5);
    const said = `${row.label}: ` + series.map((s, k) => `${s} ${row.values[k] === null ? t('chart.none') : number(row.values[k] ?? 0)}`).join(', ') + (unit ? ` ${unit}` : '');
    const v = row.values[0] ?? 0;
    return mark(said, rect(-4, y, w + 8, step, 'hit'),
      narrow ? label(0, y + 16, ends(row.label, w, 13), 'strong') : label(0, bar + 12, ends(row.label, room, 13), 'strong'),
      rect(left, bar, Math.max(v && 1.5, v * scale), 16, 'f1'),
      ...(pair ? [rect(left, bar + 18, Math.max(1, (row.values[1] ?? 0) * scale), 4, 'before')] : []),
      label(left + v * scale + 6, bar + 12.5, number(v), 'strong'));
  });
  return { h: rows.length * step + 2, parts: [...(left ? [line(left, 0, left, rows.length * step, 'base')] : []), ...parts] };
}

/** Upright stacked bars, one a row of the table. @param {Data} data */
function stack({ rows, series, shades, unit, w, now, flat }) {
  const sums = rows.map((r) => r.values.reduce((/** @type {number} */ a, v) => a + (v ?? 0), 0));
  const rules = ticks(Math.max(...sums)), high = rules[rules.length - 1], left = 8 + most(rules.map((n) => width(short(n)))), h = w < 420 ? 190 : flat ? 152 : 240, base = h - 24;
  const step = (w - left) / rows.length, thick = Math.max(2, Math.min(40, step * .74)), y = (/** @type {number} */ n) => base - n / high * (base - 14);
  const parts = rules.flatMap((n) => [line(left, y(n), w, y(n), n ? 'axis' : 'base'), label(left - 8, y(n) + 4, short(n), '', 'end')]);
  let free = -Infinity;
  rows.forEach((row, i) => {
    const mid = left + step * (i + .5), half = width(row.label) / 2; let at = 0;
    const said = `${row.label}: ${number(sums[i])} ${unit}; ` + series.map((s, k) => [s, row.values[k] ?? 0]).filter(([, v]) => v).sort((a, b) => +b[1] - +a[1]).map(([s, v]) => `${s} ${number(+v)}`).join(', ');
    const pieces = series.flatMap((_, k) => {
      const v = row.values[k] ?? 0; if (!v) return [];
      const tall = y(at) - y(at + v) - 1, middle = y(at + v / 2) + 4; at += v;
      return [rect(mid - thick / 2, y(at), thick, Math.max(.5, tall), `f${shades[k] % 8 + 1}`), ...(tall > 13 && thick > 12 ? [label(mid, middle, 'ABCDEFGH'[shades[k] % 8], `key key${shades[k] % 8 + 1}`, 'middle')] : [])];
    });
    const current = row.label === now;
    parts.push(mark(said, rect(left + step * i, 0, step, base, 'hit'), ...pieces));
    const place = (/** @type {number} */ j) => { const h2 = width(rows[j].label) / 2; return Math.min(w - h2, Math.max(left + h2, left + step * (j + .5))); };
    const must = current || i === rows.length - 1, x = place(i);
    const blocked = rows.some((r, j) => j > i && (r.label === now || j === rows.length - 1) && place(j) - x < half + width(r.label) / 2 + 12);
    if (must || (x - half > free + 12 && !blocked)) { parts.push(label(x, h - 6, row.label, current ? 'strong' : '', 'middle')); free = x + half; }
  });
  return { h, parts };
}

/** Lines with gaps where nothing was measured, names at their ends, and a marker. @param {Data} data */
function lines({ rows, series, unit, w, now }) {
  const rules = ticks(most(rows.flatMap((r) => r.values)), 3), high = rules[rules.length - 1], left = 8 + most(rules.map((n) => width(short(n))));
  const named = series.length > 1, right = named ? Math.min(w * .25, 10 + most(series.map((s) => width(s, 13)))) : 8, h = 180, base = h - 24;
  const x = (/** @type {number} */ i) => left + i / Math.max(1, rows.length - 1) * (w - left - right), y = (/** @type {number} */ n) => base - n / high * (base - 18);
  const parts = rules.flatMap((n) => [line(left, y(n), w - right, y(n), n ? 'axis' : 'base'), label(left - 8, y(n) + 4, short(n), '', 'end')]);
  let free = -Infinity;
  rows.forEach((row, i) => {
    const half = width(row.label) / 2, at = Math.min(w - half, Math.max(left, x(i)));
    if (at - half > free + 28 && (i === 0 || i === rows.length - 1 || i % 5 === 0) && (i === rows.length - 1 || x(rows.length - 1) - x(i) > width(row.label) + 20)) { parts.push(label(at, h - 6, row.label, '', 'middle')); free = at + half; }
  });
  const mine = rows.findIndex((r) => r.label === now.split('|')[0]);
  if (mine >= 0) {
    const text = now.split('|')[1] ?? t('chart.now'), flip = x(mine) + 6 + width(text, 13) > w;
    parts.push(line(x(mine), 4, x(mine), base, 'now'), label(x(mine) + (flip ? -6 : 6), 13, text, 'strong halo', flip ? 'end' : 'start'));
  }
  const ends = series.map((name, k) => {
    let path = '', open = false, last = base;
    rows.forEach((row, i) => { const v = row.values[k]; if (v === null) { open = false; return; } path += `${open ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`; open = true; last = y(v); });
    parts.push(svg('path', { d: path, class: `path k${k % 4 + 1}` }));
    return { name, at: last, k };
  });
  if (named) for (const e of apart(ends, 16, 10, base)) parts.push(label(w - right + 8, e.at + 4, fit(e.name, right - 8, 13), 'strong'));
  rows.forEach((row, i) => parts.push(mark(`${row.label}: ` + (row.values.every((v) => v === null) ? t('chart.none') : series.map((s, k) => (named ? s + ' ' : '') + number(row.values[k] ?? 0)).join(', ') + ` ${unit}`),
    rect(x(i) - (w - left - right) / rows.length / 2, 0, (w - left - right) / rows.length, base, 'hit'))));
  return { h, parts };
}

/** How much of each is taken: columns taken and of how many. @param {Data} data */
function fill({ rows, unit, w, part: parted }) {
  const longest = most(rows.map((r) => width(r.label, 13))), narrow = w < 460 || longest > w * .5;
  const texts = rows.map((r) => parted ? `${number(r.values[0] ?? 0)} · ${number((r.values[0] ?? 0) / (r.values[1] || 1) * 100)} %` : `${number(r.values[0] ?? 0)} / ${r.values[1] === null ? '∞' : number(r.values[1] ?? 0)}`);
  const end = 16 + most(texts.map((s) => width(s, 13))), room = narrow ? w - end : 8 + longest, left = narrow ? 0 : room + 12, step = narrow ? 42 : 30;
  const parts = rows.map((row, i) => {
    const [taken, all] = [row.values[0] ?? 0, row.values[1]], part = all ? Math.min(1, taken / all) : 0, y = i * step, bar = y + (narrow ? 22 : 8), long = w - left - (narrow ? 0 : end);
    return mark(`${row.label}: ${number(taken)} ${t('chart.of')} ${all === null ? '∞' : number(all)} ${unit}${all ? `, ${number(part * 100)} %` : ''}`, rect(-4, y, w + 8, step, 'hit'),
      label(0, narrow ? y + 15 : bar + 11, ends(row.label, room - 4, 13), 'strong'), rect(left, bar, long, 12, 'track'), rect(left, bar, Math.max(taken && 2, long * part), 12, part >= 1 && !parted ? 'full' : 'f1'),
      label(w, narrow ? y + 15 : bar + 11, texts[i], '', 'end'));
  });
  return { h: rows.length * step, parts };
}

/** Rows against columns, darker is more; the number stands in the cell. @param {Data} data */
function matrix({ rows, series, unit, w }) {
  const left = Math.min(w * .36, 12 + most(rows.map((r) => width(r.label, 13)))), side = (w - left) / series.length, high = most(rows.flatMap((r) => r.values));
  const two = series.map((s) => { const at = s.indexOf(' '); return at > 0 && width(s) > side - 4 ? [s.slice(0, at), s.slice(at + 1)] : [s]; });
  const tilt = two.some((t) => t.some((s) => width(s) > side - 4)), head = !tilt ? (two.some((t) => t[1]) ? 38 : 22) : Math.min(144, 14 + most(series.map((s) => width(s)))), step = 30;
  const parts = series.flatMap((s, k) => { const x = left + side * (k + .5); return tilt ? svg('text', { x: x + 4, y: head - 8, transform: `rotate(-90 ${x + 4} ${head - 8})` }, ends(s, 130)) : two[k].map((t, i) => label(x, head - 9 - (two[k].length - 1 - i) * 15, t, '', 'middle')); });
  rows.forEach((row, i) => {
    parts.push(label(0, head + i * step + 19, ends(row.label, left - 8, 13), 'strong'));
    row.values.forEach((v, k) => {
      const grade = !v ? 0 : Math.max(1, Math.min(4, Math.ceil(Math.sqrt(v / high) * 4)));
      parts.push(mark(`${row.label} × ${series[k]}: ${v === null ? '–' : number(v)} ${unit}`, rect(left + side * k + 1, head + i * step + 1, side - 2, step - 2, `m${grade}`),
        label(left + side * (k + .5), head + i * step + 19, v === null ? '–' : width(number(v)) < side - 4 ? number(v) : short(v), `x${grade}`, 'middle'), rect(left + side * k + 1, head + i * step + 1, side - 2, step - 2, 'hit')));
    });
  });
  return { h: head + rows.length * step, parts };
}

export const marks = { bars, stack, line: lines, fill, matrix };
