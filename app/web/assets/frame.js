// What every page shares: language, account, dialogs, keys, toast, and a lost connection that is shown.
// @ts-check
import { act, connection, Failure } from './api.js';
import { $, $$, fill, h, icon, the } from './dom.js';
import { clock, instant, t } from './words.js';

const YEAR_SECONDS = 31536000;
const KEYS = 'pemudik.keys';
const TOAST_MS = 6000;

for (const button of $$('[data-language]')) button.addEventListener('click', () => {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `bahasa=${button.dataset.language}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
  location.reload();
});

document.addEventListener('click', (event) => {
  const target = /** @type {Element} */ (event.target);
  if (target.closest('[data-close]')) target.closest('dialog')?.close();
});

/** What happened, said once and gone after a while. Errors stay on the page instead. @param {string} text @param {HTMLElement} [button] @param {number} [stays] */
export function toast(text, button, stays = TOAST_MS) {
  $('.toast')?.remove();
  const box = h('div', { class: 'toast', role: 'status' }, text, button);
  document.body.append(box);
  button?.addEventListener('click', () => box.remove());
  setTimeout(() => box.remove(), stays);
}

/** A note that stays: one sentence, what to do, and perhaps a button. @param {'bad' | 'warn' | 'ok' | ''} tone @param {string} strong @param {string} text @param {Node} [button] */
export const note = (tone, strong, text, button) =>
  h('div', { class: `note ${tone}`, role: tone === 'bad' ? 'alert' : 'note' }, icon(tone === 'bad' || tone === 'warn' ? 'warn' : 'info'), h('div', {}, h('strong', {}, strong), text && h('p', {}, text)), button);

/** Where a list has nothing: that it has nothing, and what would bring something. @param {string} name of the icon @param {string} title @param {string} help @param {'h2' | 'h3'} [level] of the heading @param {Node} [link] */
export const empty = (name, title, help, level = 'h3', link) => h('section', { class: 'empty' }, icon(name), h(level, {}, title), h('p', {}, help), link);

/** Which of a page's tabs the address names, else the first tab. The tab is marked as the current one. @returns {string} */
export function tab() {
  const tabs = $$('.tabs [data-view]'), named = new URLSearchParams(location.search).get('view');
  const current = tabs.find((one) => one.dataset.view === named) ?? tabs[0];
  for (const one of tabs) one.toggleAttribute('aria-current', false);
  current.setAttribute('aria-current', 'page');
  return current.dataset.view ?? '';
}

/** A button that copies a text and says so for a while. Where the browser copies nothing, as on a page without https, the text is selected. @param {HTMLElement} press @param {Node} place where the text stands */
export function copies(press, place) {
  const before = [...press.childNodes];
  press.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(place.textContent ?? '');
      fill(press, icon('ok'), t('copies.done'));
    } catch {
      getSelection()?.selectAllChildren(place);
      fill(press, icon('info'), t('copies.selected'));
    }
    setTimeout(() => fill(press, ...before), TOAST_MS);
  });
}

/** @param {unknown} error */
export const words = (error) => (error instanceof Failure ? error.message : t('error.page'));

const who = /** @type {HTMLElement | null} */ ($('#who'));
export const scopes = (who?.dataset.scopes ?? '').split(' ');
export const mine = who?.dataset.organizer ?? '';
export const me = who?.dataset.id ?? '';

function account() {
  if (!who) return;
  const dialog = /** @type {HTMLDialogElement} */ (the('account'));
  fill(the('account-until'), instant(who.dataset.ends ?? ''));
  for (const button of [who, $('#more')]) button?.addEventListener('click', () => dialog.showModal());
  the('sign-out').addEventListener('click', async () => {
    try { await act('/keluar', {}); location.replace('/masuk'); } catch (error) { dialog.append(note('bad', words(error), t('error.again'))); }
  });
}

function offline() {
  const bar = the('offline');
  const show = (/** @type {string | null} */ text, /** @type {Node[]} */ ...more) => { bar.hidden = text === null; fill(/** @type {Element} */ (bar.querySelector('span')), text ?? '', ...more); };
  let waiting = 0;
  const queued = () => (waiting ? ` ${t('offline.waiting', { n: waiting })}` : '');
  connection.addEventListener('waiting', (event) => { waiting = /** @type {CustomEvent} */ (event).detail; });
  connection.addEventListener('change', (event) => {
    const { lost, since } = /** @type {CustomEvent} */ (event).detail;
    show(lost ? t('offline.since', { time: clock(since) }) + queued() : null);
    if (!lost) toast(t('offline.back'));
  });
  connection.addEventListener('ended', () => show(t('session.ended') + ' ', h('a', { href: '/masuk' }, t('session.again'))));
  addEventListener('offline', () => show(t('offline.now') + queued()));
  addEventListener('online', () => show(null));
}

/** Whether a key counts as a single one: where nobody types, and unless they are switched off (WCAG 2.1.4). @param {KeyboardEvent} event */
export function single(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(/** @type {Element} */ (event.target).tagName);
  return !(typing || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(KEYS) === 'off' || $('dialog[open]'));
}

function keys() {
  const box = /** @type {HTMLInputElement | null} */ ($('#keys-on'));
  if (!box) return;
  box.checked = localStorage.getItem(KEYS) !== 'off';
  box.addEventListener('change', () => localStorage.setItem(KEYS, box.checked ? 'on' : 'off'));
  addEventListener('keydown', (event) => {
    if (!single(event)) return;
    if (event.key === '/') { const search = $('[data-search]'); if (search) { event.preventDefault(); search.focus(); } }
    if (event.key === 'j' || event.key === 'k') step(event.key === 'j' ? 1 : -1);
    if (event.key === '?') /** @type {HTMLDialogElement} */ (the('keys')).showModal();
  });
}

/** @param {number} by */
function step(by) {
  const rows = $$('tr.row a.go');
  const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

account();
offline();
keys();
const printed = $('#printed');
if (printed) addEventListener('beforeprint', () => { printed.dataset.said ??= printed.textContent ?? ''; fill(printed, `${printed.dataset.said} · ${instant(Date.now())}`); });
