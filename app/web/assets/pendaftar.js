// The list of registrants: one's own with their names, others masked. Pages by cursor; search by booking code or id.
// @ts-check
import { ask } from './api.js';
import { byNik, nikIn } from './by-nik.js';
import { fill, h, the } from './dom.js';
import { filters } from './filters.js';
import { empty, note, words } from './frame.js';
import { pager } from './paging.js';
import { chip, departure, named, UUID } from './people.js';
import { clock, shortDay, t } from './words.js';

const ROWS = 25;
const NAMES = /** @type {const} */ (['organizer', 'status', 'direction', 'service', 'route', 'after']);
const PEOPLE = `query Pendaftar($where: RegistrantFilter, $after: String) {
  registrants(where: $where, first: ${ROWS}, after: $after) {
    nodes { id name reference status registeredAt verifyBy organizer { code name } route { name direction departsAt } }
    pageInfo { hasNextPage endCursor }
  }
}`;
const ORGANIZERS = '{ organizers { code name } statistics { season byOrganizer { organizer { code } } } }';

let round = 0;
/** The season whose people are shown. @type {number | undefined} */
let season;
const form = filters(NAMES, () => load());

/** @param {Record<string, string>} where */
function asked({ organizer, status, direction, service, route }) {
  return { season, organizer, direction, service, routeId: route, status: status ? [status] : undefined };
}

async function load() {
  const mine = ++round;
  const { after, ...where } = form.chosen();
  try {
    const { registrants } = await ask(PEOPLE, { where: asked(where), after });
    if (mine === round) show(registrants, Boolean(after));
  } catch (error) { failed(error); }
}

/** @param {any} found @param {boolean} later */
function show({ nodes, pageInfo }, later) {
  fill(the('trouble'));
  fill(the('people'), ...nodes.map(row));
  fill(the('nobody'), nodes.length ? null : Object.keys(form.chosen()).length ? empty('people', t('nobody'), t('nobody.help'), 'h2') : empty('people', t('pendaftar.none'), t('pendaftar.none.help'), 'h2'));
  fill(the('page-said'), nodes.length ? t('page.shows', { n: nodes.length }) : '');
  pager(pageInfo, later);
  form.put();
}

/** @param {any} one */
const row = (one) => h('tr', { role: 'row', class: 'row' },
  h('th', { role: 'rowheader', scope: 'row', class: 'wide' }, h('a', { class: 'go', href: `/pendaftar/${one.id}` }, named(one.name)), h('span', { class: 'line2 code' }, one.reference ?? one.organizer.name)),
  h('td', { role: 'cell', class: 'wide' }, departure(one.route), h('span', { class: 'line2' }, t(one.route.direction))),
  h('td', { role: 'cell' }, chip(one.status)),
  h('td', { role: 'cell', class: 'nowrap end' }, shortDay(one.registeredAt), h('span', { class: 'line2' }, clock(one.registeredAt))),
  h('td', { role: 'cell', class: 'opt nowrap' }, one.status === 'REGISTERED' && one.verifyBy ? shortDay(one.verifyBy) : '–'));

/** @param {unknown} error */
const failed = (error) => fill(the('trouble'), note('bad', words(error), t('error.again')));

async function names() {
  const { organizers, statistics } = await ask(ORGANIZERS);
  season = statistics.season;
  const seen = new Set(statistics.byOrganizer.map((/** @type {any} */ one) => one.organizer.code));
  the('f-organizer').append(...organizers.filter((/** @type {any} */ one) => seen.has(one.code)).map((/** @type {any} */ one) => h('option', { value: one.code }, one.name)));
  form.put();
}

/** A NIK is looked up for a purpose. It is in the search field alone, and leaves it when the dialog is closed. */
function askFor() {
  fill(the('purpose-said'));
  /** @type {HTMLDialogElement} */ (the('purpose')).showModal();
}
the('purpose-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (the('code')), said = the('purpose-said');
  fill(said);
  try {
    const one = await byNik(nikIn(field.value) ?? '', /** @type {HTMLInputElement} */ (the('purpose-for')).value.trim(), 'id');
    if (one) return location.assign(`/pendaftar/${one.id}`);
    fill(said, note('warn', t('find.nik.none'), t('find.nik.none.help')));
  } catch (error) { fill(said, note('bad', words(error), t('error.again'))); }
});
the('purpose').addEventListener('close', () => { /** @type {HTMLInputElement} */ (the('code')).value = ''; });

// A booking code stays on the page: it stands in no address.
the('find').addEventListener('submit', async (event) => {
  event.preventDefault();
  const code = /** @type {HTMLInputElement} */ (the('code')).value.trim();
  if (UUID.test(code)) return location.assign(`/pendaftar/${code}`);
  if (!code) return load();
  if (nikIn(code)) return askFor();
  const mine = ++round;
  try {
    const { registrants } = await ask(PEOPLE, { where: { season, reference: code } });
    if (mine !== round) return;
    show(registrants, false);
    if (registrants.nodes.length === 1) location.assign(`/pendaftar/${registrants.nodes[0].id}`);
    else if (!registrants.nodes.length) fill(the('nobody'), empty('search', t('find.none'), t('find.none.help'), 'h2'));
  } catch (error) { failed(error); }
});

try { await names(); await load(); } catch (error) { failed(error); }
