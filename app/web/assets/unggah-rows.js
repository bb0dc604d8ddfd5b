// The rows of one import with their verdicts: refused ones by reason, each reason with what to do; or those of another result.
// @ts-check
import { ask } from './api.js';
import { $$, fill, h, icon, the } from './dom.js';
import { note, words } from './frame.js';
import { has, number, t } from './words.js';

const ROWS = 25, MOST_CALLS = 20;
const LIST = `query BarisUnggahan($id: ID!, $result: RowResult, $code: String, $differing: Boolean!, $after: String) {
  importRows(jobId: $id, result: $result, code: $code, differing: $differing, first: ${ROWS}, after: $after) {
    nodes { sheet row result code explanation } pageInfo { hasNextPage endCursor }
  }
}`;
const COUNTS = /** @type {Record<string, string>} */ ({ NEW: 'new', UPDATED: 'updated', UNCHANGED: 'unchanged', STALE: 'stale', REFUSED: 'refused' });

let round = 0;
/** What the result and the reason are, in the address. */
const asked = () => { const query = new URLSearchParams(location.search); return { result: query.get('result') ?? 'REFUSED', code: query.get('reason') ?? '' }; };

export function hideRows() {
  round += 1;
  the('rows-panel').hidden = true;
}

/** @param {Record<string, any>} job @param {number} all how many rows there are */
export function showRows(job, all) {
  for (const tile of $$('[data-result]')) tile.addEventListener('click', () => { choose({ result: tile.dataset.result ?? '', reason: '' }); list(job, all); });
  const pills = the('pills');
  fill(pills, ...[['', job.refused], ...job.codes.map((/** @type {any} */ one) => [one.code, one.rows])].map(([code, n]) =>
    h('label', {}, h('input', { type: 'radio', name: 'reason', value: code }), code ? reason(code) : t('all'), h('b', {}, number(n)))));
  pills.onchange = (event) => { choose({ result: '', reason: /** @type {HTMLInputElement} */ (event.target).value }); list(job, all); };
  list(job, all);
}

/** Puts what was chosen into the address; empty is what is shown anyway. @param {Record<string, string>} given */
function choose(given) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(given)) if (value && value !== 'REFUSED') query.set(name, value); else query.delete(name);
  history.replaceState(null, '', `?${query}`);
}

/** A newer registry may know more reasons than this page. @param {string} code */
const reason = (code) => has(`reason.${code}`) ? t(`reason.${code}`) : code;

/** @param {Record<string, any>} job @param {number} all */
async function list(job, all) {
  const { result, code } = asked(), differing = result === 'DIFFERS';
  const count = differing ? all : job[COUNTS[result] ?? 'refused'], refused = !differing && !['NEW', 'UPDATED', 'UNCHANGED', 'STALE'].includes(result);
  the('rows-panel').hidden = false;
  fill(the('rows-title'), t(`rows.${COUNTS[result] || differing ? result : 'REFUSED'}`, { n: number(count), all: number(all) }));
  fill(the('rows-sub'), refused ? (code && has(`remedy.${code}`) ? t(`remedy.${code}`) : t(count ? 'rows.help' : 'rows.none')) : t(differing ? (job.changes === 'APPLY' ? 'rows.applied' : 'rows.reported') : 'rows.other'));
  the('reasons').hidden = !refused || !job.refused;
  for (const box of /** @type {HTMLInputElement[]} */ ($$('input', the('pills')))) box.checked = box.value === code;
  fill(the('rows'));
  the('rows-said').textContent = '';
  the('rows-more').hidden = true;
  the('rows').closest('table')?.toggleAttribute('hidden', !count);
  if (count) await more(job, { result: differing ? undefined : refused ? 'REFUSED' : result, code: refused && code ? code : undefined, differing }, undefined);
}

/** @param {Record<string, any>} job @param {{result: string | undefined, code: string | undefined, differing: boolean}} where @param {string | undefined} after */
async function more(job, where, after) {
  const now = ++round;
  try {
    const { found, end } = await page(job.id, where, after);
    if (now !== round) return;
    the('rows').append(...found.map(row));
    const button = the('rows-more');
    button.hidden = end === undefined;
    button.onclick = () => more(job, where, end);
    if (where.differing && !the('rows').childElementCount) return nothing();
    fill(the('rows-said'), where.differing ? '' : t('rows.shown', { n: number(the('rows').childElementCount), all: number(where.code ? job.codes.find((/** @type {any} */ one) => one.code === where.code)?.rows : job[COUNTS[where.result ?? ''] ?? 'refused']) }));
  } catch (error) {
    if (now === round) fill(the('trouble'), note('bad', words(error), t('error.again')));
  }
}

/** Nothing differs. */
function nothing() {
  the('rows').closest('table')?.toggleAttribute('hidden', true);
  fill(the('rows-said'), t('rows.same'));
}

/** One page: the registry looks through so many rows at a time, and may find none among them. @param {string} id @param {{result: string | undefined, code: string | undefined, differing: boolean}} where @param {string | undefined} after */
async function page(id, where, after) {
  /** @type {any[]} */
  const found = [];
  let end = after;
  for (let calls = 0; calls < MOST_CALLS; calls++) {
    const { nodes, pageInfo } = (await ask(LIST, { id, ...where, after: end })).importRows;
    found.push(...nodes);
    end = pageInfo.hasNextPage ? pageInfo.endCursor : undefined;
    if (end === undefined || found.length >= ROWS) break;
  }
  return { found, end };
}

/** @param {any} one */
const row = (one) => h('tr', { role: 'row' },
  h('td', { role: 'cell', class: 'n no', 'data-h': t('row') }, number(one.row), one.sheet > 1 && h('span', { class: 'line2' }, t('row.sheet', { n: one.sheet }))),
  h('th', { role: 'rowheader', scope: 'row' }, h('span', { class: 'chip', 'data-s': one.result }, icon(one.result === 'REFUSED' ? 'no' : 'ok'), one.code ? reason(one.code) : t(`result.${one.result}`))),
  h('td', { role: 'cell', class: 'wide' }, one.explanation ? h('span', { lang: 'id' }, one.explanation) : t('row.nothing')));
