// What a posko did, kept on this phone until the registry has answered: ids and times, and nobody's name, NIK or booking code.
// Each act is sent once, under a key of its own: whoever loses the answer sends again, and nothing is done twice.
// @ts-check
import { ask, Failure, now, unique } from './api.js';

/**
 * One registrant, one step. `place` is the number of the posko among those of this phone; `told`: when the registry answered.
 * @typedef {{no: number, key: string, group: string, kind: 'verify' | 'depart', id: string, at: number, due: number, by: string, place: number, state: 'waiting' | 'sent' | 'refused', told: number}} Act
 */

export const UNDO_MS = 10000;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 30000;
/** The registry keeps an answer for 24 hours. */
const ASK_AGAIN_MS = 20 * 3600000;
/** A sent act is shown for so long. */
const SHOWN_MS = 12 * 3600000;
const VERDICT = '{ ... on Registrant { id status late flags outbound { id status } return { id status } } ... on Problem { message code } }';
const SENT = {
  verify: `mutation VerifikasiPosko($id: ID!, $at: DateTime!, $posko: String) { verdict: verifyRegistrant(ref: {id: $id}, at: $at, posko: $posko) ${VERDICT} }`,
  depart: `mutation BerangkatPosko($id: ID!, $at: DateTime!) { verdict: departRegistrant(ref: {id: $id}, at: $at, healthy: true) ${VERDICT} }`,
};
/** The registry has done this under the key, or forgot what it answered. A repeat of what is done changes nothing. */
const NEW_KEY = new Set(['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_ANSWER_ERASED']);

/** `change`: something about the queue. `answer`: the registry has answered an act. */
export const queue = new EventTarget();
/** @type {Act[]} */
let acts = [];
/** What the registry said of refused acts, as long as the page is open. @type {Map<number, string>} */
export const reasons = new Map();
/** Why nothing is sent now. @type {Failure | null} */
let stopped = null;
let wait = 0;
let timer = 0;
let busy = false;
let me = '';
/** @type {(place: number) => string | undefined} */
let posko = () => undefined;
const others = new BroadcastChannel('pemudik.acts');

export const all = () => acts;
export const whyStopped = () => stopped;
/** @param {Act} act */
export const isMine = (act) => act.by === me;
/** The last act of a registrant. @param {string} id */
export const latest = (id) => acts.findLast((act) => act.id === id);

