// All that is held on one NIK, for the person it belongs to: asked with a purpose, shown, saved as JSON, printed.
// The NIK stays in the field; it stands in no address, title, storage or history.
// @ts-check
import { ask } from './api.js';
import { refusal } from './asking.js';
import { fill, h, icon, the } from './dom.js';
import { empty } from './frame.js';
import { chip, departure, named } from './people.js';
import { save } from './saving.js';
import { instant, isoDay, moment, number, shortDay, t } from './words.js';

const LOOKS = 50;
const PERSON = 'id nik name season direction service status registeredAt reference organizer { code name } route { name departsAt }';
const HELD = `query SemuaAtasNik($nik: NIK!, $purpose: String!) { heldOnNik(nik: $nik, purpose: $purpose) {
  registrants { ${PERSON} verifyBy identityDocument } booked { ${PERSON} }
  claims { name attempts refused firstAt lastAt state decidedAt reason season direction service organizer { code name } holder { code name } }
  blocks { reason fromSeason untilSeason since liftedAt liftReason organizer { code name } }
  earlyEnds { season direction service status reference registeredAt toldAt organizer { code name } }
  files { id cameAt finishedAt organizer { code name } }
  accesses { at client person purpose what outcome reason organizer { code name } }
} }`;

/** @typedef {Record<string, any>} Held */
/** What was told last: it is saved and printed without being asked for again. @type {{held: Held, at: number} | null} */
let last = null;
let shown = LOOKS;

the('ask').addEventListener('submit', async (event) => {
  event.preventDefault();
  const nik = /** @type {HTMLInputElement} */ (the('nik')), purpose = /** @type {HTMLInputElement} */ (the('purpose'));
  const send = /** @type {HTMLButtonElement} */ (the('look'));
  clear();
  // Each look is written down; and an answer that comes late is not shown beside another NIK.
  send.disabled = true;
  try {
    const held = (await ask(HELD, { nik: nik.value.replace(/[ .-]/g, ''), purpose: purpose.value.trim() })).heldOnNik;
    last = { held, at: Date.now() };
    show(held);
  } catch (error) { fill(the('trouble'), refusal(error, 'error.again')); }
  send.disabled = false;
});

/** Nothing of the person before stays on the page. */
function clear() {
  last = null;
  shown = LOOKS;
  for (const id of ['registrants', 'blocks', 'looks', 'other', 'trouble']) fill(the(id));
  for (const id of ['found', 'acts']) the(id).hidden = true;
  the('nothing').hidden = false;
}

/** @param {Held} held */
function show(held) {
  const standing = held.blocks.filter((/** @type {any} */ one) => !one.liftedAt);
  fill(the('said'), t('telusuri.said', { at: instant(Date.now()) }));
  fill(the('registrants-sub'), t('telusuri.registrants.sub', { n: number(held.registrants.length) }));
  fill(the('registrants'), ...held.registrants.map(registrant));
  fill(the('no-registrants'), held.registrants.length ? null : empty('people', t('telusuri.nobody'), t('telusuri.nobody.help')));
  fill(the('blocks-sub'), t(standing.length ? 'telusuri.blocked' : 'telusuri.free'));
  fill(the('blocks'), ...held.blocks.map(block));
  looks();
  fill(the('other'), ...other(held).flatMap(([term, ...values]) => [h('dt', {}, term), h('dd', {}, ...values)]));
  for (const id of ['found', 'acts']) the(id).hidden = false;
  the('nothing').hidden = true;
  the('found').focus();
}

/** @param {any} one */
const registrant = (one) => h('tr', { role: 'row', class: 'row' },
  h('th', { role: 'rowheader', scope: 'row', class: 'wide' }, h('a', { class: 'go', href: `/pendaftar/${one.id}` }, named(one.name)), h('span', { class: 'line2' }, one.reference ?? t('posko.no.code'))),
  h('td', { role: 'cell', class: 'wide' }, departure(one.route), h('span', { class: 'line2' }, `${one.organizer.name} · ${t(`way.${one.direction}`)} · ${t(one.service)}`)),
  h('td', { role: 'cell' }, chip(one.status)),
  h('td', { role: 'cell', class: 'n' }, moment(one.registeredAt), h('span', { class: 'line2' }, t('season', { year: one.season }))));

/** @param {any} one */
const block = (one) => h('li', { class: one.liftedAt ? 'sent' : 'bad' }, icon(one.liftedAt ? 'ok' : 'block'), h('span', {}, h('strong', {}, one.reason),
  h('span', { class: 'line2' }, t('telusuri.block', { name: one.organizer.name, at: shortDay(one.since), from: one.fromSeason, to: one.untilSeason })),
  one.liftedAt && h('span', { class: 'line2' }, t('telusuri.lifted', { at: shortDay(one.liftedAt), reason: one.liftReason ?? '–' }))));

function looks() {
  const all = last?.held.accesses ?? [];
  fill(the('looks'), ...all.slice(0, shown).map(look));
  fill(the('no-looks'), all.length ? null : h('p', { class: 'muted' }, t('telusuri.looks.none')));
  the('looks-more').hidden = all.length <= shown;
}

/** @param {any} one */
const look = (one) => h('tr', { role: 'row' },
  h('th', { role: 'rowheader', scope: 'row', class: 'nowrap' }, moment(one.at)),
  h('td', { role: 'cell', class: 'wide' }, one.organizer.name, h('span', { class: `line2 ${one.person ? 'long' : 'code'}` }, one.person ?? one.client)),
  h('td', { role: 'cell', class: 'wide' }, t(`look.${one.purpose}`), one.outcome && ` · ${t(`nik.${one.outcome}`)}`, (one.reason ?? one.what) && h('span', { class: 'line2' }, one.reason ?? one.what)));

/** What is held beside registrations and blocks. @param {Held} held @returns {[string, ...(Node | string)[]][]} */
function other(held) {
  const lines = (/** @type {string[]} */ said) => (said.length ? said.map((line) => h('span', { class: 'line1' }, line)) : ['–']);
  return [
    [t('telusuri.booked'), ...lines(held.booked.map((/** @type {any} */ one) => t('telusuri.booked.one', { route: one.route.name, name: one.organizer.name })))],
    [t('telusuri.claims'), ...lines(held.claims.map((/** @type {any} */ one) => t('telusuri.claim', { name: one.organizer.name, as: one.name ?? '–', at: shortDay(one.lastAt), state: t(`case.${one.state}`) })))],
    [t('telusuri.ends'), ...lines(held.earlyEnds.map((/** @type {any} */ one) => t('telusuri.end', { name: one.organizer.name, status: t(`status.${one.status}`), at: shortDay(one.toldAt) })))],
    [t('telusuri.files'), ...lines(held.files.map((/** @type {any} */ one) => t('telusuri.file', { name: one.organizer.name, at: shortDay(one.cameAt) })))],
  ];
}

the('looks-more').addEventListener('click', () => { shown += LOOKS; looks(); });
the('print').addEventListener('click', () => { shown = Infinity; looks(); print(); });
the('json').addEventListener('click', () => { if (last) save(new Blob([JSON.stringify(last.held, null, 2)], { type: 'application/json' }), `pemudik-data-pribadi-${isoDay(last.at)}.json`); });
