// Routes, the fullest first: how full, when more seats come, and what their organizer does with them. 25 are shown at a time.
// @ts-check
import { ask } from './api.js';
import { button, fill, h, icon, the } from './dom.js';
import { filters } from './filters.js';
import { empty, mine, note, words } from './frame.js';
import { every } from './paging.js';
import { declare, filled, mayWrite, nextRelease, own, release } from './routes.js';
import { loadFile } from './rute-file.js';
import { clock, number, shortDay, t } from './words.js';

const ROWS = 25, ROUTES_A_CALL = 200;
const ROUTES = `query Rute($where: RouteFilter, $after: String) {
  found: routes(where: $where, first: ${ROUTES_A_CALL}, after: $after) {
    nodes { id name direction service departsAt quota taken remaining provisional origin { name city } destination { name city } organizer { code name } }
    pageInfo { hasNextPage endCursor }
  }
}`;
const ICONS = /** @type {Record<string, string>} */ ({ PASSENGER: 'bus', MOTORCYCLE: 'bike' });

/** @typedef {Record<string, any>} Route */
let round = 0;
/** @type {any[]} */
let terminals = [];
const form = filters(['organizer', 'direction', 'seats', 'order', 'page'], () => load());

async function load() {
  const now = ++round;
  const { organizer, direction, seats, order, page = '1' } = form.chosen();
  try {
    const all = /** @type {Route[]} */ (await every(ROUTES, { where: { organizer, direction, withSeats: seats ? seats === 'left' : undefined } }, () => now === round));
    if (now !== round) return;
    all.sort(order === 'departure' ? byDeparture : byFill);
    fill(the('trouble'));
    await show(all, Math.max(1, Number(page) || 1), now);
  } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
}

/** What is left decides; who is not limited comes last. @param {Route} a @param {Route} b */
const byFill = (a, b) => (a.remaining ?? Infinity) - (b.remaining ?? Infinity) || byDeparture(a, b);
/** @param {Route} a @param {Route} b */
const byDeparture = (a, b) => (Date.parse(a.departsAt ?? '') || Infinity) - (Date.parse(b.departsAt ?? '') || Infinity) || a.name.localeCompare(b.name);

/** @param {Route[]} all @param {number} page @param {number} now */
async function show(all, page, now) {
  const shown = all.slice((page - 1) * ROWS, page * ROWS);
  const sum = (/** @type {'quota' | 'taken'} */ key) => all.reduce((total, one) => total + (one[key] ?? 0), 0);
  fill(the('sub'), t('rute.sub', { n: number(all.length), seats: number(sum('quota')), taken: number(sum('taken')) }));
  fill(the('routes'), ...shown.map(row));
  const start = mayWrite ? t('rute.none.help') : t('nobody.help');
  fill(the('no-routes'), shown.length ? null : empty('route', t('rute.none'), start, 'h2'));
  fill(the('page-said'), shown.length ? t('rute.shows', { from: number((page - 1) * ROWS + 1), to: number((page - 1) * ROWS + shown.length), all: number(all.length) }) : '');
  link('next', page * ROWS < all.length ? page + 1 : null);
  link('first', page > 1 ? 1 : null);
  form.put();
  if (shown.length) await next(shown, now);
}

/** @param {string} id @param {number | null} page */
function link(id, page) {
  const anchor = /** @type {HTMLAnchorElement} */ (the(id)), query = new URLSearchParams(location.search);
  query.delete('page');
  if (page && page > 1) query.set('page', String(page));
  anchor.hidden = page === null;
  anchor.href = query.size ? `?${query}` : location.pathname;
}

/** When more seats come, of the routes that are shown. @param {Route[]} shown @param {number} now */
async function next(shown, now) {
  const names = shown.map((_, place) => `$i${place}: ID!`).join(', ');
  const fields = shown.map((_, place) => `r${place}: route(id: $i${place}) { releases { seats dueAt due } }`).join(' ');
  const found = await ask(`query PelepasanBerikut(${names}) { ${fields} }`, Object.fromEntries(shown.map((one, place) => [`i${place}`, one.id])));
  if (now === round) shown.forEach((one, place) => fill(the(`next-${one.id}`), nextRelease(found[`r${place}`]?.releases ?? [])));
}

/** @param {Route} one */
function row(one) {
  return h('tr', { role: 'row', class: 'row' },
    h('th', { role: 'rowheader', scope: 'row', class: 'wide' }, h('a', { class: 'go', href: `/rute/${one.id}` }, one.name), h('span', { class: 'line2' }, `${one.origin.city} → ${one.destination.city}`), h('span', { class: 'line2' }, one.organizer.name, one.provisional && ` · ${t('rute.provisional')}`)),
    h('td', { role: 'cell', class: 'nowrap flow' }, one.departsAt ? shortDay(one.departsAt) : t('rute.no.time'), one.departsAt && h('span', { class: 'line2' }, ` ${clock(one.departsAt)} WIB`)),
    h('td', { role: 'cell', class: 'end' }, h('span', { class: 'nowrap' }, icon(ICONS[one.service]), ` ${t(one.service)}`), h('span', { class: 'line2' }, t(one.direction))),
    h('td', { role: 'cell', class: 'fillcell' }, ...filled(one)),
    h('td', { role: 'cell', class: 'n', 'data-h': t('rute.remaining') }, h('strong', {}, one.remaining === null ? '∞' : one.remaining === 0 ? t('rute.full.word') : number(one.remaining))),
    h('td', { role: 'cell', class: 'opt opt2', id: `next-${one.id}` }, '–'),
    h('td', { role: 'cell', class: 'n' }, own(one) && button(t('release.open'), () => release(one, load), 'btn small', { 'aria-label': t('release.of', { name: one.name }) })));
}

/** Who may be chosen, and the terminals for a new route. */
async function names() {
  const { organizers, ...more } = await ask('{ organizers { code name } terminals { code name city } }');
  terminals = more.terminals;
  the('f-organizer').append(...organizers.map((/** @type {any} */ one) => h('option', { value: one.code }, one.name)));
  form.put();
}

the('acts').hidden = !mayWrite;
the('add').addEventListener('click', () => declare(null, terminals, load));
const box = /** @type {HTMLInputElement} */ (the('csv'));
the('load').addEventListener('click', () => box.click());
box.addEventListener('change', async () => { const file = box.files?.[0]; box.value = ''; if (file && await loadFile(file, the('note'))) await load(); });
if (!location.search && mine && mine !== 'hubdat') history.replaceState(null, '', `?organizer=${encodeURIComponent(mine)}`);
try { await names(); await load(); } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
