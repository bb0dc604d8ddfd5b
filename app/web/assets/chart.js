// A chart is a drawing of a table that is on the page: `<figure class="chart" data-mark="…">` with a `<table>` in it.
// The table is what a screen reader reads, what is printed on demand, and what CSV, Excel and the picture are made from.
// @ts-check
import { fill, h, svg } from './dom.js';
import { marks, read } from './marks.js';
import { inlined, saved } from './picture.js';
import { save } from './saving.js';
import { workbook } from './sheet.js';
import { number } from './words.js';

/** @param {HTMLElement} figure */
export function draw(figure) {
  const data = read(figure), kind = /** @type {keyof typeof marks} */ (figure.dataset.mark), { h, parts } = marks[kind](data);
  const drawn = svg('svg', { class: 'plot', viewBox: `0 0 ${data.w} ${h}`, width: data.w, height: h, role: 'group', 'aria-label': data.title }, ...parts);
  figure.querySelector('svg.plot')?.remove();
  figure.querySelector('.tools, table')?.before(drawn);
  drawn.querySelector('.v')?.setAttribute('tabindex', '0');
}

/** One tab stop a chart; arrows walk through its values; the reading stands at one place. @param {HTMLElement} figure */
function listen(figure) {
  const out = figure.querySelector('.reading'), rest = out?.textContent ?? '';
  const say = (/** @type {Event} */ e) => { const v = /** @type {Element} */ (e.target).closest?.('.v'); if (out) out.textContent = v?.getAttribute('aria-label') ?? rest; };
  figure.addEventListener('pointerover', say);
  figure.addEventListener('focusin', say);
  figure.addEventListener('focusout', () => { if (out) out.textContent = rest; });
  figure.addEventListener('pointerleave', () => { if (out) out.textContent = rest; });
  figure.addEventListener('keydown', (e) => {
    const all = /** @type {SVGElement[]} */ ([...figure.querySelectorAll('.v')]), i = all.indexOf(/** @type {SVGElement} */ (document.activeElement));
    if (i < 0) return;
    const to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: all.length - 1 }[e.key];
    if (to === undefined || !all[to]) return;
    e.preventDefault(); all[i].setAttribute('tabindex', '-1'); all[to].setAttribute('tabindex', '0'); all[to].focus();
  });
  figure.querySelector('[data-save=png]')?.addEventListener('click', () => png(figure));
  figure.querySelector('[data-save=csv]')?.addEventListener('click', () => {
    const lines = cells(figure).map((row) => row.map((cell) => `"${(typeof cell === 'string' ? inert(cell) : String(cell ?? '')).replace(/"/g, '""')}"`).join(';'));
    save(new Blob(['\ufeff' + lines.join('\r\n')], { type: 'text/csv' }), `${figure.id}.csv`);
  });
  figure.querySelector('[data-save=xlsx]')?.addEventListener('click', () => save(workbook(titled(figure), cells(figure)), `${figure.id}.xlsx`));
}

/** The table, with its figures as numbers. @param {HTMLElement} figure */
const cells = (figure) => [...figure.querySelectorAll('tr')].map((row) => [...row.cells].map(({ dataset: { v }, textContent }) => (v === undefined ? (textContent ?? '').trim() : v === '' ? null : Number(v))));

/** @param {HTMLElement} figure */
const titled = (figure) => figure.closest('.panel')?.querySelector('h2, h3')?.textContent?.trim() ?? '';

/** A text that a spreadsheet would take for a formula gets an apostrophe, as in our exports (`app/intake/files/cells.py`). @param {string} text */
const inert = (text) => (/^['\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text);

/** The drawing as a picture, with its title, in the colours of the page. @param {HTMLElement} figure */
async function png(figure) {
  const plot = /** @type {SVGSVGElement} */ (figure.querySelector('svg.plot')), copy = inlined(plot), body = getComputedStyle(document.body);
  copy.setAttribute('x', '24'); copy.setAttribute('y', '60');
  const title = svg('text', { x: 24, y: 36, 'font-size': 18, 'font-weight': 650, fill: body.color }, titled(figure));
  await saved([title, copy], plot.clientWidth + 48, plot.clientHeight + 84, figure.id);
}

/** Draws the chart, and again when its width changes. @param {HTMLElement} figure */
function watch(figure) {
  let width = figure.clientWidth;
  listen(figure);
  new ResizeObserver(() => { if (width !== figure.clientWidth) { width = figure.clientWidth; if (!figure.hasAttribute('data-none')) draw(figure); } }).observe(figure);
}

/** @typedef {{label: string, values: (number | null)[], texts?: string[]}} Line */
const watched = new WeakSet();

/**
 * Puts new values into the table of a chart and draws it. Nothing jumps: whatever is focused or open stays so.
 * @param {HTMLElement} figure @param {string[]} series @param {Line[]} lines @param {number[]} [shades] the colour of each series, where a series may be left out
 */
export function chart(figure, series, lines, shades = [...series.keys()]) {
  const table = /** @type {HTMLTableElement} */ (figure.querySelector('table'));
  const first = table.tHead?.rows[0].cells[0].textContent ?? '';
  const focused = [...figure.querySelectorAll('.v')].indexOf(/** @type {Element} */ (document.activeElement));
  fill(/** @type {Element} */ (table.tHead), h('tr', {}, h('th', { scope: 'col' }, first), ...series.map((name, k) => h('th', { scope: 'col', class: 'n', 'data-shade': shades[k] }, name))));
  fill(table.tBodies[0], ...lines.map((line) => h('tr', {}, h('th', { scope: 'row' }, line.label), ...line.values.map((v) => h('td', { class: 'n', 'data-v': v ?? '' }, number(v))))));
  legend(figure, series, shades);
  figure.toggleAttribute('data-none', lines.length === 0);
  if (lines.length) draw(figure); else figure.querySelector('svg.plot')?.remove();
  if (focused >= 0) /** @type {SVGElement | undefined} */ (figure.querySelectorAll('.v')[focused])?.focus();
  if (!watched.has(figure)) { watched.add(figure); watch(figure); }
}

/** Which colour is which, where there is more than one. @param {HTMLElement} figure @param {string[]} series @param {number[]} shades */
function legend(figure, series, shades) {
  const place = figure.querySelector('.legend');
  if (!place) return;
  fill(place, ...series.map((name, k) => h('span', {}, h('b', {}, 'ABCDEFGH'[shades[k] % 8]), svg('svg', { viewBox: '0 0 12 12', 'aria-hidden': 'true' }, svg('rect', { width: 12, height: 12, rx: 2, class: figure.dataset.mark === 'bars' && k ? 'before2' : `f${shades[k] % 8 + 1}` })), name)));
}
