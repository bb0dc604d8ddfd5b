// An organizer's clients: who they are, what they may do, when they were last here; issued, rotated, revoked. A secret is shown once.
// @ts-check
import { ask, now } from './api.js';
import { askOnce, check } from './asking.js';
import { button, fill, h, icon, the } from './dom.js';
import { copies, empty, toast } from './frame.js';
import { ago, instant, shortDay, t } from './words.js';

const CLIENTS = 'query Klien($organizer: ID) { clients(organizer: $organizer) { id scopes issuedAt revokedAt lastUsedAt } }';
const ISSUE = 'mutation TerbitkanKlien($organizer: ID!, $scopes: [String!]!) { made: issueClient(organizer: $organizer, scopes: $scopes) { secret client { id } } }';
const ROTATE = 'mutation GantiRahasia($id: ID!) { made: rotateClientSecret(id: $id) { secret client { id } } }';
const SIGN = 'mutation RahasiaWebhook($id: ID!) { made: issueWebhookSecret(clientId: $id) { secret client { id } } }';
const REVOKE = 'mutation CabutKlien($id: ID!) { revokeClient(id: $id) { id } }';
/** What a client of an organizer may be given. */
const SCOPES = ['nik:check', 'registrants:write', 'registrants:read', 'routes:write', 'posko:act', 'federation:read'];
const OF_HUBDAT = ['dashboard:read', 'hubdat:admin'];

/** @param {string} organizer @param {readonly string[]} mayGive the scopes that may be given to a new client @param {() => Promise<unknown>} again shows what has become of them */
export async function showClients(organizer, mayGive, again) {
  /** @type {any[]} */
  const found = (await ask(CLIENTS, { organizer })).clients;
  fill(the('clients'), ...[...found].sort((a, b) => Number(Boolean(a.revokedAt)) - Number(Boolean(b.revokedAt))).map((one) => row(one, mayGive, again)));
  fill(the('no-clients'), found.length ? null : empty('plug', t('clients.none'), t('clients.none.help')));
  fill(the('clients-acts'), button(t('client.issue'), () => issuing(organizer, mayGive, again)));
}

/** @param {any} one @param {readonly string[]} mayGive @param {() => Promise<unknown>} again */
function row(one, mayGive, again) {
  const beyond = !one.scopes.every((/** @type {string} */ scope) => mayGive.includes(scope));
  const acting = (/** @type {string} */ name, /** @type {(one: any, again: () => Promise<unknown>) => unknown} */ act) => button(t(`client.${name}`), () => act(one, again), 'btn small', { 'aria-label': `${t(`client.${name}`)} ${one.id}` });
  const acts = one.revokedAt || beyond ? [] : [acting('rotate', rotating), acting('sign', signing), acting('revoke', revoking)];
  const used = one.lastUsedAt ? ago((now() - Date.parse(one.lastUsedAt)) / 1000) : t('client.unused');
  return h('tr', { role: 'row' },
    h('th', { role: 'rowheader', scope: 'row', class: 'wide' }, h('span', { class: 'code' }, one.id), h('span', { class: 'line2' }, t('client.issued', { day: shortDay(one.issuedAt) }))),
    h('td', { role: 'cell', class: 'wide' }, one.scopes.map((/** @type {string} */ scope) => t(`scope.${scope}`)).join(', ')),
    h('td', { role: 'cell', class: 'wide' }, one.revokedAt ? h('span', { class: 'muted' }, t('client.revoked', { at: instant(one.revokedAt) })) : used),
    h('td', { role: 'cell', class: 'wide' }, acts.length ? h('div', { class: 'actions' }, ...acts) : !one.revokedAt && h('span', { class: 'muted' }, t('client.beyond'))));
}

/** @param {string} organizer @param {readonly string[]} mayGive @param {() => Promise<unknown>} again */
function issuing(organizer, mayGive, again) {
  const offered = [...SCOPES, ...(organizer === 'hubdat' ? OF_HUBDAT : [])].filter((scope) => mayGive.includes(scope));
  const boxes = Object.fromEntries(offered.map((scope) => [scope, check(t(`scope.${scope}`), false, scope)]));
  askOnce({
    title: t('client.issue.question'), button: t('client.issue'), fields: boxes, lines: [['info', t('client.issue.help')], ['eye', t('client.once')]],
    act: async (given, key) => shown(await ask(ISSUE, { organizer, scopes: offered.filter((scope) => given[scope]) }, key), again),
  });
}

/** @param {any} one @param {() => Promise<unknown>} again */
const rotating = (one, again) => askOnce({
  title: t('client.rotate.question', { id: one.id }), button: t('client.rotate'), lines: [['ok', t('client.rotate.help')], ['eye', t('client.once')]],
  act: async (_, key) => shown(await ask(ROTATE, { id: one.id }, key), again),
});

/** @param {any} one @param {() => Promise<unknown>} again */
const signing = (one, again) => askOnce({
  title: t('client.sign.question', { id: one.id }), button: t('client.sign'), lines: [['warn', t('client.sign.help')], ['eye', t('client.once')]],
  act: async (_, key) => shown(await ask(SIGN, { id: one.id }, key), again),
});

/** @param {any} one @param {() => Promise<unknown>} again */
const revoking = (one, again) => askOnce({
  title: t('client.revoke.question', { id: one.id }), button: t('client.revoke'), danger: true, lines: [['no', t('client.revoke.help')], ['info', t('client.revoke.final')]],
  act: async (_, key) => { await ask(REVOKE, { id: one.id }, key); toast(t('client.revoke.done')); await again(); },
});

/** @param {{made: {secret: string, client: {id: string}}}} answer @param {() => Promise<unknown>} again */
async function shown({ made }, again) {
  secret(made.client.id, made.secret);
  await again();
}

/** Shown until the dialog is closed, and nowhere else. @param {string} id @param {string} text @param {string} [whose] what the id is called */
export function secret(id, text, whose = 'client_id') {
  const copy = h('button', { class: 'btn', type: 'button' }, icon('copy'), t('secret.copy'));
  const place = h('code', { class: 'secret', tabindex: '0' }, text);
  const dialog = /** @type {HTMLDialogElement} */ (h('dialog', { 'aria-labelledby': 'secret-title', closedby: 'none' }, h('h2', { id: 'secret-title' }, t('secret.title')),
    h('p', {}, t('secret.help')), h('dl', { class: 'facts' }, h('dt', {}, whose), h('dd', { class: 'code' }, id), h('dt', {}, t('secret')), h('dd', {}, place)),
    h('div', { class: 'actions' }, copy, h('button', { class: 'btn primary', type: 'button', 'data-close': true }, t('secret.saved')))));
  copies(copy, place);
  // What is closed by mistake is lost.
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
