// The overview: figures of the season, asked again every ten seconds while somebody looks, and a live ticker.
// @ts-check
import { ANEW, ask } from './api.js';
import { $, fill, the } from './dom.js';
import { filters } from './filters.js';
import { note, words } from './frame.js';
import { HALTS, showHalts } from './halts.js';
import { draw } from './ringkasan-parts.js';
import { PULSE, showPulse } from './ringkasan-pulse.js';
import { showWaiting, WAITING } from './ringkasan-waiting.js';
import { ticker } from './ticker.js';
import { ago, t } from './words.js';

const AGAIN_MS = 10000;
const LATE_SECONDS = 15;
const NAMES = /** @type {const} */ (['organizer', 'direction', 'service', 'from', 'to']);

const FIGURES = `query Ringkasan($where: StatisticsFilter) {
  statistics(where: $where) {
    season asOf duplicates
    total { registered verified departed forfeited cancelled noShow quota taken remaining }
    byOrganizer { organizer { code name } counts { registered verified departed noShow taken quota remaining } }
    byDay { day counts { registered verified departed noShow forfeited cancelled } }
    funnel { registered verified departed waiting forfeited deadlines { hours waiting } }
    forecast(first: 8, withQuota: true) { route { name departsAt } emptySeats }
    routeFill { limited full fullest { ...filled } emptiest { ...filled } }
    duplicatePairs(first: 50) { holder { code name } claimant { code name } refused }
  }
  organizers { code name windows { opensAt closesAt untilQuotaIsFull } }
  ${WAITING}
  ${HALTS}
  ${PULSE}
}
fragment filled on RouteCounts { route { name departsAt } counts { quota remaining } }`;

/** When the last answer came, by the clock of this machine. @type {number | null} */
let answered = null;
let asking = false;
let round = 0;

/** @param {Record<string, string>} [headers] */
async function load(headers) {
  if (asking) return;
  asking = true;
  const where = form.chosen();
  const mine = ++round;
  try {
    const data = await ask(FIGURES, { where }, undefined, headers);
    if (mine !== round) return;
    answered = Date.now();
    fill(the('trouble'));
    draw(data, where);
    showPulse(data.pulse, where);
    showWaiting(data.attention);
    showHalts(data.sweepHalts ?? [], () => load(ANEW));
    form.put();
  } catch (error) {
    fill(the('trouble'), note('bad', words(error), t('error.figures')));
  } finally { asking = false; tellFresh(); }
}

function tellFresh() {
  const fresh = the('fresh');
  const passed = answered === null ? null : (Date.now() - answered) / 1000;
  fresh.toggleAttribute('data-paused', document.hidden);
  fresh.toggleAttribute('data-late', passed !== null && passed > LATE_SECONDS);
  if (passed !== null) fill(fresh, t('fresh', { ago: ago(passed) }));
}

document.addEventListener('visibilitychange', () => { tellFresh(); if (!document.hidden) load(); });
addEventListener('online', () => load());
setInterval(tellFresh, 1000);
setInterval(() => { if (!document.hidden) load(); }, AGAIN_MS);

const form = filters(NAMES, () => { asking = false; load(); });
await load();
ticker(/** @type {HTMLElement} */ ($('#ticker')), (text) => fill(the('ticker-state'), text));
