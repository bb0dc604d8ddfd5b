// What a finished import did, or would do: five counts over one bar, why rows were refused, who is missing, and what may be done now.
// @ts-check
import { ask } from './api.js';
import { askOnce, confirmed } from './asking.js';
import { fill, h, icon, svg, the } from './dom.js';
import { note, toast, words } from './frame.js';
import { chip } from './people.js';
import { download } from './saving.js';
import { hideRows, showRows } from './unggah-rows.js';
import { clock, instant, number, share, shortDay, t } from './words.js';

/** The five results, each with its colour in the bar. */
const RESULTS = /** @type {const} */ ([['NEW', 'new', 'f1'], ['UPDATED', 'updated', 'f8'], ['UNCHANGED', 'unchanged', 'before2'], ['STALE', 'stale', 'f6'], ['REFUSED', 'refused', 'rej']]);
const MISSING_ROWS = 25;
const SEND = 'mutation Kirim($id: ID!, $evenThough: Boolean!) { importAsTried(jobId: $id, evenThough: $evenThough) { id } }';
const CANCEL = 'mutation BatalkanYangTidakAda($id: ID!, $evenThough: Boolean!) { cancelMissing(jobId: $id, evenThough: $evenThough) { id } }';
const MISSING = `query TidakAda($id: ID!, $after: String) {
  importJob(id: $id) { missingRegistrants(first: ${MISSING_ROWS}, after: $after) {
    nodes { id reference status cancelledAt organizer { name } } pageInfo { hasNextPage endCursor }
  } }
}`;

/** @typedef {Record<string, any>} Job */
/** @typedef {{again: () => void, went: (id: string) => void}} Next */

/** Takes back what was shown of another import. */
export function forget() {
  hideRows();
  the('missing-panel').hidden = true;
  fill(the('job-title'), t('job.title'));
  fill(the('job-sub'), t('job.first'));
}

/** @param {Job} job @param {Next} next */
export function draw(job, next) {
  const rows = RESULTS.reduce((sum, [, key]) => sum + job[key], 0);
  fill(the('job-title'), t(job.dryRun ? 'job.title' : 'job.done'));
  fill(the('job-sub'), said(job, rows));
  fill(the('job'), failure(job), unread(job), rows ? bar(job, rows) : null, rows ? tiles(job, rows) : null, job.unchanged + job.updated ? h('p', { class: 'more' }, h('a', { href: '#rows-panel', 'data-result': 'DIFFERS' }, t('rows.differ'))) : null, actions(job, next));
  if (rows) showRows(job, rows);
  if (job.missing !== null) missing(job, next);
}

/** @param {Job} job @param {number} rows */
function said(job, rows) {
  const took = Math.max(1, Math.round((Date.parse(job.finishedAt) - Date.parse(job.createdAt)) / 1000));
  const values = { n: number(rows), at: instant(job.finishedAt), seconds: number(took) };
  if (job.state === 'FAILED' && !rows) return t('job.said.none', values);
  return t(job.dryRun ? 'job.said.tried' : 'job.said.sent', values);
}

/** @param {Job} job */
function failure(job) {
  if (!job.failure) return null;
  if (job.failure.code === 'TOO_MANY_MOVES') return note('warn', t('job.moves'), t('job.moves.help'));
  const template = h('a', { class: 'btn small act', href: '/template.xlsx', download: true }, t('unggah.template'));
  const ofFile = /^(FILE|HEADER|COLUMN)_/.test(job.failure.code);
  return note('bad', job.failure.message, ofFile ? t('job.failed.file') : t('job.failed'), ofFile ? template : undefined);
}

/** @param {Job} job */
function unread(job) {
  const sheets = job.unreadSheets.map((/** @type {any} */ one) => t('unread.sheet', { name: one.name, n: number(one.rows) }));
  if (job.unreadRows && job.missing !== null) sheets.push(t('unread.rows', { n: number(job.unreadRows) }));
  return sheets.length ? note('warn', t('unread'), sheets.join(' ')) : null;
}

