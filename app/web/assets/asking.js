// Asks once before something is done: what follows from it, a reason where one is needed. A refusal is told inside.
// @ts-check
import { Failure, unique } from './api.js';
import { fill, h, icon } from './dom.js';
import { note, words } from './frame.js';
import { t } from './words.js';

/** @typedef {{node: HTMLElement, value: () => string}} Field */
/** @typedef {{title: string, lines: [string, Node | string][], fields?: Record<string, Field>, button: Node | string, danger?: boolean, act: (given: Record<string, string>, key: string) => Promise<unknown>}} Question */

/**
 * Each line of the consequence is an icon and a sentence. `act` raises what went wrong. The key stays the same while nobody knows
 * whether the act arrived: so to press the button again does nothing twice.
 * @param {Question} question
 */
export function askOnce({ title, lines, fields = {}, button, danger = false, act }) {
  const said = h('div', { class: 'said' }), send = /** @type {HTMLButtonElement} */ (h('button', { class: `btn ${danger ? 'danger' : 'primary'}`, type: 'submit' }, button));
  const form = h('form', {}, h('h2', { id: 'asked' }, title),
    lines.length ? h('ul', { class: 'consequence' }, ...lines.map(([name, line]) => h('li', {}, icon(name), h('span', {}, line)))) : null,
    ...Object.values(fields).map((field) => field.node), said,
    h('div', { class: 'actions' }, h('button', { class: 'btn', type: 'button', 'data-close': true }, t('never.mind')), send));
  const dialog = /** @type {HTMLDialogElement} */ (h('dialog', { 'aria-labelledby': 'asked' }, form));
  let key = unique(), before = '';
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    fill(said);
    send.disabled = true;
    const given = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value()]));
    if (JSON.stringify(given) !== before) key = unique();
    before = JSON.stringify(given);
    try {
      await act(given, key);
      dialog.close();
    } catch (error) {
      const unknown = error instanceof Failure && (error.code === 'NETWORK' || error.code === 'SERVER');
      if (!unknown) key = unique();
      fill(said, note('bad', words(error), t(unknown ? 'error.unknown' : 'error.nothing')));
    }
    send.disabled = false;
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
