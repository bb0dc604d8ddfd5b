// What pages about routes share: how full one is, when it departs, and what may be done with it.
// @ts-check
import { ask, Failure, mutate } from './api.js';
import { askOnce, choice, input } from './asking.js';
import { fill, h, svg } from './dom.js';
import { mine, scopes, toast } from './frame.js';
import { clock, isoDay, number, shortDay, t, typed, wib } from './words.js';

const RESULT = '{ ... on Route { id } ... on Problem { message code } }';
const RELEASE = `mutation Lepas($id: ID!, $seats: Int!, $at: DateTime) { done: releaseQuota(routeId: $id, seats: $seats, at: $at) ${RESULT} }`;
const DAILY = `mutation LepasTiapHari($id: ID!, $seats: Int!, $at: String!, $from: Date!, $to: Date!) { done: releaseQuotaDaily(routeId: $id, seats: $seats, at: $at, from: $from, to: $to) ${RESULT} }`;
const SAVE = `mutation SimpanRute($inputs: [RouteInput!]!) { saveRoutes(inputs: $inputs) { ... on Route { id } ... on Problem { message code } } }`;
const DAY_MS = 86400000;

/** @typedef {Record<string, any>} Route */
export const mayWrite = scopes.includes('routes:write');
/** @param {Route} route */
export const own = (route) => mayWrite && route.organizer.code === mine;

/** Number beside the track; full is not an error. @param {Route} route */
export function filled({ taken, quota }) {
  if (quota === null) return [h('span', {}, number(taken)), h('span', { class: 'line2' }, t('rute.unlimited'))];
  const bar = svg('svg', { class: taken >= quota ? 'fill full' : 'fill', viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('rect', { class: 'track', width: 100, height: 10 }), svg('rect', { class: 'value', width: quota ? Math.min(100, taken / quota * 100) : 0, height: 10 }));
  return [bar, h('span', { class: 'line2' }, t('rute.of', { n: number(taken), all: number(quota) }))];
}

/** The next release in words. @param {any[]} releases in the order in which they are due */
export function nextRelease(releases) {
  const next = releases.find((one) => !one.due);
  return next ? t('rute.release', { n: number(next.seats), at: `${shortDay(next.dueAt)} ${clock(next.dueAt)}` }) : '–';
}

/** Now, at a time, or on each day. @returns {import('./asking.js').Field} */
function when() {
  const tomorrow = isoDay(Date.now() + DAY_MS);
  const how = choice(t('release.when'), [['now', t('release.now')], ['at', t('release.at')], ['daily', t('release.daily')]]);
  const at = input(t('release.at.which'), t('wib'), { type: 'datetime-local', value: `${tomorrow}T08:00` });
  const time = input(t('release.time'), t('wib'), { type: 'time', value: '08:00', class: 'short' });
  const from = input(t('release.from'), '', { type: 'date', value: tomorrow }), to = input(t('release.to'), t('release.to.help'), { type: 'date', value: tomorrow });
  const later = h('div', { hidden: true }, at.node), daily = h('div', { hidden: true }, time.node, from.node, to.node);
  const node = h('div', {}, how.node, later, daily);
  const show = () => {
    for (const [part, name] of /** @type {[HTMLElement, string][]} */ ([[later, 'at'], [daily, 'daily']])) {
      part.hidden = how.value() !== name;
      for (const box of part.querySelectorAll('input')) box.disabled = part.hidden;
    }
  };
  node.addEventListener('change', show);
  show();
  return { node, value: () => JSON.stringify({ how: how.value(), at: at.value(), time: time.value(), from: from.value(), to: to.value() }) };
}

/** @param {Route} route @param {() => unknown} done */
export function release(route, done) {
  const seats = input(t('release.seats'), t('release.seats.help'), { type: 'number', step: 1, value: 40, class: 'short' });
  const total = h('span', {}), button = h('span', {}), before = route.quota ?? 0;
  const say = () => {
    const count = Number(seats.value()) || 0;
    fill(total, t('release.total', { n: number(before + count) }));
    fill(button, t(count < 0 ? 'release.lower' : 'release.button', { n: number(Math.abs(count)) }));
  };
  seats.node.addEventListener('input', say);
  say();
  askOnce({
    title: t('release.question', { name: route.name }), button, fields: { seats, when: when() },
    lines: [['people', total], ['info', t('release.never.below')]],
    act: async (given, key) => {
      const { how, at, time, from, to } = JSON.parse(given.when), count = Number(given.seats);
      if (how === 'daily') await mutate(DAILY, { id: route.id, seats: count, at: time, from, to }, key);
      else await mutate(RELEASE, { id: route.id, seats: count, at: how === 'at' ? wib(at) : null }, key);
      toast(t('release.done'));
      await done();
    },
  });
}

/** Saves routes; each is judged by itself. Answers the refusals by their places. @param {Record<string, unknown>[]} inputs @param {string} [key] @returns {Promise<(string | null)[]>} */
export async function save(inputs, key) {
  /** @type {any[]} */
  const verdicts = (await ask(SAVE, { inputs }, key)).saveRoutes;
  return verdicts.map((one) => one.message ?? null);
}

/** Declares a route, or changes one. @param {Route | null} route @param {any[]} terminals @param {() => unknown} done */
export function declare(route, terminals, done) {
  const places = /** @type {[string, string][]} */ (terminals.map((one) => [one.code, `${one.name}, ${one.city}`]));
  const words = (/** @type {string[]} */ names, /** @type {string} */ prefix = '') => /** @type {[string, string][]} */ (names.map((name) => [name, t(`${prefix}${name}`)]));
  const fields = {
    name: input(t('declare.name'), t('declare.name.help'), { maxlength: 200 }),
    direction: choice(t('direction'), [['MUDIK', t('MUDIK')], ['BALIK', t('BALIK')]]),
    service: choice(t('service'), [['PASSENGER', t('PASSENGER')], ['MOTORCYCLE', t('MOTORCYCLE')]]),
    mode: choice(t('declare.mode'), words(['BUS', 'TRAIN', 'SHIP', 'TRUCK'], 'mode.')),
    origin: choice(t('declare.origin'), places), destination: choice(t('declare.destination'), places),
    departsAt: input(t('declare.departs'), t('declare.departs.help'), { type: 'datetime-local', required: false }),
    quota: input(t('quota'), t('declare.quota.help'), { type: 'number', min: 0, step: 1, required: false, class: 'short' }),
  };
  if (route) put(fields, { name: route.name, direction: route.direction, service: route.service, mode: route.mode, origin: route.origin.code, destination: route.destination.code, departsAt: typed(route.departsAt), quota: route.quota ?? '' });
  askOnce({
    title: route ? t('declare.change', { name: route.name }) : t('rute.add'), button: t('declare.button'), fields,
    lines: route ? [['info', t('declare.change.help')]] : [],
    act: async (given, key) => {
      const [refused] = await save([{ ...given, id: route?.id, departsAt: wib(given.departsAt), quota: given.quota === '' ? null : Number(given.quota) }], key);
      if (refused) throw new Failure(refused, 'REFUSED');
      toast(t('declare.done'));
      await done();
    },
  });
}

/** @param {Record<string, import('./asking.js').Field>} fields @param {Record<string, string | number>} values */
function put(fields, values) {
  for (const [name, value] of Object.entries(values)) {
    const box = /** @type {HTMLInputElement | null} */ (fields[name].node.querySelector('input, select'));
    if (box) box.value = String(value);
  }
}
