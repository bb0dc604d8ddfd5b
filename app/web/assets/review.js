// What rows have made because they named no known route or terminal: each beside what it may mean, and merged into that.
// @ts-check
import { ask, mutate } from './api.js';
import { askOnce, choice } from './asking.js';
import { fill, h, the } from './dom.js';
import { empty, mine, scopes, toast } from './frame.js';
import { every } from './paging.js';
import { departure } from './people.js';
import { instant, number, t } from './words.js';

const ROUTE = 'id name direction service departsAt quota taken provisional organizer { code name } origin { code name city } destination { code name city }';
const ROUTES = `query RuteTinjauan($where: RouteFilter, $after: String) {
  found: routes(where: $where, first: 200, after: $after) { nodes { ${ROUTE} } pageInfo { hasNextPage endCursor } }
}`;
const TERMINALS = 'query TerminalTinjauan($provisional: Boolean!) { terminals(provisional: $provisional) { code name city kind } }';
const MERGE_ROUTE = 'mutation GabungRute($from: ID!, $into: ID!) { done: mergeRoute(provisional: $from, into: $into) { ... on Route { id } ... on Problem { message code } } }';
const MERGE_TERMINAL = 'mutation GabungTerminal($from: ID!, $into: ID!) { done: mergeTerminal(provisional: $from, into: $into) { ... on Terminal { name } ... on Problem { message code } } }';

/** @typedef {{kind: 'route' | 'terminal', key: string, title: string, sub: string, people: number | null, one: Record<string, any>}} Waiting */

const admin = scopes.includes('hubdat:admin');
/** An organizer merges its own routes. Whose a terminal is, the registry knows. @param {Waiting} waiting */
const mayMerge = ({ kind, one }) => admin || (scopes.includes('routes:write') && (kind === 'terminal' || one.organizer.code === mine));
let round = 0;

/** What waits: an organizer's own routes, else everybody's; and every terminal. @returns {Promise<Waiting[]>} */
export async function provisional() {
  const [routes, { terminals }] = await Promise.all([every(ROUTES, { where: { provisional: true } }), ask(TERMINALS, { provisional: true })]);
  const own = admin || !scopes.includes('routes:write') ? routes : routes.filter((one) => one.organizer.code === mine);
  return [
    ...own.map((/** @type {any} */ one) => ({ kind: 'route', key: one.id, title: departure(one), sub: `${one.organizer.name} · ${one.origin.city} → ${one.destination.city}`, people: one.taken, one })),
    ...terminals.map((/** @type {any} */ one) => ({ kind: 'terminal', key: one.code, title: one.name, sub: `${t('review.terminal')} · ${one.city}`, people: null, one })),
  ];
}

/** @param {Waiting[]} waiting @param {() => unknown} again */
export async function showReview(waiting, again) {
  the('review-parts').hidden = waiting.length === 0;
  fill(the('no-review'), waiting.length ? null : empty('ok', t('review.none'), t('review.none.help'), 'h2'));
  fill(the('sub'), waiting.length ? t('review.sub', { n: number(waiting.length) }) : t('review.none'));
  const chosen = new URLSearchParams(location.search).get('one'), found = waiting.find((one) => one.key === chosen) ?? waiting[0];
  fill(the('provisional'), ...waiting.map((one) => row(one, one === found)));
  if (found) await compare(found, again);
}

/** @param {Waiting} one @param {boolean} here */
const row = (one, here) => h('tr', { role: 'row', class: 'row' },
  h('th', { role: 'rowheader', scope: 'row' }, h('a', { class: 'go', href: `?view=review&one=${encodeURIComponent(one.key)}`, 'aria-current': here ? 'true' : null }, one.title), h('span', { class: 'line2' }, one.sub)),
  h('td', { role: 'cell', class: 'n' }, number(one.people)));

