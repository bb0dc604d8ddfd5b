// How the overview shows its figures. Every chart is filled from the same answer as the tiles.
// @ts-check
import { chart } from './chart.js';
import { $$, fill, h, icon, the } from './dom.js';
import { note } from './frame.js';
import { isOpen, opening } from './waves.js';
import { day, isoDay, number, share, shortDay, t } from './words.js';

const SHOWN_ORGANIZERS = 8;
const SHOWN_OPENED = 12;
/** A figure of more signs takes more room than a tile has. */
const LONGEST_FIGURE = 8;
/** In hours from now: from, up to, and the word for it. @type {[number, number, string][]} */
const DEADLINES = [[-Infinity, 6, 'deadline.6'], [6, 24, 'deadline.24'], [24, 72, 'deadline.72'], [72, 168, 'deadline.168'], [168, Infinity, 'deadline.later']];
const STATUSES = /** @type {const} */ (['registered', 'verified', 'departed', 'noShow', 'forfeited', 'cancelled']);

/** @typedef {Record<string, any>} Data */
/** @param {Data} counts */
export const everybody = (counts) => STATUSES.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
/** @param {Data} counts */
const standing = (counts) => counts.registered + counts.verified + counts.departed + counts.noShow;

/** @param {Data} data @param {Record<string, string>} where */
export function draw({ statistics, organizers }, where) {
  const now = Date.now();
  fill(the('sub'), `${day(now)} · ${t('season', { year: statistics.season })}`);
  choices(statistics, where);
  tiles(statistics, now);
  lists(where);
  const rows = opened(statistics, organizers, now);
  fill(the('opened'), ...rows.slice(0, SHOWN_OPENED).map(openedRow));
  fill(the('opened-more'), rows.length > SHOWN_OPENED && h('a', { href: '/penyelenggara' }, t('opened.more', { n: number(rows.length - SHOWN_OPENED) })));
  lead(rows, statistics, organizers.filter((/** @type {Data} */ one) => !where.organizer || one.code === where.organizer), now);
  routes(statistics.routeFill);
  pairs('pairs', statistics.duplicatePairs, SHOWN_ORGANIZERS);
  const most = [...statistics.byOrganizer].sort((a, b) => b.counts.taken - a.counts.taken).slice(0, SHOWN_ORGANIZERS);
  chart(the('organizers'), [t('taken'), t('quota')], most.map((one) => ({ label: one.organizer.name, values: [one.counts.taken, one.counts.quota] })));
  season(statistics);
}

/** The organizers that may be chosen: those of the answer, and the one that is chosen. @param {Data} statistics @param {Record<string, string>} where */
export function choices(statistics, where) {
  const select = /** @type {HTMLSelectElement} */ (the('f-organizer'));
  const known = new Set([...select.options].map((option) => option.value));
  for (const { organizer } of statistics.byOrganizer) if (!known.has(organizer.code)) select.append(h('option', { value: organizer.code }, organizer.name));
  if (where.organizer && ![...select.options].some((option) => option.value === where.organizer)) select.append(h('option', { value: where.organizer }, where.organizer));
}

/** The tiles that lead to a list lead to it with the same filters. @param {Record<string, string>} where */
function lists({ organizer, direction, service }) {
  for (const tile of /** @type {HTMLAnchorElement[]} */ ($$('[data-list]'))) {
    const given = { organizer, direction, service, status: tile.dataset.list };
    const query = new URLSearchParams(Object.entries(given).flatMap(([name, value]) => (value ? [[name, value]] : [])));
    tile.href = query.size ? `/pendaftar?${query}` : '/pendaftar';
  }
  const same = new URLSearchParams(Object.entries({ organizer, direction, service }).flatMap(([name, value]) => (value ? [[name, value]] : [])));
  /** @type {HTMLAnchorElement} */ (the('report')).href = same.size ? `/laporan?${same}` : '/laporan';
}

