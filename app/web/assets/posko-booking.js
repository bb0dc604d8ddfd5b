// One booking at a gate: one way of it at a time, who is here, and two taps to verify or depart them.
// @ts-check
import { now } from './api.js';
import { button, fill, h, icon, patch, the } from './dom.js';
import { note, toast, words } from './frame.js';
import { chip } from './people.js';
import { grouped, people } from './posko-queue.js';
import { add, latest, reasons, UNDO_MS, undo } from './queue.js';
import { clock, instant, shortDay, t } from './words.js';

/** @typedef {{code: string | null, at: number, registrants: any[]}} Opened as the registry told it, and when */

const HOLDS = new Set(['REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW']);
const EARLIEST_MS = 24 * 3600000;
/** A way is the one of today until so long after it has left. */
const OF_TODAY_MS = 12 * 3600000;

/** Of each person and way, the registration that stands, else the last one. @param {any[]} registrants @returns {Map<string, any[]>} */
export function ways(registrants) {
  /** @type {Map<string, any>} */
  const standing = new Map();
  for (const one of registrants) {
    const person = `${one.direction} ${one.service} ${one.nik}`, before = standing.get(person);
    if (!before || HOLDS.has(one.status) || !HOLDS.has(before.status)) standing.set(person, one);
  }
  return grouped(standing.values(), (one) => `${one.direction} ${one.service}`);
}

/** The way that leaves next, or has just left. @param {Map<string, any[]>} all */
export function ofToday(all) {
  const leaves = ([, [one]] = /** @type {[string, any[]]} */ (['', []])) => (one.route.departsAt ? Date.parse(one.route.departsAt) : Infinity);
  const sorted = [...all].sort((a, b) => leaves(a) - leaves(b));
  return (sorted.find((way) => leaves(way) > now() - OF_TODAY_MS) ?? sorted.at(-1))?.[0] ?? '';
}

/** Whom a button is for stands in the button: a booking that is drawn again keeps what looks the same. @param {any[]} some */
const ids = (some) => some.map((one) => one.id).join(' ');

/** Where somebody stands, with what this phone has done and not told yet. @param {any} one */
export function standing(one) {
  const act = latest(one.id);
  const pending = act?.state === 'waiting';
  const status = pending ? (act.kind === 'verify' ? 'VERIFIED' : 'DEPARTED') : one.status;
  return { status, pending, refused: act?.state === 'refused' ? reasons.get(act.no) ?? t('queue.why') : null };
}

/** What may be done with somebody now. @param {any} one @returns {'verify' | 'depart' | null} */
export function may(one) {
  const { status } = standing(one);
  if (status === 'REGISTERED') return 'verify';
  const early = one.route.departsAt && now() < Date.parse(one.route.departsAt) - EARLIEST_MS;
  const handed = !one.motorcycle || one.motorcycle.handedOverAt;
  return status === 'VERIFIED' && !early && handed ? 'depart' : null;
}

/** Who was taken off by hand, as long as the booking is open. @type {Set<string>} */
let absent = new Set();
let way = '';

/** @param {Opened} opened */
export function openBooking(opened) {
  absent = new Set();
  way = ofToday(ways(opened.registrants));
}

/** @param {Opened} opened @param {{place: () => number, next: () => void}} acting */
export function showBooking(opened, acting) {
  const all = ways(opened.registrants), here = all.get(way) ?? [];
  const focused = document.activeElement?.id;
  const redraw = () => showBooking(opened, acting);
  patch(the('booking'), head(opened, here), ...choice(all, redraw), ...notes(here), who(here, redraw), tap(here, acting));
  the('booking').hidden = false;
  if (focused) document.getElementById(focused)?.focus();
}

/** @param {Opened} opened @param {any[]} here */
function head(opened, [{ route }]) {
  return h('div', { class: 'bhead' },
    h('h2', { id: 'booking-title', class: opened.code ? 'code' : '', tabindex: -1 }, opened.code ?? t('posko.no.code')),
    route.reportBy ? h('p', { class: 'due' }, `${t('posko.report')} `, h('strong', {}, clock(route.reportBy))) : null,
    h('p', { class: 'trip' }, h('strong', {}, `${route.origin.name} → ${route.destination.name}`), h('span', {}, route.departsAt ? instant(route.departsAt) : route.name)));
}

/** @param {Map<string, any[]>} all @param {() => void} redraw */
function choice(all, redraw) {
  if (all.size < 2) return [];
  const one = ([key, [first]] = /** @type {[string, any[]]} */ (['', []])) => {
    const input = h('input', { type: 'radio', name: 'way', id: `way-${key.replace(' ', '-')}`, checked: key === way });
    input.addEventListener('change', () => { way = key; absent = new Set(); redraw(); });
    const when = first.route.departsAt ? ` · ${shortDay(first.route.departsAt)}` : '';
    return h('label', {}, input, first.service === 'MOTORCYCLE' ? `${t('MOTORCYCLE')} ${t(first.direction).toLowerCase()}` : t(first.direction), when);
  };
  return [h('fieldset', { class: 'ways' }, h('legend', { class: 'vh' }, t('posko.way')), h('div', { class: 'seg' }, ...[...all].map((way) => one(way))))];
}