/** @type {Promise<IDBDatabase> | undefined} */
let opening;
function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('pemudik', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('acts', { keyPath: 'no', autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

/** Writes, and answers when all of it is on the disk. @param {(store: IDBObjectStore) => void} change @returns {Promise<void>} */
async function write(change) {
  const made = (await database()).transaction('acts', 'readwrite', { durability: 'strict' });
  const ended = new Promise((resolve, reject) => {
    made.oncomplete = () => resolve(undefined);
    made.onabort = () => reject(made.error);
  });
  change(made.objectStore('acts'));
  await ended;
  await read();
  others.postMessage('changed');
}

async function read() {
  const asking = (await database()).transaction('acts').objectStore('acts').getAll();
  acts = await new Promise((resolve, reject) => {
    asking.onsuccess = () => resolve(asking.result);
    asking.onerror = () => reject(asking.error);
  });
  queue.dispatchEvent(new Event('change'));
}

/** Each of these registrants takes a step now. Answers what undoes it. @param {'verify' | 'depart'} kind @param {string[]} ids @param {number} place */
export async function add(kind, ids, place) {
  const group = unique(), at = now();
  // No step is before the one that it follows, also when the clock was put right between them.
  const made = ids.map((id) => ({ key: unique(), group, kind, id, at: Math.max(at, latest(id)?.at ?? 0), due: Date.now() + UNDO_MS, by: me, place, state: 'waiting', told: 0 }));
  await write((store) => { for (const act of made) store.add(act); });
  schedule();
  return group;
}

/** Acts that were not sent yet, and the steps that the same people took after them. @param {string} group */
export async function undo(group) {
  const undone = acts.filter((act) => act.group === group && canUndo(act));
  const after = acts.filter((act) => act.state === 'waiting' && undone.some((one) => one.id === act.id && one.no < act.no));
  await write((store) => { for (const act of [...undone, ...after]) store.delete(act.no); });
}

/** @param {Act} act */
export const canUndo = (act) => act.state === 'waiting' && act.due > Date.now();

/** Takes what is answered off the list. @param {string} group */
export const forget = (group) => write((store) => { for (const act of acts) if (act.group === group && act.state !== 'waiting') store.delete(act.no); });

/** Whoever is signed in sends what somebody else did on this phone, under the own name. @param {string} group */
export async function takeOver(group) {
  await write((store) => { for (const act of acts) if (act.group === group && act.state === 'waiting') store.put({ ...act, by: me, key: unique() }); });
  void pump();
}

/** @param {string} person @param {(place: number) => string | undefined} named */
export async function start(person, named) {
  me = person;
  posko = named;
  await read();
  const old = acts.filter((act) => act.state === 'sent' && act.told < Date.now() - SHOWN_MS);
  if (old.length) await write((store) => { for (const act of old) store.delete(act.no); });
  others.addEventListener('message', () => read());
  addEventListener('online', () => pump());
  document.addEventListener('visibilitychange', () => { if (!document.hidden) void pump(); });
  await pump();
}

/** Sends what is due, one after the other. Of several tabs of one browser, one sends. */
export async function pump() {
  if (busy) return;
  busy = true;
  try {
    if (navigator.locks) await navigator.locks.request('pemudik.acts', { ifAvailable: true }, async (lock) => { if (lock) await sendAll(); else wait = FIRST_WAIT_MS; });
    else await sendAll();
  } finally {
    busy = false;
    schedule();
  }
}

async function sendAll() {
  try {
    await read();
    await askAgain();
    for (let next = due(); next; next = due()) await send(next);
    wait = 0;
    stop(null);
  } catch (error) {
    wait = Math.min(LONGEST_WAIT_MS, wait * 2 || FIRST_WAIT_MS);
    stop(error instanceof Failure ? error : new Failure(String(error), 'PAGE'));
  }
}

const due = () => acts.find((act) => act.state === 'waiting' && isMine(act) && act.due <= Date.now());

/** After a reload, what was said of a refusal is asked again: the same key has the same answer. */
async function askAgain() {
  for (const act of acts) {
    if (act.state === 'refused' && isMine(act) && !reasons.has(act.no) && act.told > Date.now() - ASK_AGAIN_MS) await send(act);
  }
}

/** @param {Act} act */
async function send(act) {
  try {
    const { verdict } = await ask(SENT[act.kind], { id: act.id, at: new Date(act.at).toISOString(), ...(act.kind === 'verify' ? { posko: posko(act.place) } : {}) }, act.key);
    if (verdict.message) reasons.set(act.no, verdict.message);
    // First what the registry said, then that the act does not wait any more: between the two nobody stands where they did.
    queue.dispatchEvent(new CustomEvent('answer', { detail: { act, verdict } }));
    await keep({ ...act, state: verdict.message ? 'refused' : 'sent', told: act.told || Date.now() });
  } catch (error) {
    if (!(error instanceof Failure && NEW_KEY.has(error.code))) throw error;
    if (act.state === 'refused') reasons.set(act.no, error.message);
    else await keep({ ...act, key: unique() });
  }
}

/** @param {Act} act */
const keep = (act) => write((store) => { store.put(act); });

/** @param {Failure | null} why */
function stop(why) {
  stopped = why;
  queue.dispatchEvent(new Event('change'));
}

function schedule() {
  clearTimeout(timer);
  const waiting = acts.filter((act) => act.state === 'waiting' && isMine(act));
  if (!waiting.length) return;
  const until = Math.max(wait, Math.min(...waiting.map((act) => act.due)) - Date.now());
  timer = setTimeout(pump, Math.max(50, until));
}
