// The report of one day on one page: for print, and as a picture that is shared by messenger.
// @ts-check
import { ask } from './api.js';
import { chart } from './chart.js';
import { fill, h, the } from './dom.js';
import { filters } from './filters.js';
import { note, words } from './frame.js';
import { picture } from './picture.js';
import { choices, departure, everybody, figures, pairs, perDay } from './ringkasan-parts.js';
import { day, instant, isoDay, number, share, shortDay, t } from './words.js';

const NAMES = /** @type {const} */ (['day', 'organizer', 'direction', 'service']);
const DAY_MS = 86400000;
const DAYS = 14;
const SHOWN_ORGANIZERS = 10, SHOWN_PAIRS = 6;
const COUNTS = 'registered verified departed forfeited cancelled noShow';
const REPORT = `query Laporan($on: StatisticsFilter, $before: StatisticsFilter, $until: StatisticsFilter, $fortnight: StatisticsFilter) {
  on: statistics(where: $on) { season asOf duplicates total { ${COUNTS} } byOrganizer { organizer { code name } counts { ${COUNTS} } } duplicatePairs(first: 50) { holder { code name } claimant { code name } refused } }
  before: statistics(where: $before) { duplicates total { ${COUNTS} } byOrganizer { organizer { code } counts { ${COUNTS} } } }
  until: statistics(where: $until) {
    total { quota remaining } funnel { registered verified waiting } byOrganizer { organizer { code name } counts { ${COUNTS} remaining } }
    routeFill { fullest { route { name departsAt } counts { quota remaining } } }
  }
  fortnight: statistics(where: $fortnight) { byDay { day counts { ${COUNTS} } } }
}`;

/** @typedef {Record<string, any>} Data */
/** Noon of a day in WIB. @param {string} date */
const noon = (date) => Date.parse(`${date}T12:00:00+07:00`);
/** @param {string} date @param {number} by */
const moved = (date, by) => isoDay(noon(date) + by * DAY_MS);

let round = 0;

async function load() {
  const { day: chosen, ...where } = form.chosen(), today = isoDay(Date.now()), date = chosen ?? today, mine = ++round;
  leading(date, today);
  const stretch = (/** @type {string | undefined} */ from, /** @type {string} */ to) => ({ ...where, ...(from ? { from } : {}), to });
  try {
    const data = await ask(REPORT, { on: stretch(date, date), before: stretch(moved(date, -1), moved(date, -1)), until: stretch(undefined, date), fortnight: stretch(moved(date, 1 - DAYS), date) });
    if (mine !== round) return;
    fill(the('trouble'));
    draw(data, date, where);
  } catch (error) {
    fill(the('trouble'), note('bad', words(error), t('error.figures')));
  }
}

/** The days beside this one, with the same filters. @param {string} date @param {string} today */
function leading(date, today) {
  for (const [id, by] of /** @type {const} */ ([['before', -1], ['after', 1]])) {
    const query = new URLSearchParams(location.search);
    query.set('day', moved(date, by));
    const link = /** @type {HTMLAnchorElement} */ (the(id));
    link.href = `?${query}`;
    link.hidden = by > 0 && date >= today;
  }
}

/** @param {Data} data @param {string} date @param {Record<string, string>} where */
function draw({ on, before, until, fortnight }, date, where) {
  choices(until, where);
  form.put();
  /** @type {HTMLInputElement} */ (the('f-day')).value = date;
  fill(the('title'), t('laporan.of', { day: day(noon(date)) }));
  fill(the('sub'), t('season', { year: on.season }));
  fill(the('sheet-title'), t('laporan.sheet', { day: day(noon(date)) }));
  fill(the('sheet-sub'), said(where, on.season));
  fill(the('sheet-foot'), t('laporan.foot', { at: instant(on.asOf) }));
  tiles(on, before, until);
  perDay('fortnight', fortnight.byDay, shortDay(noon(date)));
  organizers(on, before, until);
  chart(the('full'), [t('taken'), t('quota')], until.routeFill.fullest.map((/** @type {Data} */ { route, counts }) => ({ label: departure(route), values: [counts.quota - counts.remaining, counts.quota] })));
  pairs('overlaps', on.duplicatePairs, SHOWN_PAIRS);
}

/** What is chosen, in words. @param {Record<string, string>} where @param {number} year */
function said({ organizer, direction, service }, year) {
  const select = /** @type {HTMLSelectElement} */ (the('f-organizer'));
  const name = organizer ? select.selectedOptions[0]?.textContent ?? organizer : t('laporan.everybody');
  return [t('season', { year }), name, direction && t(direction), service && t(service)].filter(Boolean).join(' · ');
}

/** @param {Data} on @param {Data} before @param {Data} until */
function tiles(on, before, until) {
  const { funnel, total } = until;
  /** @type {Record<string, string>} */
  const texts = {
    day: number(everybody(on.total)), dayOf: t('laporan.day.before', { n: number(everybody(before.total)) }),
    everybody: number(funnel.registered), everybodyOf: t('tile.organizers', { n: number(until.byOrganizer.length) }),
    verified: number(funnel.verified), verifiedOf: funnel.registered ? t('tile.of.everybody', { share: share(funnel.verified / funnel.registered) }) : '–',
    waiting: number(funnel.waiting), waitingOf: t('laporan.now'),
    seats: number(total.remaining), seatsOf: total.quota === null ? t('tile.unlimited') : t('tile.of.seats', { n: number(total.quota) }),
    duplicates: number(on.duplicates), duplicatesOf: t('laporan.day.before', { n: number(before.duplicates) }),
  };
  figures(texts);
}

/** Those who registered most on the day; the others together. @param {Data} on @param {Data} before @param {Data} until */
function organizers(on, before, until) {
  const of = (/** @type {Data} */ figures, /** @type {string} */ code) => { const found = figures.byOrganizer.find((/** @type {Data} */ one) => one.organizer.code === code); return found ? everybody(found.counts) : 0; };
  const rows = until.byOrganizer.map((/** @type {Data} */ { organizer, counts }) => ({ name: organizer.name, on: of(on, organizer.code), before: of(before, organizer.code), until: everybody(counts), left: counts.remaining }))
    .sort((/** @type {Data} */ a, /** @type {Data} */ b) => b.on - a.on || b.until - a.until);
  const rest = rows.splice(rows.length > SHOWN_ORGANIZERS + 1 ? SHOWN_ORGANIZERS : rows.length);
  const sum = (/** @type {string} */ key) => rest.reduce((/** @type {number | null} */ all, /** @type {Data} */ one) => (one[key] === null ? all : (all ?? 0) + one[key]), null);
  if (rest.length) rows.push({ name: t('laporan.rest', { n: number(rest.length) }), on: sum('on'), before: sum('before'), until: sum('until'), left: sum('left') });
  fill(the('by'), ...rows.map((/** @type {Data} */ row) => h('tr', {}, h('th', { scope: 'row' }, row.name), ...[row.on, row.before, row.until, row.left].map((n) => h('td', { class: 'n' }, number(n))))));
}

the('print').addEventListener('click', () => print());
the('picture').addEventListener('click', () => picture(the('report'), `laporan-${form.chosen().day ?? isoDay(Date.now())}`));
const form = filters(NAMES, load);
await load();
