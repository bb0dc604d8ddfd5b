// One organizer: its waves, its policy, its clients, whom it coordinates, and who changed what. Hubdat changes them in place.
// @ts-check
import { ask, now as time } from './api.js';
import { showClients } from './clients.js';
import { button, fill, h, the } from './dom.js';
import { empty, note, scopes, words } from './frame.js';
import { addMember, changeAllowance, changeOrganizer, changePolicy, POLICY, saveWave, SWITCHES, NUMBERS, told, unheard, value, withdrawWave } from './organizers.js';
import { every } from './paging.js';
import { isOpen } from './waves.js';
import { ago, clock, day, has, instant, moment, number, t } from './words.js';

const code = location.pathname.split('/').at(-1) ?? '';
const admin = scopes.includes('hubdat:admin');
const ONE = `query SatuPenyelenggara($code: ID!) {
  organizer(code: $code) {
    code name schemes lastHeardAt coordinator { code name } members { code name } nikAllowance { perDay used remaining endsAt } policy { ${POLICY.join(' ')} }
  }
  organizers { code name coordinator { code } }
  windows(organizer: $code) { id kind opensAt closesAt untilQuotaIsFull note savedAt amends endedAt }
}`;
/** Seats stand with their routes, cases and blocks on their own pages. */
const KINDS = ['POLICY_SAVED', 'ORGANIZER_SAVED', 'WINDOW_SAVED', 'WINDOW_WITHDRAWN', 'CLIENT_ISSUED', 'CLIENT_ROTATED', 'CLIENT_REVOKED', 'CLIENT_WEBHOOK_SECRET_ISSUED', 'NIK_ALLOWANCE_SET', 'NIK_ALARM_RAISED', 'SWEEP_HALTED', 'SWEEP_ALLOWED', 'STAFF_ADDED', 'STAFF_REMOVED'];
const HISTORY = `query RiwayatPenyelenggara($code: ID!, $kinds: [AdminChangeKind!], $after: String) {
  found: adminChanges(organizer: $code, kinds: $kinds, first: 200, after: $after) { nodes { at kind client person subject reason values { name from to } } pageInfo { hasNextPage endCursor } }
}`;

/** @typedef {Record<string, any>} Organizer */

async function load() {
  try {
    const { organizer, organizers, windows } = await ask(ONE, { code });
    if (!organizer) { fill(the('name'), t('one.absent')); return fill(the('trouble'), note('', t('org.absent'), t('org.absent.help'), h('a', { class: 'btn small act', href: '/penyelenggara' }, t('penyelenggara.title')))); }
    fill(the('trouble'));
    show(organizer, windows, organizers);
    if (admin) await Promise.all([showClients(code, scopes, load), history()]);
  } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
}

/** @param {Organizer} one @param {any[]} windows @param {Organizer[]} everybody */
function show(one, windows, everybody) {
  fill(the('name'), one.name);
  fill(the('about'), one.schemes.map((/** @type {string} */ name) => t(`scheme.${name}`)).join(', ') || one.code);
  fill(the('acts'), admin && button(t('org.change.open'), () => changeOrganizer(one, everybody, load), 'btn'));
  fill(the('waves-acts'), admin && button(t('waves.add.open'), () => saveWave(one, null, load)));
  fill(the('policy-acts'), admin && button(t('policy.change'), () => changePolicy(one, load)));
  waves(one, windows);
  const said = told(one.policy);
  fill(the('policy'), ...POLICY.flatMap((name) => [h('dt', {}, t(`policy.${name}`)), h('dd', {}, said[name])]));
  fill(the('facts'), ...facts(one, everybody).flatMap(([term, ...about]) => [h('dt', {}, term), h('dd', {}, ...about)]));
  for (const id of ['clients-panel', 'history-panel']) the(id).hidden = !admin;
  the('parts').hidden = false;
}

/** @param {Organizer} one @param {Organizer[]} everybody @returns {[string, ...(Node | string | null)[]][]} */
function facts(one, everybody) {
  const link = (/** @type {any} */ other) => h('a', { href: `/penyelenggara/${other.code}` }, other.name), left = one.nikAllowance;
  return [
    [t('org.code'), h('span', { class: 'code' }, one.code)],
    [t('org.heard'), one.lastHeardAt ? `${ago((time() - Date.parse(one.lastHeardAt)) / 1000)} · ${instant(one.lastHeardAt)}` : unheard(one)],
    [t('org.coordinator'), one.coordinator ? link(one.coordinator) : t('org.nobody')],
    [t('org.members'), ...(one.members.length ? [h('ul', { class: 'plain members' }, ...one.members.map((/** @type {any} */ other) => h('li', {}, link(other))))] : [h('span', { class: 'line1' }, '–')]), admin && !one.coordinator ? button(t('member.open'), () => addMember(one, everybody, load)) : null],
    ...(left ? [/** @type {[string, ...(Node | string | null)[]]} */ ([t('allowance'), t('allowance.said', { used: number(left.used), all: number(left.perDay) }), h('span', { class: 'line2' }, t('allowance.ends', { at: clock(left.endsAt) })), admin ? button(t('allowance.change'), () => changeAllowance(one, load)) : null])] : []),
    [t('org.lists'), h('a', { href: `/rute?organizer=${code}` }, t('rute.title')), ' · ', h('a', { href: `/pendaftar?organizer=${code}` }, t('pendaftar.title')), ' · ', h('a', { href: `/ringkasan?organizer=${code}` }, t('ringkasan.title'))],
  ];
}

