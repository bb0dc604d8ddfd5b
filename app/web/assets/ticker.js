// What happens now: one line for each change, the newest on top, told together where many come at once.
// @ts-check
import { fill, h } from './dom.js';
import { follow } from './live.js';
import { seconds, t } from './words.js';

const LINES = 8;
const TOGETHER_MS = 1000;
const CHANGES = `subscription Baru($after: String) {
  changes(after: $after) { cursor at kind to registrant { organizer { code name } route { name direction } } }
}`;

/** @typedef {{at: string, organizer: string, route: string, what: string, count: number, key: string}} Line */

/** @param {HTMLElement} list @param {(text: string) => void} said */
export function ticker(list, said) {
  /** @type {string | undefined} */
  let after;
  /** @type {Line[]} */
  let lines = [];
  let due = false;
  const draw = () => {
    due = false;
    fill(list, ...lines.map((line) => h('li', {}, h('time', {}, seconds(line.at)), h('span', {}, line.organizer, h('span', { class: 'line2' }, `${line.what} · ${line.route}`)), h('b', {}, `+${line.count}`))));
  };
  fill(list, h('li', { class: 'nothing' }, h('span', {}, t('ticker.nothing'))));
  follow(CHANGES, () => ({ after }), ({ changes }) => {
    after = changes.cursor;
    lines = added(lines, changes);
    if (!due) { due = true; setTimeout(draw, TOGETHER_MS / 4); }
  }, (open) => said(open ? t('ticker.live') : t('ticker.lost')));
}

/** @param {Line[]} lines @param {any} change @returns {Line[]} */
function added(lines, change) {
  const { organizer, route } = change.registrant;
  const what = change.to ? t(`status.${change.to}`) : t('ticker.changed');
  const key = `${organizer.code} ${route.name} ${what}`;
  const [first, ...rest] = lines;
  if (first?.key === key) return [{ ...first, at: change.at, count: first.count + 1 }, ...rest];
  return [{ at: change.at, organizer: organizer.name, route: route.name, what, count: 1, key }, ...lines].slice(0, LINES);
}