/** @param {Data} statistics @param {number} now */
function tiles(statistics, now) {
  const { funnel, total, byDay } = statistics;
  const of = (/** @type {number} */ at) => byDay.find((/** @type {Data} */ one) => one.day === isoDay(at));
  const today = of(now), before = of(now - 86400000);
  const soon = within(funnel.deadlines, -Infinity, 24);
  /** @type {Record<string, string>} */
  const texts = {
    today: number(today ? everybody(today.counts) : 0),
    todayOf: t('tile.yesterday', { n: number(before ? everybody(before.counts) : 0) }),
    everybody: number(funnel.registered),
    everybodyOf: t('tile.organizers', { n: number(statistics.byOrganizer.length) }),
    verified: number(funnel.verified),
    verifiedOf: funnel.registered ? t('tile.of.everybody', { share: share(funnel.verified / funnel.registered) }) : '–',
    waiting: number(funnel.waiting),
    waitingOf: t('tile.soon', { n: number(soon) }),
    seats: number(total.remaining),
    seatsOf: total.quota === null ? t('tile.unlimited') : t('tile.of.seats', { n: number(total.quota) }),
    duplicates: number(statistics.duplicates),
    duplicatesOf: t('tile.pairs', { n: number(statistics.duplicatePairs.length) }),
  };
  figures(texts);
}

/** Figures of one row have one size, also where one of them is in the millions. @param {Record<string, string>} texts */
export function figures(texts) {
  for (const place of $$('[data-figure]')) fill(place, texts[place.dataset.figure ?? '']);
  for (const row of $$('.tiles')) row.toggleAttribute('data-long', $$('.figure', row).some((one) => (one.textContent ?? '').length > LONGEST_FIGURE));
}

/** How many have a deadline in this stretch. @param {Data[]} deadlines @param {number} from @param {number} to in hours */
const within = (deadlines, from, to) => deadlines.filter((one) => one.hours !== null && one.hours >= from && one.hours < to).reduce((sum, one) => sum + one.waiting, 0);

/** @typedef {{name: string, said: string, late: boolean, open: boolean, people: number, left: number | null}} Opened */

/** Who should have sent something and has not, first; then who is open; then the others. @param {Data} statistics @param {Data[]} organizers @param {number} now @returns {Opened[]} */
function opened(statistics, organizers, now) {
  const registering = new Map(organizers.map((one) => [one.code, one.windows]));
  return statistics.byOrganizer.map((/** @type {Data} */ { organizer, counts }) => {
    const waves = registering.get(organizer.code) ?? [];
    const open = waves.some((/** @type {Data} */ one) => isOpen(one, now)), people = standing(counts);
    return { name: organizer.name, said: opening(waves, now), late: open && people === 0, open, people, left: counts.remaining };
  }).sort((/** @type {Opened} */ a, /** @type {Opened} */ b) => Number(b.late) - Number(a.late) || Number(b.open) - Number(a.open) || b.people - a.people);
}

/** @param {Opened} row */
const openedRow = (row) => h('tr', { role: 'row', class: 'row', 'data-tone': row.late ? 'bad' : null },
  h('th', { role: 'rowheader', scope: 'row', class: 'wide' }, row.name),
  h('td', { role: 'cell' }, row.late ? h('strong', { class: 'bad nowrap' }, icon('warn'), ` ${t('opened.nothing')}`) : row.said, row.late && h('span', { class: 'line2' }, row.said)),
  h('td', { role: 'cell', class: 'n', 'data-h': t('unit.people') }, number(row.people)),
  h('td', { role: 'cell', class: 'n opt' }, number(row.left)));