/** @param {Organizer} one @param {any[]} windows */
function waves(one, windows) {
  const inForce = windows.filter((wave) => !wave.endedAt).sort((a, b) => Date.parse(a.opensAt) - Date.parse(b.opensAt)), before = windows.filter((wave) => wave.endedAt);
  fill(the('waves'), ...inForce.map((wave) => wavesRow(one, wave)));
  fill(the('no-waves'), inForce.length ? null : empty('clock', t('waves.none'), t(admin ? 'waves.none.help' : 'waves.none.wait')));
  fill(the('waves-before'), before.length ? h('details', { class: 'fold more' }, h('summary', {}, t('waves.before', { n: number(before.length) })), h('ul', { class: 'plain' }, ...before.map((wave) => earlier(wave, windows)))) : null);
}

/** @param {Organizer} one @param {any} wave */
function wavesRow(one, wave) {
  const now = time(), begun = Date.parse(wave.opensAt) <= now, over = wave.closesAt && Date.parse(wave.closesAt) <= now;
  const state = isOpen(wave, now) ? 'open' : over ? 'closed' : 'next';
  const acts = admin ? [button(t('waves.amend.open'), () => saveWave(one, wave, load)), !begun && button(t('waves.withdraw'), () => withdrawWave(wave, load))] : [];
  return h('tr', { role: 'row' },
    h('th', { role: 'rowheader', scope: 'row' }, t(`wave.${wave.kind}`), h('span', { class: 'line2' }, t(`wave.is.${state}`))),
    h('td', { role: 'cell', 'data-h': t('waves.from') }, at(wave.opensAt)),
    h('td', { role: 'cell', 'data-h': t('waves.to') }, wave.closesAt ? at(wave.closesAt) : t('opened.open'), wave.untilQuotaIsFull && h('span', { class: 'line2' }, t('waves.full')), saysMore(wave) && h('span', { class: 'line2' }, wave.note)),
    h('td', { role: 'cell', class: 'wide' }, acts.length ? h('div', { class: 'actions' }, ...acts) : null));
}

/** Whether the note says more than that the wave has no end. @param {any} wave */
const saysMore = ({ note: text, closesAt }) => text && (closesAt || text.toLowerCase() !== t('opened.open'));

/** @param {string} instantOf */
const at = (instantOf) => h('span', { class: 'nowrap' }, moment(instantOf));

/** @param {any} wave @param {any[]} windows */
function earlier(wave, windows) {
  const next = windows.find((one) => one.amends === wave.id);
  const range = t('waves.range', { kind: t(`wave.${wave.kind}`), from: instant(wave.opensAt), to: wave.closesAt ? instant(wave.closesAt) : t('opened.open') });
  return h('li', {}, range, h('span', { class: 'line2' }, t(next ? 'waves.was.amended' : 'waves.was.withdrawn', { at: instant(wave.endedAt) })));
}

/** Of all that was changed by people, the newest on top. */
async function history() {
  const all = await every(HISTORY, { code, kinds: KINDS });
  fill(the('history'), ...all.reverse().map(change));
  fill(the('no-history'), all.length ? null : h('p', { class: 'muted' }, t('org.history.none')));
}

/** @param {any} one */
const change = (one) => h('tr', { role: 'row' },
  h('th', { role: 'rowheader', scope: 'row', class: 'nowrap' }, moment(one.at)),
  h('td', { role: 'cell', class: 'wide' }, t(`admin.${one.kind}`), one.reason && h('span', { class: 'line2' }, one.reason)),
  h('td', { role: 'cell', class: 'wide' }, h('ul', { class: 'plain values' }, ...one.values.filter(tells).map((/** @type {any} */ each) => h('li', {}, said(each))))),
  h('td', { role: 'cell', class: 'wide' }, one.person ?? one.client ?? t('org.command')));

/** Not what stays nothing, and no id. @param {{name: string, from: string | null, to: string | null}} each */
const tells = ({ name, from, to }) => name !== 'amends' && (from !== null || to !== null);

/** From what to what. @param {{name: string, from: string | null, to: string | null}} each */
function said({ name, from, to }) {
  const policy = name in NUMBERS || SWITCHES.includes(name), label = policy ? t(`policy.${name}`) : has(`value.${name}`) ? t(`value.${name}`) : name;
  const write = (/** @type {string | null} */ one) => (policy ? value(name, one) : plain(one));
  return from === null ? `${label}: ${write(to)}` : `${label}: ${write(from)} → ${write(to)}`;
}

/** What the log holds, in words: a text, an instant, a list or yes and no. @param {string | null} one @returns {string} */
function plain(one) {
  if (one === null) return '–';
  if (/^\d{4}-\d\d-\d\dT/.test(one)) return `${day(one)}, ${clock(one)}`;
  if (one.startsWith('[')) return JSON.parse(one).map(plain).join(', ') || '–';
  if (one === 'true' || one === 'false') return t(one === 'true' ? 'policy.on' : 'policy.off');
  const word = ['wave', 'scheme', 'scope', 'role'].map((kind) => `${kind}.${one}`).find(has);
  return word ? t(word) : one;
}

await load();
