// One route: who is on board, to be printed for the gate; its seats, and the releases that made them and are to come.
// @ts-check
import { ask, mutate } from './api.js';
import { askOnce } from './asking.js';
import { button, fill, h, icon, the } from './dom.js';
import { note, toast, words } from './frame.js';
import { every } from './paging.js';
import { chip, named } from './people.js';
import { declare, filled, own, release } from './routes.js';
import { instant, moment, number, shortDay, t } from './words.js';

const id = location.pathname.split('/').at(-1) ?? '';
const PEOPLE_A_CALL = 200;
const ABOARD = ['REGISTERED', 'VERIFIED', 'DEPARTED'];
const ROUTE = `query SatuRute($id: ID!) {
  route(id: $id) {
    id season name direction service mode departsAt reportBy quota taken remaining provisional organizer { code name }
    origin { code name city } destination { code name city } releases { id seats dueAt due dailyId }
  }
  terminals { code name city }
}`;
const PEOPLE = `query Manifes($where: RegistrantFilter, $after: String) {
  found: registrants(where: $where, first: ${PEOPLE_A_CALL}, after: $after) { nodes { id name reference status lapInfant } pageInfo { hasNextPage endCursor } }
}`;
const CANCEL = 'mutation BatalkanPelepasan($id: ID!) { done: cancelRelease(id: $id) { ... on Route { id } ... on Problem { message code } } }';

/** @typedef {Record<string, any>} Route */

async function load() {
  try {
    const { route, terminals } = await ask(ROUTE, { id });
    if (!route) { fill(the('name'), t('one.absent')); return fill(the('trouble'), note('', t('rute.absent'), t('rute.absent.help'), h('a', { class: 'btn small act', href: '/rute' }, t('rute.title')))); }
    fill(the('trouble'));
    show(route, terminals);
    await aboard(route);
  } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
}

/** @param {Route} route @param {any[]} terminals */
function show(route, terminals) {
  fill(the('name'), route.name);
  fill(the('about'), `${t(`way.${route.direction}`)} · ${t(route.service)} · ${route.departsAt ? instant(route.departsAt) : t('rute.no.time')}`);
  fill(the('acts'), ...(own(route) ? [button(t('release.open.seats'), () => release(route, load), 'btn primary'), button(t('declare.open'), () => declare(route, terminals, load), 'btn')] : []));
  /** @type {[string, ...(Node | string)[]][]} */
  const facts = [
    [t('organizer'), route.organizer.name],
    [t('declare.origin'), `${route.origin.name}, ${route.origin.city}`], [t('declare.destination'), `${route.destination.name}, ${route.destination.city}`],
    [t('declare.mode'), t(`mode.${route.mode}`)],
    [t('rute.report'), route.reportBy ? instant(route.reportBy) : '–'],
    [t('taken'), ...filled(route)],
    [t('rute.remaining'), route.remaining === null ? t('rute.unlimited') : number(route.remaining)],
  ];
  fill(the('facts'), ...facts.flatMap(([term, ...value]) => [h('dt', {}, term), h('dd', {}, ...value)]));
  fill(the('releases'), releases(route));
  the('parts').hidden = false;
}

/** What is due made the quota; what is to come may be cancelled. @param {Route} route */
function releases(route) {
  if (!route.releases.length) return h('p', { class: 'muted' }, t('releases.none'));
  return h('ul', { class: 'q' }, ...route.releases.map((/** @type {any} */ one) => {
    const seats = t(one.seats < 0 ? 'releases.fewer' : 'releases.more', { n: number(Math.abs(one.seats)) });
    const cancel = button(t('releases.cancel'), () => cancelling(one), 'btn small', { 'aria-label': t('releases.cancel.of', { n: number(one.seats), at: shortDay(one.dueAt) }) });
    return h('li', { class: one.due ? 'sent' : 'wait' }, icon(one.due ? 'ok' : 'clock'), h('span', {}, h('strong', {}, seats), h('span', { class: 'line2' }, `${moment(one.dueAt)} WIB`, one.dailyId && ` · ${t('releases.daily')}`)), !one.due && own(route) && cancel);
  }));
}

/** @param {any} one */
const cancelling = (one) => askOnce({
  title: t('releases.question', { n: number(one.seats), at: instant(one.dueAt) }), button: t('releases.cancel'), danger: true,
  lines: [['info', t('releases.only')]],
  act: async (_, key) => {
    await mutate(CANCEL, { id: one.id }, key);
    toast(t('releases.cancelled'));
    await load();
  },
});

/** By name, as somebody at a gate looks for them. @param {Route} route */
async function aboard(route) {
  const people = await every(PEOPLE, { where: { routeId: id, season: route.season, status: ABOARD } });
  people.sort((a, b) => a.name.localeCompare(b.name) || (a.reference ?? '').localeCompare(b.reference ?? ''));
  const of = (/** @type {string} */ status) => number(people.filter((one) => one.status === status).length);
  fill(the('aboard-sub'), t('aboard.sub', { n: number(people.length), registered: of('REGISTERED'), verified: of('VERIFIED'), departed: of('DEPARTED') }));
  fill(the('people'), ...people.map(row));
  fill(the('nobody'), people.length ? null : h('p', { class: 'muted' }, t('aboard.none')));
}

/** @param {any} one @param {number} place */
const row = (one, place) => h('tr', { role: 'row', class: 'row' },
  h('td', { role: 'cell', class: 'n' }, number(place + 1)),
  h('th', { role: 'rowheader', scope: 'row' }, h('a', { class: 'go', href: `/pendaftar/${one.id}` }, named(one.name)), one.lapInfant && h('span', { class: 'line2' }, t('lap'))),
  h('td', { role: 'cell', class: one.reference ? 'code' : 'code opt' }, one.reference ?? '–'),
  h('td', { role: 'cell' }, chip(one.status)),
  h('td', { role: 'cell', class: 'tick' }, h('span', { 'aria-hidden': 'true' })));

the('print').addEventListener('click', () => print());
await load();
