// A file of rows on its way: chosen, uploaded as a dry run, looked at, sent for real, and what came of it.
// Which view and which import is looked at stands in the address. The file's name does not leave this page.
// @ts-check
import { ask, connection, Failure } from './api.js';
import { $, button, fill, the } from './dom.js';
import { empty, mine, note, tab, words } from './frame.js';
import { draw, forget } from './unggah-job.js';
import { day, past } from './unggah-lists.js';
import { instant, number, t } from './words.js';

const MEGABYTE = 1024 * 1024, MOST_BYTES = 20 * MEGABYTE;
const LOOK_AGAIN_MS = 600, WAITING_LOOK_AGAIN_MS = 5000;
const MEDIA = { csv: 'text/csv', xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' };
const JOB = `query Unggahan($id: ID!) {
  importJob(id: $id) {
    id state mode changes dryRun day rowsRead rowsDone new updated unchanged stale refused codes { code rows }
    unreadSheets { name rows } unreadRows missing failure { code message } createdAt finishedAt waitsUntil resultPath
  }
}`;

const given = () => new URLSearchParams(location.search);
/** Counts what was begun: an answer to something older is not shown. */
let round = 0;
/** The file that was chosen last, to try again. @type {File | null} */
let chosen = null;

function show() {
  const now = tab();
  the('sending').hidden = now === 'past' || now === 'day';
  the('past').hidden = now !== 'past';
  the('day').hidden = now !== 'day';
  the('of-match').hidden = now !== 'match';
  fill(the('trouble'));
  if (now === 'past') return past(failed);
  if (now === 'day') return day(failed);
  const id = given().get('job');
  if (id) return look(id);
  round += 1;
  step(1);
  forget();
  the('progress').hidden = true;
  fill(the('job'), nothing());
}

/** @param {unknown} error @param {string} [help] @param {Node} [button] */
const failed = (error, help = t('error.again'), button = undefined) => fill(the('trouble'), note('bad', words(error), help, button));

const nothing = () => empty('sheet', t('job.none'), t('job.none.help'));

/** @param {number} now from 1 */
function step(now) {
  [...the('steps').children].forEach((one, place) => {
    one.classList.toggle('done', place + 1 < now);
    if (place + 1 === now) one.setAttribute('aria-current', 'step'); else one.removeAttribute('aria-current');
    fill(/** @type {Element} */ (one.firstElementChild), place + 1 < now ? '✓' : place + 1);
  });
}

// --- the file goes up -------------------------------------------------------------------------------------------------

/** @param {File} file */
async function take(file) {
  chosen = file;
  const now = ++round;
  fill(the('trouble'));
  fill(the('file-name'), file.name);
  fill(the('file-said'), t('file.size', { size: number(Math.max(0.1, Math.round(file.size / MEGABYTE * 10) / 10)) }));
  fill(the('file-label'), t('file.other'));
  const form = new FormData(/** @type {HTMLFormElement} */ (the('how')));
  if (tab() === 'match' && form.get('scope') && !form.get('day')) return failed(new Failure(t('match.day.missing'), 'INVALID_VALUE'), t('match.day.missing.help'));
  if (file.size > MOST_BYTES) return failed(new Failure(t('file.large', { size: number(Math.round(file.size / MEGABYTE)) }), 'FILE_TOO_LARGE'), t('file.large.help'));
  forget();
  fill(the('job'));
  step(2);
  try {
    const job = await sent(file, (share) => now === round && progress(t('file.going', { share: Math.floor(share * 100) }), share));
    if (now !== round) return;
    address({ job: job.id });
    await look(job.id);
  } catch (error) {
    if (now !== round) return;
    the('progress').hidden = true;
    step(1);
    fill(the('job'), nothing());
    const again = button(t('again'), () => chosen && take(chosen), 'btn small act');
    const lost = error instanceof Failure && error.code === 'NETWORK';
    failed(error, lost ? t('file.broken.help') : t('error.nothing'), lost ? again : undefined);
  }
}

/** What the form orders, for a dry run. */
function ordered() {
  const form = new FormData(/** @type {HTMLFormElement} */ (the('how')));
  const query = new URLSearchParams({ dryRun: 'true', changes: String(form.get('changes')) });
  if (tab() !== 'match') return query;
  query.set('mode', 'SNAPSHOT');
  query.set('covers', mine);
  if (form.get('scope') === 'day') query.set('day', String(form.get('day')));
  return query;
}

/** The whole file as the body: only XMLHttpRequest tells how far it is. @param {File} file @param {(share: number) => void} told @returns {Promise<any>} */
function sent(file, told) {
  const extension = /** @type {'csv' | 'xlsx'} */ (file.name.toLowerCase().endsWith('.csv') ? 'csv' : 'xlsx');
  let share = 0;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/import?${ordered()}`);
    request.setRequestHeader('Content-Type', MEDIA[extension]);
    request.setRequestHeader('Accept-Language', document.documentElement.lang);
    request.responseType = 'json';
    request.upload.addEventListener('progress', (event) => { share = event.total ? event.loaded / event.total : 0; told(share); });
    request.addEventListener('load', () => {
      const answer = request.response;
      if (request.status === 202) return resolve(answer);
      if (request.status === 401) connection.dispatchEvent(new Event('ended'));
      reject(new Failure(answer?.error?.message ?? t('error.away'), answer?.error?.code ?? 'SERVER'));
    });
    request.addEventListener('error', () => reject(new Failure(t('file.broken', { share: Math.floor(share * 100) }), 'NETWORK')));
    request.send(file);
    told(0);
  });
}

/** @param {string} said @param {number | null} share null: nobody knows how much there is */
function progress(said, share) {
  the('progress').hidden = false;
  fill(the('progress-said'), said);
  const bar = /** @type {HTMLProgressElement} */ (the('bar'));
  if (share === null) bar.removeAttribute('value'); else bar.value = share;
}

// --- the job is worked off --------------------------------------------------------------------------------------------

/** Follows an import to its end. @param {string} id */
async function look(id) {
  const now = ++round;
  forget();
  fill(the('job'));
  while (now === round) {
    /** @type {any} */
    let job;
    try { ({ importJob: job } = await ask(JOB, { id })); } catch (error) { if (now === round) failed(error); }
    if (now !== round) return;
    if (job === null) return absent();
    if (job) { fill(the('trouble')); tell(job); }
    if (job?.finishedAt) return;
    await new Promise((resolve) => setTimeout(resolve, job?.waitsUntil ? WAITING_LOOK_AGAIN_MS : LOOK_AGAIN_MS));
  }
}

function absent() {
  the('progress').hidden = true;
  step(1);
  fill(the('job'), empty('search', t('job.absent'), t('job.absent.help')));
}

/** @param {any} job */
function tell(job) {
  step(job.dryRun ? 2 : job.finishedAt ? 4 : 3);
  if (!job.finishedAt) {
    const counts = { done: number(job.rowsDone), read: number(job.rowsRead) };
    const said = job.waitsUntil ? t('job.waits', { at: instant(job.waitsUntil) }) : job.state === 'QUEUED' ? t('job.queued') : t(job.dryRun ? 'job.checking' : 'job.sending', counts);
    return progress(said, job.rowsDone ? job.rowsDone / Math.max(job.rowsRead, job.rowsDone) : null);
  }
  the('progress').hidden = true;
  draw(job, { again: () => look(job.id), went: (id) => { address({ job: id }); look(id); } });
}

/** @param {Record<string, string>} more */
function address(more) {
  const query = new URLSearchParams({ ...(tab() === 'send' ? {} : { view: tab() }), ...more });
  history.pushState(null, '', `?${query}`);
}

const box = /** @type {HTMLInputElement} */ (the('file')), drop = the('drop');
box.addEventListener('change', () => { const file = box.files?.[0]; box.value = ''; if (file) take(file); });
drop.addEventListener('dragover', (event) => { event.preventDefault(); drop.classList.add('over'); });
drop.addEventListener('dragleave', () => drop.classList.remove('over'));
drop.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  const file = event.dataTransfer?.files[0];
  if (file) take(file);
});
$('#match-day')?.addEventListener('input', () => { /** @type {HTMLInputElement} */ ($('[name=scope][value=day]')).checked = true; });
// Another order for the same file: it is judged anew.
the('how').addEventListener('change', () => { if (chosen) take(chosen); });
addEventListener('popstate', show);
await show();