/** The one sentence that needs a person, if there is one. @param {Opened[]} rows @param {Data} statistics @param {Data[]} organizers @param {number} now */
function lead(rows, statistics, organizers, now) {
  const late = rows.filter((row) => row.late);
  const first = organizers.flatMap(({ name, windows }) => windows.map((/** @type {Data} */ wave) => ({ ...wave, name }))).sort((a, b) => Date.parse(a.opensAt) - Date.parse(b.opensAt))[0];
  if (late.length) return fill(the('note'), note('bad', t('lead.late', { name: late[0].name, more: late.length > 1 ? t('lead.more', { n: late.length - 1 }) : '' }), t('lead.late.help')));
  if (statistics.funnel.registered) return fill(the('note'));
  const opens = first && now < Date.parse(first.opensAt) ? t('lead.first', { name: first.name, day: day(first.opensAt) }) : t('lead.empty.help');
  fill(the('note'), note('', t('lead.empty'), opens));
}

/** @param {string} id of the chart @param {Data[]} found @param {number} most organizers that are shown */
export function pairs(id, found, most) {
  const names = new Map(found.flatMap(({ holder, claimant }) => [[holder.code, holder.name], [claimant.code, claimant.name]]));
  const codes = [...names.keys()].slice(0, most);
  const count = (/** @type {string} */ h1, /** @type {string} */ c) => (h1 === c ? null : found.find((one) => one.holder.code === h1 && one.claimant.code === c)?.refused ?? 0);
  chart(the(id), codes.map((code) => names.get(code)), codes.map((code) => ({ label: names.get(code), values: codes.map((other) => count(code, other)) })));
}

/** @param {Data} fills */
function routes({ limited, full, fullest, emptiest }) {
  const line = (/** @type {Data} */ { route, counts }) => ({ label: departure(route), values: [counts.quota - counts.remaining, counts.quota] });
  chart(the('fullest'), [t('taken'), t('quota')], fullest.map(line));
  chart(the('emptiest'), [t('taken'), t('quota')], emptiest.map(line));
  if (limited && !emptiest.length) fill(/** @type {Element} */ (the('emptiest').querySelector('.none')), t('emptiest.beside'));
  fill(the('fullest-sub'), t('fullest.sub.of', { n: number(limited), full: number(full) }));
}

/** @param {Data} route */
export const departure = (route) => (route.departsAt ? `${route.name}, ${shortDay(route.departsAt)}` : route.name);

/** Who registered on each day, by where they stand now. @param {string} id of the chart @param {Data[]} byDay @param {string} now the label that is marked */
export function perDay(id, byDay, now) {
  // A status has one colour, whichever others there are.
  const used = STATUSES.filter((status) => byDay.some((one) => one.counts[status])), shades = used.map((status) => STATUSES.indexOf(status));
  the(id).dataset.now = now;
  chart(the(id), used.map((status) => t(`count.${status}`)), byDay.map((one) => ({ label: shortDay(`${one.day}T12:00:00+07:00`), values: used.map((status) => one.counts[status]) })), shades);
}

/** @param {Data} statistics */
function season({ season: year, byDay, funnel, forecast }) {
  fill(the('era'), t('season', { year }));
  const first = byDay[0], last = byDay.at(-1);
  fill(the('era-sub'), first ? t('era.days', { from: shortDay(`${first.day}T12:00:00+07:00`), to: shortDay(`${last.day}T12:00:00+07:00`) }) : t('era.none'));
  perDay('days', byDay, '');
  const steps = /** @type {const} */ (['registered', 'verified', 'waiting', 'forfeited', 'departed']);
  chart(the('funnel'), [t('people'), t('of.all')], funnel.registered ? steps.map((name) => ({ label: t(`step.${name}`), values: [funnel[name], funnel.registered] })) : []);
  const stretches = DEADLINES.map(([from, to, word]) => ({ label: t(word), values: [within(funnel.deadlines, from, to)] }));
  const without = funnel.deadlines.find((/** @type {Data} */ one) => one.hours === null)?.waiting ?? 0;
  chart(the('deadlines'), [t('step.waiting')], funnel.waiting ? [...stretches, { label: t('deadline.none'), values: [without] }] : []);
  chart(the('forecast'), [t('empty.seats')], forecast.filter((/** @type {Data} */ one) => one.emptySeats !== null).map((/** @type {Data} */ one) => ({ label: departure(one.route), values: [one.emptySeats] })));
}
