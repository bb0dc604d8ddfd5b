// Refused duplicates, the oldest first: both sides, and what Hubdat decides. `1` and `2` decide, then comes the next case.
// @ts-check
import { ask } from './api.js';
import { fill, h, icon, the } from './dom.js';
import { filters } from './filters.js';
import { empty, note, single, words } from './frame.js';
import { asking, sides } from './kasus-sides.js';
import { pager } from './paging.js';
import { clock, shortDay, t } from './words.js';

const ROWS = 25;
const CASE = `id season direction service state suspect openedAt decidedAt reason mistypedBy { code name } holder { code name }
  claims { organizer { code name } attempts firstAt lastAt }`;
const CASES = `query Kasus($state: CaseState, $asked: Boolean!, $oldest: Boolean!, $after: String) {
  cases(state: $state, correctionAsked: $asked, oldestFirst: $oldest, first: ${ROWS}, after: $after) {
    nodes { ${CASE} } pageInfo { hasNextPage endCursor }
  }
}`;
const SHAPES = /** @type {Record<string, string>} */ ({ OPEN: 'case', CONFIRMED: 'ok', NOT_DUPLICATE: 'info', CLOSED: 's-CANCELLED' });

/** @typedef {Record<string, any>} Case */
/** @type {Case[]} */
let cases = [];
let round = 0;
const form = filters(['state', 'after'], () => load());
/** The case in the address, or else the first one of the list. */
const chosen = () => new URLSearchParams(location.search).get('case') ?? cases[0]?.id;

async function load() {
  const mine = ++round;
  const { state = '', after } = form.chosen();
  try {
    const where = { state: state === 'ASKED' ? null : state || 'OPEN', asked: state === 'ASKED', oldest: state === '', after };
    const { nodes, pageInfo } = (await ask(CASES, where)).cases;
    if (mine !== round) return;
    cases = nodes;
    fill(the('trouble'));
    fill(the('list-sub'), t(state === '' ? 'kasus.oldest' : 'kasus.newest'));
    list();
    fill(the('no-cases'), nodes.length ? null : empty('case', t(state === '' ? 'kasus.none' : 'nobody'), t(state === '' ? 'kasus.none.help' : 'nobody.help')));
    pager(pageInfo, Boolean(after));
    form.put();
    await show();
  } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
}

function list() {
  fill(the('cases'), ...cases.map(row));
  fill(the('page-said'), cases.length ? t('kasus.shows', { n: cases.length }) : '');
}

/** @param {string} id */
function address(id) {
  const query = new URLSearchParams(location.search);
  query.delete('case');
  if (id) query.set('case', id);
  return query.size ? `?${query}` : location.pathname;
}

/** @param {Case} one */
function row(one) {
  const link = h('a', { class: 'go', href: address(one.id), 'aria-current': one.id === chosen() ? 'true' : null }, one.holder.name);
  link.addEventListener('click', (event) => { event.preventDefault(); choose(one.id); });
  const others = one.claims.map((/** @type {any} */ claim) => claim.organizer.name).join(', ');
  return h('tr', { role: 'row', class: 'row' },
    h('th', { role: 'rowheader', scope: 'row', class: 'wide' }, link, h('span', { class: 'line2' }, others || '–')),
    h('td', { role: 'cell' }, h('span', { class: 'chip', 'data-s': one.state }, icon(SHAPES[one.state]), t(`case.${one.state}`)), one.suspect && h('span', { class: 'line2' }, t('kasus.suspect'))),
    h('td', { role: 'cell', class: 'nowrap end' }, shortDay(one.openedAt), h('span', { class: 'line2' }, clock(one.openedAt))));
}

/** @param {string} id */
function choose(id) {
  history.pushState(null, '', address(id));
  list();
  show(true);
}

/** @param {boolean} [focus] */
async function show(focus = false) {
  const one = cases.find((each) => each.id === chosen());
  the('one').hidden = !one;
  if (one) await sides(one, decided);
  if (focus) the('one-title').focus();
}

/** A decided case leaves the list of open ones; the next one takes its place. @param {Case} one */
function decided(one) {
  const at = cases.findIndex((each) => each.id === one.id);
  if (form.chosen().state) return load();
  cases = cases.filter((each) => each.id !== one.id);
  const next = cases[at] ?? cases[at - 1];
  if (!next) { history.pushState(null, '', address('')); return load(); }
  choose(next.id);
}

addEventListener('keydown', (event) => {
  if (single(event) && (event.key === '1' || event.key === '2')) { event.preventDefault(); asking(event.key === '1' ? 'CONFIRMED' : 'NOT_DUPLICATE'); }
});
await load();
