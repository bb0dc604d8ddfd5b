// The ministry's table: every organizer, when it registers and verifies, and when it was last heard from; and what rows
// have made that waits to be reviewed.
// @ts-check
import { ask, now as time } from './api.js';
import { fill, h, the } from './dom.js';
import { note, scopes, tab, words } from './frame.js';
import { addOrganizer, unheard } from './organizers.js';
import { provisional, showReview } from './review.js';
import { ago, number, shortDay, t } from './words.js';
import { isOpen, lastDay, opening } from './waves.js';

const ALL = `{ organizers {
  code name schemes lastHeardAt coordinator { code name } members { code } windows { opensAt closesAt } verification { from to } policy { verifyWithinDays }
} }`;

/** @typedef {Record<string, any>} Organizer */
const admin = scopes.includes('hubdat:admin');
const view = tab();
/** @type {Organizer[]} */
let everybody = [];

async function load() {
  try {
    const waiting = await provisional();
    fill(the('waiting'), waiting.length ? number(waiting.length) : '');
    if (view === 'review') await showReview(waiting, load);
    else await list();
    fill(the('trouble'));
  } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
}

async function list() {
  /** @type {{organizers: Organizer[]}} */
  const { organizers } = await ask(ALL), now = time();
  everybody = organizers;
  the('acts').hidden = !admin;
  const open = organizers.filter((one) => one.windows.some((/** @type {any} */ wave) => isOpen(wave, now)));
  fill(the('sub'), t('org.sub', { n: number(organizers.length), open: number(open.length) }));
  fill(the('organizers'), ...[...organizers].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true })).map((one) => row(one, now)));
}

/** @param {Organizer} one @param {number} now */
function row(one, now) {
  return h('tr', { role: 'row', class: 'row' },
    h('th', { role: 'rowheader', scope: 'row', class: 'wide' }, h('a', { class: 'go', href: `/penyelenggara/${one.code}` }, one.name), h('span', { class: 'line2' }, standing(one))),
    h('td', { role: 'cell', 'data-h': t('opened.window') }, opening(one.windows, now)),
    h('td', { role: 'cell', 'data-h': t('org.verification') }, verification(one.verification, now)),
    h('td', { role: 'cell', class: 'opt nowrap' }, deadline(one.policy.verifyWithinDays)),
    h('td', { role: 'cell', class: 'opt opt2' }, one.schemes.map((/** @type {string} */ name) => t(`scheme.${name}`)).join(', ')),
    h('td', { role: 'cell', class: 'wide', 'data-h': t('org.heard') }, h('span', { class: one.lastHeardAt ? 'nowrap' : 'nowrap muted' }, one.lastHeardAt ? ago((now - Date.parse(one.lastHeardAt)) / 1000) : unheard(one))));
}

/** @param {Organizer} one */
function standing(one) {
  if (one.coordinator) return t('org.coordinated', { name: one.coordinator.name });
  return one.members.length ? t('org.coordinates', { n: number(one.members.length) }) : one.code;
}

/** @param {{from: string, to: string}[]} periods @param {number} now */
function verification(periods, now) {
  const one = periods.find((period) => now < Date.parse(period.to)) ?? periods.at(-1);
  return one ? t('org.range', { from: shortDay(one.from), to: lastDay(one.to) }) : '–';
}

/** @param {number | null} days */
const deadline = (days) => (days === null ? t('policy.no.deadline') : `H+${days}`);

the(view).hidden = false;
the('add').addEventListener('click', () => addOrganizer(everybody, (code) => location.assign(`/penyelenggara/${code}`)));
await load();
