// What Hubdat does with an organizer: adds one, changes who coordinates it, its policy, its waves and its allowance.
// @ts-check
import { ask, mutate } from './api.js';
import { askOnce, check, choice, input, reason } from './asking.js';
import { mine, scopes, toast } from './frame.js';
import { instant, t, typed, wib } from './words.js';

const SAVE = `mutation SimpanPenyelenggara($input: OrganizerInput!) { done: saveOrganizer(input: $input) { ... on Organizer { organizer: code } ... on Problem { message code } } }`;
const WAVE = `mutation SimpanGelombang($input: WindowInput!) { done: saveWindow(input: $input) { ... on Organizer { organizer: code } ... on Problem { message code } } }`;
const WITHDRAW = `mutation TarikGelombang($id: ID!, $reason: String!) { done: withdrawWindow(id: $id, reason: $reason) { ... on Organizer { organizer: code } ... on Problem { message code } } }`;
const ALLOWANCE = `mutation AturJatah($organizer: ID!, $perDay: Int, $reason: String!) { setNikAllowance(organizer: $organizer, perDay: $perDay, reason: $reason) { perDay } }`;
const SCHEMES = ['GRAPHQL', 'WEBHOOK', 'EXCEL', 'NIK_CHECK', 'DAILY_CONSOLIDATION'];

/** Numbers of a policy: the least and the most, and whether the number may be left out. @type {Record<string, [number, number, boolean]>} */
export const NUMBERS = { verifyWithinDays: [1, 90, true], blockSeasons: [1, 10, false], noShowAfterMinutes: [0, 1440, false], newsGraceHours: [0, 72, true], lateArrivalDays: [0, 90, false], holdPercent: [0, 100, false] };
/** What is on or off. */
export const SWITCHES = ['blockWhenForfeited', 'enforceWindow', 'returnRequiresOutbound', 'returnSameDay', 'forfeitAtPeriodEnd', 'refuseEarlyVerification'];
/** In the order in which they are told. */
export const POLICY = ['verifyWithinDays', 'blockWhenForfeited', 'blockSeasons', 'enforceWindow', 'lateArrivalDays', 'refuseEarlyVerification', 'forfeitAtPeriodEnd', 'returnRequiresOutbound', 'returnSameDay', 'noShowAfterMinutes', 'newsGraceHours', 'holdPercent'];

const seesAll = scopes.includes('hubdat:admin') || scopes.includes('dashboard:read');

/** @typedef {Record<string, any>} Organizer */
/** @typedef {import('./asking.js').Field} Field */

/** When the registry last heard from others, it tells Hubdat and their coordinator alone. @param {Organizer} one */
export const unheard = (one) => (seesAll || [one.code, one.coordinator?.code].includes(mine) ? t('org.never') : '–');

/** @param {Record<string, unknown>} policy as the schema has it @returns {Record<string, string>} in words */
export const told = (policy) => Object.fromEntries(POLICY.map((name) => [name, value(name, policy[name])]));

/** @param {string} name @param {unknown} given */
export function value(name, given) {
  if (given === null || given === undefined || given === 'null') return t(name in NUMBERS ? `policy.none.${name}` : 'policy.off');
  if (name in NUMBERS) return t(`policy.unit.${name}`, { n: String(given) });
  return t(String(given) === 'true' ? 'policy.on' : 'policy.off');
}

/** Who may coordinate, and who does. @param {Organizer[]} everybody @param {string} [code] of the organizer itself @param {string | null} [chosen] */
function coordinators(everybody, code, chosen) {
  const free = everybody.filter((one) => one.code !== code && !one.coordinator);
  const field = choice(t('org.coordinator'), [['', t('org.nobody')], ...free.map((one) => /** @type {[string, string]} */ ([one.code, one.name]))], t('org.coordinator.help'));
  const box = /** @type {HTMLSelectElement} */ (field.node.querySelector('select'));
  box.required = false;
  box.value = chosen ?? '';
  return field;
}

/** @param {string[]} chosen @returns {Record<string, Field>} */
const schemes = (chosen) => Object.fromEntries(SCHEMES.map((name) => [name, check(t(`scheme.${name}`), chosen.includes(name), t(`scheme.help.${name}`))]));
/** @param {Record<string, string>} given */
const chosen = (given) => SCHEMES.filter((name) => given[name]);

/** What was put otherwise than the page had it. What somebody else has changed since is not taken back. @param {Record<string, unknown>} given @param {Record<string, unknown>} before */
const changed = (given, before) => Object.fromEntries(Object.entries(given).filter(([name, now]) => JSON.stringify(now) !== JSON.stringify(before[name])));

/** @param {Organizer[]} everybody @param {(code: string) => void} done */
export function addOrganizer(everybody, done) {
  const code = input(t('org.code'), t('org.code.help'), { maxlength: 40, pattern: '[a-z0-9]+(-[a-z0-9]+)*', class: 'short' });
  askOnce({
    title: t('org.add'), button: t('org.add'), lines: [['info', t('org.add.help')]],
    fields: { code, name: input(t('org.name'), t('org.name.help'), { maxlength: 200 }), coordinator: coordinators(everybody), ...schemes(['GRAPHQL']) },
    act: async (given, key) => {
      await mutate(SAVE, { input: { code: given.code, name: given.name, coordinator: given.coordinator || null, schemes: chosen(given) } }, key);
      done(given.code);
    },
  });
}

