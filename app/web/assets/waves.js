// When an organizer registers, in words: what is open now, else what comes next, else what has closed.
// @ts-check
import { clock, shortDay, t } from './words.js';

/** @typedef {Record<string, any>} Wave with opensAt, and closesAt if it ends */

/** @param {Wave} wave @param {number} now */
export const isOpen = (wave, now) => Date.parse(wave.opensAt) <= now && (!wave.closesAt || now < Date.parse(wave.closesAt));

/** @param {Wave[]} waves in the order of their opening @param {number} now */
export function opening(waves, now) {
  const open = waves.find((one) => isOpen(one, now)), next = waves.find((one) => now < Date.parse(one.opensAt)), last = waves.at(-1);
  if (open) return t('opened.since', { from: shortDay(open.opensAt), to: open.closesAt ? t('opened.to', { day: lastDay(open.closesAt) }) : t('opened.open') });
  if (next) return t('opened.next', { day: shortDay(next.opensAt), time: clock(next.opensAt) });
  return last?.closesAt ? t('opened.closed', { day: lastDay(last.closesAt) }) : t('opened.never');
}

/** The last day that is inside. @param {string} closesAt */
export const lastDay = (closesAt) => shortDay(Date.parse(closesAt) - 1);
