// The queue as it is shown: one line for each tap, what became of it, and what may be done about it.
// @ts-check
import { connection } from './api.js';
import { button, fill, h, icon, patch, the } from './dom.js';
import { all, canUndo, forget, isMine, queue, reasons, takeOver, undo, whyStopped } from './queue.js';
import { clock, number, t } from './words.js';

/** @typedef {import('./queue.js').Act} Act */

/** @template T @param {Iterable<T>} list @param {(one: T) => string} key @returns {Map<string, T[]>} */
export function grouped(list, key) {
  /** @type {Map<string, T[]>} */
  const groups = new Map();
  for (const one of list) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return groups;
}

/** @param {number} n */
export const people = (n) => (n === 1 ? t('people.one') : t('people.n', { n: number(n) }));

/** Draws the queue whenever it changes, and each second while an act can be undone. `label`: what a registrant is called on this page; `look`: opens it. @param {(id: string) => string | undefined} label @param {(id: string) => void} look */
export function showQueue(label, look) {
  let ticking = 0;
  let saidBefore = '';
  const draw = () => {
    clearTimeout(ticking);
    const groups = grouped(all(), (act) => act.group);
    patch(the('queue'), ...[...groups.values()].reverse().map((group) => line(group, label, look)));
    the('queue-empty').hidden = groups.size > 0;
    const said = summary();
    // A screen reader hears what has changed, and not each second.
    if (said !== saidBefore) fill(the('queue-said'), said);
    saidBefore = said;
    connection.dispatchEvent(new CustomEvent('waiting', { detail: count('waiting') }));
    if (all().some(canUndo)) ticking = setTimeout(draw, 1000);
  };
  queue.addEventListener('change', draw);
  draw();
}

/** @param {Act['state']} state */
const count = (state) => all().filter((act) => act.state === state).length;

function summary() {
  const parts = [[count('waiting'), 'queue.waiting'], [count('refused'), 'queue.refused'], [count('sent'), 'queue.sent']];
  return parts.filter(([n]) => n).map(([n, word]) => t(String(word), { n })).join(' · ');
}

/** @param {Act[]} group @param {(id: string) => string | undefined} label @param {(id: string) => void} look */
function line(group, label, look) {
  const [first] = group, refused = group.filter((act) => act.state === 'refused'), waiting = group.filter((act) => act.state === 'waiting');
  const tone = refused.length ? 'bad' : waiting.length ? 'wait' : 'sent';
  // The group stands in the line: a line that has moved down is another one.
  return h('li', { class: tone, 'data-group': first.group }, icon({ bad: 'warn', wait: 'clock', sent: 'ok' }[tone]),
    h('span', {}, h('strong', {}, label(first.id) ?? people(group.length)),
      h('span', { class: 'line2' }, t(`acted.${first.kind}`, { people: people(group.length), time: clock(first.at) })),
      refused.length ? h('span', { class: 'line2 why' }, t('queue.failed', { people: people(refused.length), why: reasons.get(refused[0].no) ?? t('queue.why') })) : null,
      waiting.length && !canUndo(first) ? stoppedBy() : null),
    h('span', { class: 'small muted n' }, state(tone, first), ...buttons(tone, group, refused, look)));
}

/** @param {string} tone @param {Act} first */
function state(tone, first) {
  if (tone === 'bad') return t('queue.look');
  if (tone === 'sent') return t('queue.sent.at', { time: clock(first.told) });
  if (canUndo(first)) return t('queue.in', { n: Math.ceil((first.due - Date.now()) / 1000) });
  if (!isMine(first)) return t('queue.others');
  return t('queue.unsent');
}

/** Bad reception is nothing to act on. */
function stoppedBy() {
  const why = whyStopped();
  if (why?.code === 'NETWORK') return h('span', { class: 'line2' }, t('queue.network'));
  return why && h('span', { class: 'line2 why' }, why.message);
}

/** @param {string} tone @param {Act[]} group @param {Act[]} refused @param {(id: string) => void} look */
function buttons(tone, group, refused, look) {
  const { group: name } = group[0];
  const doing = (/** @type {string} */ word, /** @type {() => unknown} */ done) => button(t(word), done, 'copy text');
  if (tone === 'bad') return [doing('queue.open', () => look(refused[0].id)), doing('queue.done', () => forget(name))];
  if (tone === 'wait' && canUndo(group[0])) return [doing('queue.undo', () => undo(name))];
  if (tone === 'wait' && !isMine(group[0])) return [doing('queue.take', () => takeOver(name))];
  return [];
}