/** @param {Organizer} one @param {Organizer[]} everybody @param {() => unknown} done */
export function changeOrganizer(one, everybody, done) {
  const name = input(t('org.name'), t('org.name.help'), { maxlength: 200, value: one.name });
  askOnce({
    title: t('org.change', { name: one.name }), button: t('org.save'), lines: [['info', t('org.change.help')]],
    fields: { name, ...(one.members.length ? {} : { coordinator: coordinators(everybody, one.code, one.coordinator?.code) }), ...schemes(one.schemes) },
    act: async (given, key) => {
      const coordinator = 'coordinator' in given ? { coordinator: given.coordinator || null } : {};
      await mutate(SAVE, { input: { code: one.code, ...changed({ name: given.name, schemes: chosen(given), ...coordinator }, { ...one, coordinator: one.coordinator?.code ?? null }) } }, key);
      toast(t('org.saved'));
      await done();
    },
  });
}

/** Whom a coordinator may take: who has no coordinator and coordinates nobody. @param {Organizer} one @param {Organizer[]} everybody @param {() => unknown} done */
export function addMember(one, everybody, done) {
  const taken = new Set(everybody.map((other) => other.coordinator?.code));
  const free = everybody.filter((other) => other.code !== one.code && !other.coordinator && !taken.has(other.code));
  askOnce({
    title: t('member.question', { name: one.name }), button: t('member.add'), lines: [['people', t('member.then', { name: one.name })]],
    fields: { code: choice(t('organizer'), free.map((other) => /** @type {[string, string]} */ ([other.code, other.name]))) },
    act: async ({ code }, key) => {
      await mutate(SAVE, { input: { code, coordinator: one.code } }, key);
      toast(t('member.added'));
      await done();
    },
  });
}

/** @param {Organizer} one @param {() => unknown} done */
export function changePolicy(one, done) {
  const fields = Object.fromEntries(POLICY.map((name) => [name, name in NUMBERS ? numeral(name, one.policy[name]) : check(t(`policy.${name}`), one.policy[name], t(`policy.help.${name}`))]));
  askOnce({
    title: t('policy.question', { name: one.name }), button: t('policy.save'), fields,
    lines: [['info', t('policy.from.now')], ['people', t('policy.deadlines')]],
    act: async (given, key) => {
      const policy = Object.fromEntries(POLICY.map((name) => [name, name in NUMBERS ? (given[name] === '' ? null : Number(given[name])) : given[name] === 'true']));
      await mutate(SAVE, { input: { code: one.code, policy: changed(policy, one.policy) } }, key);
      toast(t('policy.saved'));
      await done();
    },
  });
}

/** @param {string} name @param {number | null} now */
function numeral(name, now) {
  const [min, max, free] = NUMBERS[name];
  return input(t(`policy.${name}`), t(`policy.help.${name}`), { type: 'number', min, max, step: 1, value: now ?? '', required: !free, class: 'short' });
}

/** The instant that a field means. A field has no seconds: as long as it stays as it was, the instant does. @param {string} field @param {string | null | undefined} before */
const meant = (field, before) => (before && field === typed(before) ? before : wib(field));

/** A new wave, or another one in the place of `wave`. @param {Organizer} one @param {any} wave @param {() => unknown} done */
export function saveWave(one, wave, done) {
  const kind = choice(t('waves.kind'), [['REGISTRATION', t('wave.REGISTRATION')], ['VERIFICATION', t('wave.VERIFICATION')]], t('waves.kind.help'));
  const box = /** @type {HTMLSelectElement} */ (kind.node.querySelector('select'));
  if (wave) { box.value = wave.kind; box.disabled = true; }
  askOnce({
    title: t(wave ? 'waves.amend' : 'waves.add', { name: one.name }), button: t('waves.save'),
    lines: wave ? [['info', t('waves.amend.help')], ['clock', t('waves.prolongs')]] : [['info', t('waves.add.help')]],
    fields: {
      kind, opensAt: input(t('waves.from.wib'), t('waves.from.help'), { type: 'datetime-local', value: typed(wave?.opensAt) }),
      closesAt: input(t('waves.to.wib'), t('waves.to.help'), { type: 'datetime-local', value: typed(wave?.closesAt), required: false }),
      full: check(t('waves.full'), wave?.untilQuotaIsFull ?? false), note: input(t('waves.note'), t('waves.note.help'), { maxlength: 500, value: wave?.note ?? '', required: false }),
    },
    act: async (given, key) => {
      await mutate(WAVE, { input: { organizer: one.code, kind: given.kind, opensAt: meant(given.opensAt, wave?.opensAt), closesAt: meant(given.closesAt, wave?.closesAt), untilQuotaIsFull: given.full === 'true', note: given.note || null, amends: wave?.id ?? null } }, key);
      toast(t('waves.saved'));
      await done();
    },
  });
}

/** @param {any} wave @param {() => unknown} done */
export const withdrawWave = (wave, done) => askOnce({
  title: t('waves.withdraw.question', { kind: t(`wave.${wave.kind}`), at: instant(wave.opensAt) }), button: t('waves.withdraw'), danger: true, lines: [['info', t('waves.withdraw.help')]],
  fields: { reason: reason() },
  act: async (given, key) => { await mutate(WITHDRAW, { id: wave.id, reason: given.reason }, key); toast(t('waves.withdrawn')); await done(); },
});

/** @param {Organizer} one @param {() => unknown} done */
export const changeAllowance = (one, done) => askOnce({
  title: t('allowance.question', { name: one.name }), button: t('allowance.save'), lines: [['info', t('allowance.help')], ['clock', t('allowance.at.once')]],
  fields: { perDay: input(t('allowance.per.day'), t('allowance.per.day.help'), { type: 'number', min: 0, max: 10000000, step: 1, value: one.nikAllowance.perDay, required: false, class: 'short' }), reason: reason() },
  act: async (given, key) => {
    await ask(ALLOWANCE, { organizer: one.code, perDay: given.perDay === '' ? null : Number(given.perDay), reason: given.reason }, key);
    toast(t('allowance.saved'));
    await done();
  },
});
