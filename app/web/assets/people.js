// What pages about people share: the status of somebody, and how a trip is written.
// @ts-check
import { h, icon } from './dom.js';
import { shortDay, t } from './words.js';

/** Shape, then word, then colour. @param {string} status @param {boolean} [big] */
export const chip = (status, big = false) => h('span', { class: big ? 'chip big' : 'chip', 'data-s': status }, icon(`s-${status}`), t(`status.${status}`));

/** @param {Record<string, any>} route */
export const departure = (route) => (route.departsAt ? `${route.name}, ${shortDay(route.departsAt)}` : route.name);

/** What another organizer's registrant is called. @param {string} name */
export const named = (name) => (name === '***' ? t('masked') : name);

export const UUID = /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i;