/** @param {any[]} here */
function notes(here) {
  const { route } = here[0], is = (/** @type {string} */ status) => here.filter((one) => standing(one).status === status);
  const verified = is('VERIFIED'), expired = is('REGISTERED').find((one) => one.forfeitsAt && Date.parse(one.forfeitsAt) < now());
  const late = route.reportBy ? Math.floor((now() - Date.parse(route.reportBy)) / 60000) : 0;
  const opens = route.departsAt ? Date.parse(route.departsAt) - EARLIEST_MS : 0;
  return [
    expired && note('bad', t('deadline.past', { at: instant(expired.forfeitsAt) }), t('posko.expired')),
    verified.length > 0 && late > 0 && note('warn', t('posko.late', { time: late < 120 ? t('posko.minutes', { n: late }) : t('left.hours', { n: Math.floor(late / 60) }) }), t('posko.late.by', { time: clock(route.reportBy) })),
    verified.length > 0 && now() < opens && note('', t('posko.early', { at: instant(opens) }), t('posko.early.help')),
    verified.some((one) => one.motorcycle && !one.motorcycle.handedOverAt) && note('warn', t('posko.handover'), t('posko.handover.help')),
  ].filter((one) => one instanceof Node);
}

/** @param {any[]} here @param {() => void} redraw */
function who(here, redraw) {
  const open = here.filter(may), chosen = open.filter((one) => !absent.has(one.id));
  const everybody = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', id: 'everybody', checked: open.length > 0 && chosen.length === open.length, disabled: !open.length, 'data-some': chosen.length > 0 && chosen.length < open.length, 'data-ids': ids(open) }));
  everybody.indeterminate = 'some' in everybody.dataset;
  everybody.addEventListener('change', () => { absent = new Set(everybody.checked ? [] : open.map((one) => one.id)); redraw(); });
  return h('fieldset', {}, h('legend', { class: 'vh' }, t('posko.who')),
    h('div', { class: 'all' }, h('label', { class: 'check' }, everybody, t('posko.everybody')), h('span', { class: 'muted' }, open.length ? t('posko.chosen', { n: chosen.length, of: open.length }) : t('posko.finished'))),
    h('ul', { class: 'people' }, ...here.map((one) => h('li', {}, person(one, redraw)))));
}

/** @param {any} one @param {() => void} redraw */
function person(one, redraw) {
  const { status, pending, refused } = standing(one), open = may(one) !== null;
  const box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', name: 'who', id: `who-${one.id}`, checked: open && !absent.has(one.id), disabled: !open }));
  box.addEventListener('change', () => { if (box.checked) absent.delete(one.id); else absent.add(one.id); redraw(); });
  return h('label', { class: open ? 'person' : 'person done' }, box, h('span', {}, h('strong', {}, one.name),
    h('span', { class: 'line2' }, chip(status), pending ? h('span', { class: 'unsent' }, t('posko.unrecorded')) : null, status === 'DEPARTED' && one.late ? h('span', {}, t('posko.was.late')) : null,
      h('span', { class: 'mask' }, h('span', { 'aria-hidden': 'true' }, '••••'), h('span', { class: 'vh' }, t('posko.nik')), one.nik.slice(-4)), !pending && one.identityDocument, one.motorcycle?.plate, one.lapInfant ? t('lap') : null),
    refused ? h('span', { class: 'line2 why' }, refused) : null));
}

/** @param {any[]} here @param {{place: () => number, next: () => void}} acting */
function tap(here, acting) {
  const chosen = here.filter((one) => !absent.has(one.id)), open = here.filter(may);
  const buttons = /** @type {const} */ (['verify', 'depart']).map((kind) => [kind, chosen.filter((one) => may(one) === kind)]).filter(([, some]) => some.length)
    .map(([kind, some], place) => button(t(`tap.${kind}`, { people: people(some.length) }), () => sure(/** @type {'verify' | 'depart'} */ (kind), /** @type {any[]} */ (some), acting), place ? 'btn big' : 'btn big primary', { id: `tap-${kind}`, 'data-ids': ids(/** @type {any[]} */ (some)) }));
  const none = h('button', { class: 'btn primary big', type: 'button', disabled: true }, t('posko.choose'));
  return h('div', { class: 'go2' }, ...(buttons.length ? buttons : [open.length ? none : button(t('posko.next'), acting.next, 'btn big primary', { id: 'tap-next' })]));
}

/** The second tap: what it says, and until when it can be undone. @param {'verify' | 'depart'} kind @param {any[]} some @param {{place: () => number, next: () => void}} acting */
function sure(kind, some, acting) {
  const dialog = /** @type {HTMLDialogElement} */ (the('sure')), time = clock(now()), { reportBy } = some[0].route;
  const late = reportBy && now() > Date.parse(reportBy);
  const told = kind === 'verify' ? [['ok', t('sure.verified', { time })], ['route', t('verify.both')]] : [['bus', t(late ? 'sure.departed.late' : 'sure.departed', { time })]];
  const yes = button(t(`yes.${kind}`), async () => { dialog.close(); await act(kind, some, acting); }, 'btn big primary', { id: 'sure-yes' });
  const no = h('button', { class: 'btn big', type: 'button', 'data-close': true }, t('sure.no'));
  fill(dialog, h('div', {}, h('h2', { id: 'sure-title' }, t(`sure.${kind}`, { people: people(some.length) })),
    h('ul', { class: 'consequence' }, ...told.map(([sign, text]) => h('li', {}, icon(sign), text)), h('li', {}, icon('info'), t('sure.undo'))),
    h('div', { class: 'actions' }, no, yes)));
  dialog.showModal();
  yes.focus();
}

/** @param {'verify' | 'depart'} kind @param {any[]} some @param {{place: () => number}} acting */
async function act(kind, some, { place }) {
  try {
    const group = await add(kind, some.map((one) => one.id), place());
    const back = h('button', { type: 'button' }, t('queue.undo'));
    back.addEventListener('click', () => undo(group));
    toast(t(`done.${kind}`, { people: people(some.length) }), back, UNDO_MS);
  } catch (error) { fill(the('trouble'), note('bad', t('posko.no.store'), words(error))); }
  document.getElementById('tap-depart')?.focus();
  document.getElementById('tap-next')?.focus();
}
