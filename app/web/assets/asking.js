// Asks once before something is done: what follows from it, a reason where one is needed. A refusal is told inside.
// @ts-check
import { Failure, unique } from './api.js';
import { fill, h, icon } from './dom.js';
import { note, words } from './frame.js';
import { t } from './words.js';

/** @typedef {{node: HTMLElement, value: () => string}} Field */
/** @typedef {{title: string, lines: [string, Node | string][], fields?: Record<string, Field>, button: Node | string, danger?: boolean, act: (given: Record<string, string>, key: string) => Promise<unknown>}} Question */

/** What leaves open whether an act was done: no answer came, or the same act is still being done. */
const OPEN = new Set(['NETWORK', 'SERVER', 'IDEMPOTENCY_KEY_IN_USE']);
/** @param {unknown} error */
const leavesOpen = (error) => error instanceof Failure && OPEN.has(error.code);

/**
 * Sends an act under a key that stays the same while nobody knows whether the act was done: so to send the same again does nothing twice.
 * @returns {<T>(given: Record<string, unknown>, act: (key: string) => Promise<T>) => Promise<T>}
 */
export function sender() {
  let key = unique(), before = '';
  return async (given, act) => {
    if (JSON.stringify(given) !== before) key = unique();
    before = JSON.stringify(given);
    try {
      const done = await act(key);
      key = unique();
      return done;
    } catch (error) {
      if (!leavesOpen(error)) key = unique();
      throw error;
    }
  };
}

/** Why an act was not done, or what to do while nobody knows. @param {unknown} error @param {string} [open] the word for the latter */
export const refusal = (error, open = 'error.unknown') => note('bad', words(error), t(leavesOpen(error) ? open : 'error.nothing'));

/** Each line of the consequence is an icon and a sentence. `act` raises what went wrong. @param {Question} question */
export function askOnce({ title, lines, fields = {}, button, danger = false, act }) {
  const said = h('div', { class: 'said' }), send = /** @type {HTMLButtonElement} */ (h('button', { class: `btn ${danger ? 'danger' : 'primary'}`, type: 'submit' }, button));
  const leave = /** @type {HTMLButtonElement} */ (h('button', { class: 'btn', type: 'button', 'data-close': true }, t('never.mind')));
  const form = h('form', {}, h('h2', { id: 'asked' }, title),
    lines.length ? h('ul', { class: 'consequence' }, ...lines.map(([name, line]) => h('li', {}, icon(name), h('span', {}, line)))) : null,
    ...Object.values(fields).map((field) => field.node), said,
    h('div', { class: 'actions' }, leave, send));
  const dialog = /** @type {HTMLDialogElement} */ (h('dialog', { 'aria-labelledby': 'asked' }, form));
  const sent = sender();
  // Whoever closed it meanwhile would not learn whether the act was done.
  const wait = (/** @type {boolean} */ on) => { send.disabled = leave.disabled = on; };
  dialog.addEventListener('cancel', (event) => { if (send.disabled) event.preventDefault(); });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    fill(said);
    wait(true);
    const given = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value()]));
    try {
      await sent(given, (key) => act(given, key));
      dialog.close();
    } catch (error) { fill(said, refusal(error)); }
    wait(false);
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

let fields = 0;
/** @param {string} label @param {string} help @param {HTMLElement} box @returns {Field} */
function field(label, help, box) {
  const id = `field-${++fields}`;
  box.id = id;
  if (help) box.setAttribute('aria-describedby', `${id}-help`);
  return { node: h('div', { class: 'field' }, h('label', { for: id }, label), help ? h('p', { class: 'help', id: `${id}-help` }, help) : null, box), value: () => /** @type {HTMLInputElement} */ (box).value.trim() };
}

/** A reason that is written down. @param {string} [help] */
export const reason = (help = t('reason.help')) => field(t('reason'), help, h('input', { required: true, minlength: 5, maxlength: 200, autocomplete: 'off' }));

/** @param {string} label @param {string} help @param {Record<string, string | number | boolean>} attributes of the input */
export const input = (label, help, attributes) => field(label, help, h('input', { required: true, autocomplete: 'off', ...attributes }));

/** @param {string} label @param {[string, string][]} options value and words @param {string} [help] */
export const choice = (label, options, help = '') => field(label, help, h('select', { required: true }, ...options.map(([value, words]) => h('option', { value }, words))));

/** What has to be confirmed. @param {string} label @returns {Field} */
export const confirmed = (label) => ({ node: h('label', { class: 'check' }, h('input', { type: 'checkbox', required: true }), ` ${label}`), value: () => 'true' });

/** What may be on or off. @param {string} label @param {boolean} on @param {string} [help] @returns {Field} */
export function check(label, on, help = '') {
  const box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', checked: on }));
  return { node: h('div', { class: 'field' }, h('label', { class: 'check' }, box, h('span', {}, label, help && h('span', { class: 'line2' }, help)))), value: () => (box.checked ? 'true' : '') };
}