/** @param {Waiting} waiting @param {() => unknown} again */
async function compare(waiting, again) {
  const turn = ++round, candidates = await likely(waiting);
  if (turn !== round) return;
  the('one').hidden = false;
  fill(the('one-title'), waiting.title);
  fill(the('one-sub'), t(`review.${waiting.kind}.made`));
  const into = choice(t('review.means'), [['', t('review.choose')], ...candidates.map((one) => /** @type {[string, string]} */ ([one.key, one.words]))]);
  const other = h('div', {}), button = /** @type {HTMLButtonElement} */ (h('button', { class: 'btn primary', type: 'button' }, t('review.merge')));
  const chosen = () => candidates.find((one) => one.key === into.value());
  const show = () => { const found = chosen(); fill(other, found ? facts(waiting.kind, found.one) : h('p', { class: 'muted' }, t('review.choose.help'))); button.hidden = !found; };
  into.node.addEventListener('change', show);
  show();
  fill(the('sides'), h('div', {}, h('h3', {}, t('review.from.row')), facts(waiting.kind, waiting.one)), h('div', {}, h('h3', {}, t('review.declared')), into.node, other));
  button.addEventListener('click', () => { const found = chosen(); if (found) merge(waiting, found, again); });
  fill(the('decide'), mayMerge(waiting) ? button : null);
}

/** @typedef {{key: string, words: string, one: Record<string, any>}} Candidate */

/** What it may mean, the likeliest first. @param {Waiting} waiting @returns {Promise<Candidate[]>} */
async function likely({ kind, one }) {
  if (kind === 'terminal') {
    /** @type {any[]} */
    const found = (await ask(TERMINALS, { provisional: false })).terminals;
    found.sort((a, b) => Number(b.city === one.city) - Number(a.city === one.city));
    return found.map((each) => ({ key: each.code, words: `${each.name}, ${each.city}`, one: each }));
  }
  const where = { organizer: one.organizer.code, direction: one.direction, service: one.service, provisional: false };
  const found = await every(ROUTES, { where });
  const cities = (/** @type {any} */ each) => Number(each.origin.city === one.origin.city) + Number(each.destination.city === one.destination.city);
  found.sort((a, b) => cities(b) - cities(a));
  return found.map((each) => ({ key: each.id, words: departure(each), one: each }));
}

/** @param {'route' | 'terminal'} kind @param {Record<string, any>} one */
function facts(kind, one) {
  /** @type {[string, string][]} */
  const lines = kind === 'terminal' ? [[t('name'), one.name], [t('review.city'), one.city], [t('review.kind'), t(`place.${one.kind}`)], [t('review.code'), one.code]] : [
    [t('route'), one.name], [t('organizer'), one.organizer.name], [t('declare.origin'), `${one.origin.name}, ${one.origin.city}`], [t('declare.destination'), `${one.destination.name}, ${one.destination.city}`],
    [t('rute.departs'), one.departsAt ? instant(one.departsAt) : t('rute.no.time')], [t('service'), `${t(one.service)}, ${t(one.direction)}`], [t('taken'), number(one.taken)], [t('quota'), one.quota === null ? t('rute.unlimited') : number(one.quota)],
  ];
  return h('dl', { class: 'facts' }, ...lines.flatMap(([term, value]) => [h('dt', {}, term), h('dd', {}, value)]));
}

/** @param {Waiting} waiting @param {Candidate} into @param {() => unknown} again */
const merge = (waiting, into, again) => askOnce({
  title: t('review.question', { name: waiting.title, into: into.words }), button: t('review.merge'),
  lines: [['people', waiting.people === null ? t('review.terminal.moves') : t('review.moves', { n: number(waiting.people) })], ['info', t('review.spelling')], ['warn', t('review.final')]],
  act: async (_, key) => {
    await mutate(waiting.kind === 'route' ? MERGE_ROUTE : MERGE_TERMINAL, { from: waiting.key, into: into.key }, key);
    toast(t('review.done'));
    the('one').hidden = true;
    await again();
  },
});