/** @param {Job} job @param {number} rows */
function bar(job, rows) {
  const plot = svg('svg', { class: 'share', viewBox: `0 0 ${rows} 10`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  let x = 0;
  for (const [, key, colour] of RESULTS) {
    plot.append(svg('rect', { class: colour, x, width: job[key], height: 10 }));
    x += job[key];
  }
  return plot;
}

/** Each count leads to its rows. @param {Job} job @param {number} rows */
const tiles = (job, rows) => h('div', { class: 'tiles five', id: 'hasil' }, ...RESULTS.map(([result, key, colour]) => {
  const tone = result === 'REFUSED' && job.refused ? 'delta bad' : 'delta';
  const delta = result === 'REFUSED' && job.refused ? t('result.REFUSED.share', { share: share(job.refused / rows) }) : t(`result.${result}.${job.dryRun ? 'tried' : 'done'}`);
  const swatch = svg('svg', { viewBox: '0 0 12 12', 'aria-hidden': 'true' }, svg('rect', { class: colour, width: 12, height: 12, rx: 2 }));
  return h('a', { class: 'tile', href: '#rows-panel', 'data-result': result }, h('span', { class: 'label' }, swatch, t(`result.${result}`)), h('span', { class: 'figure', 'data-count': key }, number(job[key])), h('span', { class: tone }, delta));
}));

/** @param {Job} job @param {Next} next */
function actions(job, next) {
  const parts = [];
  const sends = job.new + job.updated, missing = job.missing ?? 0, moves = job.failure?.code === 'TOO_MANY_MOVES';
  if (job.dryRun && (sends || missing) && (job.state === 'DONE' || moves)) {
    const button = h('button', { class: 'btn primary', type: 'button', id: 'send' }, sends ? t('send.button', { n: number(sends) }) : t('send.list'));
    button.addEventListener('click', () => send(job, next, moves));
    parts.push(button);
  }
  if (job.resultPath) {
    const button = h('button', { class: 'btn', type: 'button', id: 'result' }, icon('download'), t('result.download'));
    button.addEventListener('click', () => download(job.resultPath).catch((error) => fill(the('trouble'), note('bad', words(error), t('error.again')))));
    parts.push(button);
  }
  return h('div', {}, job.dryRun && job.state === 'DONE' && !sends && !missing ? h('p', { class: 'muted more' }, t('send.nothing')) : null, h('div', { class: 'actions more' }, ...parts));
}

/** @param {Job} job @param {Next} next @param {boolean} moves */
function send(job, next, moves) {
  /** @type {[string, string][]} */
  const lines = [];
  if (job.new) lines.push(['people', t('send.new', { n: number(job.new) })]);
  if (job.updated) lines.push(['ok', t(job.changes === 'APPLY' ? 'send.changed' : 'send.updated', { n: number(job.updated) })]);
  if (job.refused) lines.push(['info', t('send.refused', { n: number(job.refused) })]);
  if (job.missing) lines.push(['people', t('send.missing', { n: number(job.missing) })]);
  lines.push(['clock', t('send.leave')]);
  askOnce({
    title: job.new + job.updated ? t('send.question', { n: number(job.new + job.updated) }) : t('send.list.question'), lines, button: t('send.yes'),
    fields: moves ? { seen: confirmed(t('send.moves')) } : {},
    act: async (_, key) => next.went((await ask(SEND, { id: job.id, evenThough: moves }, key)).importAsTried.id),
  });
}

// --- who is not in a whole list ---------------------------------------------------------------------------------------

/** @param {Job} job @param {Next} next */
async function missing(job, next) {
  the('missing-panel').hidden = false;
  fill(the('missing-title'), job.missing ? t('missing.many', { n: number(job.missing) }) : t('missing.none'));
  fill(the('missing-sub'), job.day ? t('missing.of.day', { day: shortDay(`${job.day}T12:00:00+07:00`) }) : t('missing.of.season'));
  fill(the('missing'));
  fill(the('missing-act'));
  the('missing').closest('table')?.toggleAttribute('hidden', !job.missing);
  the('missing-more').hidden = true;
  if (!job.missing) return;
  await more(job, undefined, next);
}

/** @param {Job} job @param {string | undefined} after @param {Next} next */
async function more(job, after, next) {
  const { missingRegistrants: { nodes, pageInfo } } = (await ask(MISSING, { id: job.id, after })).importJob;
  the('missing').append(...nodes.map(absentee));
  const button = the('missing-more');
  button.hidden = !pageInfo.hasNextPage;
  button.onclick = () => more(job, pageInfo.endCursor, next);
  if (after === undefined && !job.dryRun && nodes.some((/** @type {any} */ one) => !one.cancelledAt)) fill(the('missing-act'), cancelling(job, next));
}

/** @param {any} one */
const absentee = (one) => h('tr', { role: 'row', class: 'row' },
  h('th', { role: 'rowheader', scope: 'row' }, h('a', { class: 'go code', href: `/pendaftar/${one.id}` }, one.reference ?? t('missing.no.code'))),
  h('td', { role: 'cell' }, one.organizer.name),
  h('td', { role: 'cell' }, chip(one.status)),
  h('td', { role: 'cell' }, one.cancelledAt ? t('missing.cancelled', { at: `${shortDay(one.cancelledAt)} ${clock(one.cancelledAt)}` }) : t('missing.stays')));

/** @param {Job} job @param {Next} next */
function cancelling(job, next) {
  const partly = job.unreadSheets.length > 0 || job.unreadRows > 0;
  const button = h('button', { class: 'btn quiet-danger', type: 'button', id: 'cancel-missing' }, t('missing.cancel'));
  button.addEventListener('click', () => askOnce({
    title: t('missing.question', { n: number(job.missing) }), button: t('missing.yes'), danger: true,
    lines: [['people', t('missing.seats')], ['info', t('missing.as.found')], ['ok', t('missing.again')]],
    fields: partly ? { seen: confirmed(t('missing.partly')) } : {},
    act: async (_, key) => { await ask(CANCEL, { id: job.id, evenThough: partly }, key); toast(t('missing.done')); next.again(); },
  }));
  return h('p', { class: 'actions' }, button);
}
