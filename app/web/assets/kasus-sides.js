// One case: who holds the NIK and who brought the NIK as well, side by side; what was decided; and the decision.
// @ts-check
import { ask, mutate } from './api.js';
import { askOnce, choice, input, reason } from './asking.js';
import { fill, h, the } from './dom.js';
import { mine, note, scopes, toast, words } from './frame.js';
import { chip } from './people.js';
import { instant, number, t } from './words.js';

const PEOPLE = `query SisiKasus($id: ID!, $purpose: String) {
  casePeople(id: $id, purpose: $purpose) { organizer { code name } holds nik initials likeness name registrantId status at }
}`;
const DECIDE = `mutation Putuskan($id: ID!, $state: CaseState!, $reason: String!, $mistypedBy: ID) {
  done: decideCase(id: $id, state: $state, reason: $reason, mistypedBy: $mistypedBy) { ... on Case { id } ... on Problem { message code } }
}`;

/** @typedef {Record<string, any>} Case */
/** What the keys decide. @type {{one: Case, done: (one: Case) => void} | null} */
let current = null;
let round = 0;
const admin = scopes.includes('hubdat:admin');

/** @param {Case} one @param {(one: Case) => void} done */
export async function sides(one, done) {
  const now = ++round;
  current = { one, done };
  fill(the('one-title'), t('kasus.title.one', { name: one.holder.name }));
  fill(the('one-sub'), t('kasus.about', { way: t(one.direction), service: t(one.service), at: instant(one.openedAt) }));
  fill(the('one-note'), told(one));
  fill(the('decide'), ...(admin && one.state !== 'CLOSED' ? buttons(one) : []));
  fill(the('sides'), ...(admin ? [] : claims(one)));
  if (admin) await people(one, now);
}

/** @param {Case} one @param {number} now @param {string} [purpose] */
async function people(one, now, purpose) {
  try {
    const found = (await ask(PEOPLE, { id: one.id, purpose })).casePeople;
    if (now === round && found) fill(the('sides'), ...found.map((/** @type {any} */ side) => person(side, one)));
  } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
}

/** @param {Case} one */
function told(one) {
  if (one.state === 'CONFIRMED') return note('ok', t('kasus.was.CONFIRMED', { at: instant(one.decidedAt) }), one.reason ?? '');
  if (one.state === 'CLOSED') return note('', t('kasus.was.CLOSED', { at: instant(one.decidedAt) }), t('kasus.was.CLOSED.help'));
  if (one.state !== 'NOT_DUPLICATE') return one.suspect ? note('warn', t('kasus.suspect'), t('kasus.suspect.help')) : null;
  const asked = one.mistypedBy?.code === mine;
  return note(asked ? 'warn' : 'ok', t(asked ? 'kasus.correct' : 'kasus.was.NOT_DUPLICATE', { at: instant(one.decidedAt), name: one.mistypedBy?.name ?? '–' }), one.reason ?? '');
}

/** @param {any} side @param {Case} one */
function person(side, one) {
  const claim = one.claims.find((/** @type {any} */ each) => each.organizer.code === side.organizer.code);
  /** @type {[string, Node | string][]} */
  const facts = [
    [t('name'), side.name ?? (side.initials ? h('span', {}, side.initials, h('span', { class: 'line2' }, t('kasus.initials'))) : t('kasus.no.name'))],
    ['NIK', h('span', { class: 'code' }, side.nik)],
  ];
  if (side.likeness !== null) facts.push([t('kasus.likeness'), `${number(side.likeness)} %`]);
  if (side.status) facts.push([t('status'), chip(side.status)]);
  facts.push([t(side.holds ? 'registered' : 'kasus.first'), instant(side.at)]);
  if (!side.holds && claim) facts.push([t('kasus.attempts'), number(claim.attempts)]);
  return h('article', { class: 'side-of' }, h('h3', {}, side.organizer.name), h('p', { class: 'muted small' }, t(side.holds ? 'kasus.holds' : 'kasus.brought')),
    h('dl', { class: 'facts' }, ...facts.flatMap(([term, value]) => [h('dt', {}, term), h('dd', {}, value)])),
    side.registrantId && h('p', { class: 'more' }, h('a', { href: `/pendaftar/${side.registrantId}` }, t('kasus.person'))));
}

/** What an organizer may know: who, and how often. @param {Case} one */
const claims = (one) => [
  h('article', { class: 'side-of' }, h('h3', {}, one.holder.name), h('p', { class: 'muted small' }, t('kasus.holds'))),
  ...one.claims.map((/** @type {any} */ claim) => h('article', { class: 'side-of' }, h('h3', {}, claim.organizer.name), h('p', { class: 'muted small' }, t('kasus.brought')),
    h('dl', { class: 'facts' }, h('dt', {}, t('kasus.first')), h('dd', {}, instant(claim.firstAt)), h('dt', {}, t('kasus.attempts')), h('dd', {}, number(claim.attempts)))))];

/** @param {Case} one */
function buttons(one) {
  const act = (/** @type {string} */ word, /** @type {string} */ kind, /** @type {string} */ key, /** @type {() => void} */ what) => {
    const button = h('button', { class: `btn ${kind}`, type: 'button', id: word.replace(/\W/g, '-') }, t(word), key && h('kbd', { 'aria-hidden': 'true' }, key));
    button.addEventListener('click', what);
    return button;
  };
  return [act('kasus.CONFIRMED', 'primary', '1', () => asking('CONFIRMED')), act('kasus.NOT_DUPLICATE', '', '2', () => asking('NOT_DUPLICATE')), act('kasus.names', 'quiet', '', () => names(one))];
}

/** @param {Case} one */
const names = (one) => askOnce({
  title: t('kasus.names.question'), lines: [['eye', t('kasus.names.logged')]], button: t('nik.show'),
  fields: { purpose: input(t('kasus.purpose'), t('kasus.purpose.help'), { minlength: 5, maxlength: 200 }) },
  act: async ({ purpose }) => people(one, round, purpose),
});

/** Asks for the reason of a decision about the case that is shown. @param {'CONFIRMED' | 'NOT_DUPLICATE'} state */
export function asking(state) {
  if (!current || !admin || current.one.state === 'CLOSED') return;
  const { one, done } = current;
  const organizers = [one.holder, ...one.claims.map((/** @type {any} */ claim) => claim.organizer)];
  /** @type {[string, string][]} */
  const lines = state === 'CONFIRMED' ? [['people', t('kasus.CONFIRMED.seat', { name: one.holder.name })], ['info', t('kasus.told')]] : [['info', t('kasus.NOT_DUPLICATE.asked')], ['people', t('kasus.told')]];
  askOnce({
    title: t(`kasus.${state}.question`), lines, button: t(`kasus.${state}`),
    fields: { ...(state === 'NOT_DUPLICATE' ? { mistypedBy: choice(t('kasus.mistyped'), organizers.map((each) => [each.code, each.name])) } : {}), reason: reason(t('kasus.reason.help')) },
    act: async (given, key) => {
      await mutate(DECIDE, { id: one.id, state, mistypedBy: null, ...given }, key);
      toast(t('kasus.done'));
      done(one);
    },
  });
}
