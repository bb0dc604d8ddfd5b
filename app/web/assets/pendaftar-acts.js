// What may be done now with one registrant. What may not is absent. Each act says its consequence and asks once.
// @ts-check
import { mutate } from './api.js';
import { refusal, sender } from './asking.js';
import { $, button, fill, h, the } from './dom.js';
import { note, scopes, toast, words } from './frame.js';
import { every } from './paging.js';
import { named } from './people.js';
import { instant, number, t } from './words.js';

const VERDICT = '{ ... on Registrant { id lapInfantsAlone } ... on Problem { message code } }';
const SENT = {
  verify: `mutation Verifikasi($id: ID!) { done: verifyRegistrant(ref: {id: $id}) ${VERDICT} }`,
  cancel: `mutation Batal($id: ID!, $reason: String!) { done: cancelRegistrant(ref: {id: $id}, reason: $reason) ${VERDICT} }`,
  move: `mutation Pindah($id: ID!, $route: ID!) { done: moveRegistrant(ref: {id: $id}, routeId: $route) ${VERDICT} }`,
  correct: `mutation Koreksi($id: ID!, $input: Correction!) { done: correctRegistrant(ref: {id: $id}, input: $input) ${VERDICT} }`,
  reopen: `mutation BukaKembali($id: ID!, $reason: String!) { done: reopenRegistrant(ref: {id: $id}, reason: $reason) ${VERDICT} }`,
  handover: `mutation SerahMotor($id: ID!) { done: handOverMotorcycle(ref: {id: $id}) ${VERDICT} }`,
};
/** @typedef {keyof typeof SENT} Act */
const ROUTES = `query RuteTujuan($where: RouteFilter!, $after: String) { found: routes(where: $where, first: 200, after: $after) {
  nodes { id name departsAt remaining destination { name } } pageInfo { hasNextPage endCursor } } }`;
const YET_TO_DEPART = ['REGISTERED', 'VERIFIED'], ENDED = ['CANCELLED', 'FORFEITED', 'NO_SHOW'];

/** Whom the page shows, and how to show what has become of the registrant. @type {{one: any, shown: () => Promise<void>}} */
let current = { one: null, shown: async () => {} };

const dialog = (/** @type {string} */ name) => /** @type {HTMLDialogElement} */ (the(name));
const value = (/** @type {string} */ id) => /** @type {HTMLInputElement | HTMLSelectElement} */ (the(id)).value.trim();

/** @param {any} one @param {boolean} own @param {() => Promise<void>} shown @returns {Node[]} */
export function actions(one, own, shown) {
  current = { one, shown };
  const writes = own && scopes.includes('registrants:write'), stays = YET_TO_DEPART.includes(one.status);
  /** @type {[boolean, Act, string, string][]} */
  const all = [
    [writes && one.status === 'REGISTERED', 'verify', 'verify.button', 'primary'],
    [writes && stays && one.motorcycle && !one.motorcycle.handedOverAt, 'handover', 'handover.button', one.status === 'VERIFIED' ? 'primary' : ''],
    [scopes.includes('hubdat:admin') && ENDED.includes(one.status), 'reopen', 'reopen.open', 'primary'],
    [writes && stays, 'move', 'move.open', ''],
    [writes, 'correct', 'correct.open', ''],
    [writes && stays, 'cancel', 'cancel.open', 'quiet-danger'],
  ];
  return all.filter(([may]) => may).map(([, act, word, kind]) => opening(act, t(word), kind));
}

/** @param {Act} act @param {string} text @param {string} kind */
function opening(act, text, kind) {
  return button(text, async () => {
    const { name, status } = current.one;
    fill(the(`${act}-title`), t(`question.${act}`, { name: named(name) }));
    if (act === 'reopen') fill(the('reopen-to'), t(`reopens.${status}`));
    dialog(act).showModal();
    if (act === 'move') await offer();
  }, `btn ${kind}`);
}

/** Where somebody can be moved: routes of the same organizer, direction and service that have seats and leave later. */
async function offer() {
  const { route, organizer, service, season } = current.one;
  const select = the('move-route'), said = /** @type {HTMLElement} */ ($('#move .said'));
  fill(select, h('option', { value: '' }, t('fresh.none')));
  try {
    const routes = await every(ROUTES, { where: { organizer: organizer.code, direction: route.direction, service, season, withSeats: true } });
    const open = routes.filter((/** @type {any} */ other) => other.id !== route.id && (!other.departsAt || Date.parse(other.departsAt) > Date.now()));
    fill(select, h('option', { value: '' }, t(open.length ? 'move.choose' : 'move.none')), ...open.map(option));
  } catch (error) { fill(said, note('bad', words(error), t('error.nothing'))); }
}

/** @param {any} route */
const option = (route) => h('option', { value: route.id }, [route.name, route.departsAt && instant(route.departsAt), route.remaining !== null && t('move.left', { n: number(route.remaining) })].filter(Boolean).join(' · '));

/** What a dialog's form says. @type {Record<Act, () => Record<string, unknown>>} */
const GIVEN = {
  verify: () => ({}),
  handover: () => ({}),
  cancel: () => ({ reason: value('reason') }),
  reopen: () => ({ reason: value('reopen-reason') }),
  move: () => ({ route: value('move-route') }),
  correct: () => ({ input: { reason: value('correct-reason'), ...(value('correct-name') ? { name: value('correct-name') } : {}), ...(value('correct-to') ? { nik: value('correct-to') } : {}) } }),
};

/** Sends a dialog's form, says what went wrong inside the dialog, and what happened outside. @param {Act} act */
function acting(act) {
  const form = /** @type {HTMLFormElement} */ (the(`${act}-form`)), said = /** @type {HTMLElement} */ ($('.said', form));
  const send = /** @type {HTMLButtonElement} */ ($('button[type=submit]', form)), sent = sender();
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    fill(said);
    if (act === 'correct' && !value('correct-name') && !value('correct-to')) return fill(said, note('warn', t('correct.empty'), t('error.nothing')));
    send.disabled = true;
    try {
      const given = GIVEN[act]();
      const { lapInfantsAlone } = await sent(given, (key) => mutate(SENT[act], { id: current.one.id, ...given }, key));
      dialog(act).close();
      toast(t(`did.${act}`));
      await current.shown();
      alone(lapInfantsAlone);
    } catch (error) {
      fill(said, refusal(error));
      said.scrollIntoView({ block: 'nearest' });
    }
    send.disabled = false;
  });
  // Nothing that was typed waits for the next person.
  dialog(act).addEventListener('close', () => { form.reset(); fill(said); });
}

/** Whoever leaves may leave a baby behind whose lap is gone. @param {string[]} infants */
function alone(infants) {
  if (infants.length) fill(the('note'), note('warn', t('alone'), t('alone.help'), h('a', { class: 'btn small act', href: `/pendaftar/${infants[0]}` }, t('alone.open'))));
}

for (const act of Object.keys(SENT)) acting(/** @type {Act} */ (act));
