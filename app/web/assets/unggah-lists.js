// Past uploads, and one day as the registry holds that day, to be compared with the organizer's own list.
// @ts-check
import { ask } from './api.js';
import { fill, h, icon, the } from './dom.js';
import { empty, note } from './frame.js';
import { pager } from './paging.js';
import { day as dayInWords, isoDay, moment, number, t } from './words.js';

const ROWS = 25;
const DAY_MS = 86400000;
const JOBS = `query Unggahan($after: String) {
  importJobs(first: ${ROWS}, after: $after) {
    nodes { id state mode dryRun createdAt rowsDone new updated refused organizer { name } } pageInfo { hasNextPage endCursor }
  }
}`;
const DAY = `query Harian($date: Date!) {
  consolidation(date: $date) { standing checksum counts { status registrants } organizer { name } }
}`;
const SHAPES = /** @type {Record<string, string>} */ ({ QUEUED: 'clock', RUNNING: 'clock', DONE: 'ok', FAILED: 'no' });

/** @param {(error: unknown) => void} failed */
export async function past(failed) {
  const after = new URLSearchParams(location.search).get('after') ?? undefined;
  try {
    const { nodes, pageInfo } = (await ask(JOBS, { after })).importJobs;
    fill(the('jobs'), ...nodes.map(row));
    const start = h('a', { class: 'btn primary', href: '/unggah' }, t('past.begin'));
    fill(the('no-jobs'), nodes.length ? null : empty('upload', t('past.none'), t('past.none.help'), 'h2', start));
    fill(the('page-said'), nodes.length ? t('past.shows', { n: nodes.length }) : '');
    pager(pageInfo, Boolean(after));
  } catch (error) { failed(error); }
}

/** @param {any} one */
const row = (one) => h('tr', { role: 'row', class: 'row' },
  h('th', { role: 'rowheader', scope: 'row', class: 'wide' }, h('a', { class: 'go', href: `/unggah?${new URLSearchParams({ ...(one.mode === 'SNAPSHOT' ? { view: 'match' } : {}), job: one.id })}` }, moment(one.createdAt)), h('span', { class: 'line2' }, one.organizer.name)),
  h('td', { role: 'cell' }, t(one.dryRun ? 'past.tried' : 'past.sent'), one.mode === 'SNAPSHOT' && h('span', { class: 'line2' }, t('past.whole'))),
  h('td', { role: 'cell' }, h('span', { class: 'chip', 'data-s': one.state }, icon(SHAPES[one.state]), t(`state.${one.state}`))),
  h('td', { role: 'cell', class: 'n', 'data-h': t('past.rows') }, number(one.rowsDone)),
  h('td', { role: 'cell', class: 'n opt' }, number(one.new)), h('td', { role: 'cell', class: 'n opt' }, number(one.updated)),
  h('td', { role: 'cell', class: 'n', 'data-h': t('result.REFUSED') }, number(one.refused)));

/** Yesterday, unless the address says another day. @param {(error: unknown) => void} failed */
export async function day(failed) {
  const box = /** @type {HTMLInputElement} */ (the('f-day')), sum = /** @type {HTMLInputElement} */ (the('f-checksum'));
  const date = new URLSearchParams(location.search).get('date') ?? isoDay(Date.now() - DAY_MS);
  box.value = date;
  box.onchange = () => { if (box.value) { history.pushState(null, '', `?${new URLSearchParams({ view: 'day', date: box.value })}`); day(failed); } };
  the('of-day').onsubmit = (event) => event.preventDefault();
  try {
    const { consolidation } = await ask(DAY, { date });
    if (!consolidation) return;
    fill(the('day-title'), dayInWords(`${date}T12:00:00+07:00`));
    fill(the('counts'), ...consolidation.counts.map((/** @type {any} */ one) => h('tr', {}, h('th', { scope: 'row' }, t(`status.${one.status}`)), h('td', { class: 'n' }, number(one.registrants)))),
      h('tr', { class: 'total' }, h('th', { scope: 'row' }, t('standing')), h('td', { class: 'n' }, number(consolidation.standing))));
    fill(the('sum'), consolidation.checksum ?? '–');
    sum.oninput = () => fill(the('compared'), compared(sum.value.trim().toLowerCase(), consolidation.checksum));
    fill(the('compared'), compared(sum.value.trim().toLowerCase(), consolidation.checksum));
  } catch (error) { failed(error); }
}

/** @param {string} yours @param {string | null} ours */
function compared(yours, ours) {
  if (yours.length < 64 || !ours) return null;
  return yours === ours ? note('ok', t('day.same'), t('day.same.help')) : note('bad', t('day.differs'), t('day.differs.help'), h('a', { class: 'btn small act', href: '/unggah?view=match' }, t('unggah.match')));
}
