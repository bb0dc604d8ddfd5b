// Sweeps that wait for Hubdat's word: too many people of one organizer would end at once. For the operator alone.
// @ts-check
import { mutate } from './api.js';
import { askOnce, confirmed, reason } from './asking.js';
import { button, fill, the } from './dom.js';
import { note, scopes, toast } from './frame.js';
import { instant, number, share, t } from './words.js';

/** What is asked beside the figures, by whoever may see it. */
export const HALTS = scopes.includes('hubdat:admin') ? 'sweepHalts { organizer { code name } ends people holders until since allowedUntil }' : '';
const ALLOW = `mutation IzinkanPenyapuan($organizer: ID!, $ends: RegistrantStatus!, $until: DateTime!, $reason: String!) {
  done: allowSweep(organizer: $organizer, ends: $ends, until: $until, reason: $reason) { ... on SweepHalt { allowedUntil } ... on Problem { message code } }
}`;

/** @typedef {Record<string, any>} Halt */

/** The same halts are not drawn anew: whoever is about to press a button keeps it. */
let drawn = '';

/** @param {Halt[]} halts @param {() => unknown} again */
export function showHalts(halts, again) {
  const now = JSON.stringify(halts);
  if (now === drawn) return;
  drawn = now;
  fill(the('halts'), ...halts.map((one) => told(one, again)));
}

/** @param {Halt} one @param {() => unknown} again */
function told(one, again) {
  const said = { name: one.organizer.name, n: number(one.people), share: share(one.people / one.holders) };
  if (one.allowedUntil && Date.parse(one.allowedUntil) >= Date.parse(one.until)) return note('', t(`halt.${one.ends}`, said), t('halt.allowed'));
  return note('bad', t(`halt.${one.ends}`, said), t('halt.help', { since: instant(one.since) }), button(t('halt.open'), () => allowing(one, again), 'btn act'));
}

/** @param {Halt} one @param {() => unknown} again */
const allowing = (one, again) => askOnce({
  title: t(`halt.question.${one.ends}`, { name: one.organizer.name, n: number(one.people) }), button: t(`halt.button.${one.ends}`, { n: number(one.people) }), danger: true,
  lines: [['clock', t('halt.until', { at: instant(one.until) })], ['people', t(`halt.then.${one.ends}`)], ['info', t('halt.wrong')], ['eye', t('halt.once')]],
  fields: { reason: reason(t('halt.reason')), sure: confirmed(t('halt.sure')) },
  act: async (given, key) => {
    await mutate(ALLOW, { organizer: one.organizer.code, ends: one.ends, until: one.until, reason: given.reason }, key);
    toast(t('halt.done'));
    await again();
  },
});
