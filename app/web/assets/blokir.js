// Blocked NIKs, the oldest first: why, by whom, until when. One is lifted with a reason; the page knows no NIK of theirs.
// @ts-check
import { ask, mutate } from './api.js';
import { askOnce, input, reason } from './asking.js';
import { button, fill, h, the } from './dom.js';
import { filters } from './filters.js';
import { empty, note, toast, words } from './frame.js';
import { pager } from './paging.js';
import { clock, shortDay, t } from './words.js';

const ROWS = 25;
const BLOCKS = `query Blokir($organizer: ID, $lifted: Boolean!, $oldest: Boolean!, $after: String) {
  blocks(organizer: $organizer, lifted: $lifted, oldestFirst: $oldest, first: ${ROWS}, after: $after) {
    nodes { id reason fromSeason untilSeason since client issuedByPerson registrantId liftedAt liftedBy liftedByPerson liftReason organizer { code name } }
    pageInfo { hasNextPage endCursor }
  }
}`;
const RESULT = '{ ... on Block { reason } ... on Problem { message code } }';
const LIFT = `mutation AngkatBlokir($id: ID!, $reason: String!) { done: liftBlock(id: $id, reason: $reason) ${RESULT} }`;
const LIFT_NIK = `mutation AngkatBlokirNIK($nik: NIK!, $reason: String!) { done: liftNikBlock(nik: $nik, reason: $reason) ${RESULT} }`;
const BLOCK = `mutation BlokirNIK($nik: NIK!, $reason: String!, $seasons: Int!) { done: blockNik(nik: $nik, reason: $reason, seasons: $seasons) ${RESULT} }`;

let round = 0;
const form = filters(['organizer', 'lifted', 'after'], () => load());

async function load() {
  const mine = ++round;
  const { organizer, lifted, after } = form.chosen();
  try {
    const { nodes, pageInfo } = (await ask(BLOCKS, { organizer, lifted: lifted === 'yes', oldest: lifted !== 'yes', after })).blocks;
    if (mine !== round) return;
    fill(the('trouble'));
    fill(the('blocks'), ...nodes.map(row));
    fill(the('no-blocks'), nodes.length ? null : empty('block', t(organizer ? 'nobody' : 'blokir.none'), t(organizer ? 'nobody.help' : 'blokir.none.help'), 'h2'));
    fill(the('page-said'), nodes.length ? t('blokir.shows', { n: nodes.length }) : '');
    pager(pageInfo, Boolean(after));
    form.put();
  } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
}

/** @param {any} one */
function row(one) {
  const why = one.registrantId ? h('a', { class: 'go', href: `/pendaftar/${one.registrantId}` }, one.reason) : one.reason;
  const by = one.issuedByPerson ?? (one.client ? h('span', { class: 'id' }, one.client) : t('blokir.itself'));
  return h('tr', { role: 'row', class: 'row' },
    h('th', { role: 'rowheader', scope: 'row', class: 'wide' }, why, one.liftReason && h('span', { class: 'line2' }, t('blokir.lifted.why', { reason: one.liftReason }))),
    h('td', { role: 'cell', class: 'wide' }, one.organizer.name, h('span', { class: 'line2' }, by)),
    h('td', { role: 'cell', class: 'nowrap' }, shortDay(one.since), h('span', { class: 'line2' }, clock(one.since))),
    h('td', { role: 'cell' }, t('season', { year: one.untilSeason })),
    one.liftedAt
      ? h('td', { role: 'cell' }, t('blokir.lifted.at', { at: shortDay(one.liftedAt) }), h('span', { class: 'line2' }, one.liftedByPerson ?? h('span', { class: 'id' }, one.liftedBy ?? t('blokir.itself'))))
      : h('td', { role: 'cell', class: 'n wide' }, button(t('blokir.lift'), () => lifting(one))));
}

/** Sends one mutation of blocks, and shows the list as the list is then. @param {string} mutation @param {Record<string, unknown>} given @param {string} key @param {string} done */
async function act(mutation, given, key, done) {
  await mutate(mutation, given, key);
  toast(t(done));
  await load();
}

/** @param {any} one */
const lifting = (one) => askOnce({
  title: t('blokir.lift.question'), button: t('blokir.lift'), fields: { reason: reason(t('blokir.reason.help')) },
  lines: [['info', one.reason], ['ok', t('blokir.lift.free')], ['block', t('blokir.lift.all')]],
  act: ({ reason: why }, key) => act(LIFT, { id: one.id, reason: why }, key, 'blokir.done.lifted'),
});

/** Typed here and sent in a body: no NIK stands in an address. */
const nik = () => input('NIK', t('blokir.nik.help'), { inputmode: 'numeric', maxlength: 16, minlength: 16, pattern: '\\d{16}' });

the('lift').addEventListener('click', () => askOnce({
  title: t('blokir.lift.nik.question'), button: t('blokir.lift'), fields: { nik: nik(), reason: reason(t('blokir.reason.help')) },
  lines: [['ok', t('blokir.lift.free')], ['eye', t('blokir.logged')]],
  act: (given, key) => act(LIFT_NIK, given, key, 'blokir.done.lifted'),
}));
the('block').addEventListener('click', () => askOnce({
  title: t('blokir.block.question'), button: t('blokir.block'), danger: true,
  fields: { nik: nik(), seasons: input(t('blokir.seasons'), t('blokir.seasons.help'), { type: 'number', min: 1, max: 10, value: 1, class: 'short' }), reason: reason(t('blokir.reason.help')) },
  lines: [['block', t('blokir.block.nobody')], ['info', t('blokir.block.stands')]],
  act: ({ seasons, ...given }, key) => act(BLOCK, { ...given, seasons: Number(seasons) }, key, 'blokir.done.blocked'),
}));

try {
  const { organizers } = await ask('{ organizers { code name } }');
  the('f-organizer').append(...organizers.map((/** @type {any} */ one) => h('option', { value: one.code }, one.name)));
} catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
await load();
