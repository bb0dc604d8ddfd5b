// Our own API, as anybody else calls it: GraphQL by POST, under the session of whoever is signed in.
// A lost connection is told to whoever listens (`connection`), and tried again by whoever asks.
// @ts-check
import { language, t } from './words.js';

const WITHIN_MS = 20000;
const SECOND_MS = 1000;
export const connection = new EventTarget();
/** Since when nothing was answered. Null: connected. @type {number | null} */
let lostSince = null;

/** What went wrong, in words for people. */
export class Failure extends Error {
  /** @param {string} message @param {string} code @param {string} [id] of the request, to tell whoever runs the registry */
  constructor(message, code, id) {
    super(message);
    this.code = code;
    this.id = id;
  }
}

/** By how much this device's clock runs ahead of the registry's: at least and at most, as far as answers prove. */
let least = -Infinity, most = Infinity;
/** The instant, by the registry's clock; by this device's own as long as nothing proves that clock wrong. */
export const now = () => Date.now() - Math.min(most, Math.max(least, 0));

/** An answer names the second in which it was given: after it was asked for, before it came. @param {string | null} date @param {number} asked */
function compare(date, asked) {
  const given = Date.parse(date ?? ''), low = asked - given - SECOND_MS, high = Date.now() - given;
  if (Number.isNaN(given)) return;
  [least, most] = [Math.max(least, low), Math.min(most, high)];
  // Somebody has set the clock.
  if (least > most) [least, most] = [low, high];
}

/** @param {boolean} lost */
function tell(lost) {
  if (lost === (lostSince !== null)) return;
  lostSince = lost ? Date.now() : null;
  connection.dispatchEvent(new CustomEvent('change', { detail: { lost, since: lostSince } }));
}

/** @param {string} path @param {unknown} body @param {Record<string, string>} [headers] @returns {Promise<{status: number, json: any}>} */
export async function post(path, body, headers = {}) {
  const asked = Date.now();
  let response;
  try {
    response = await fetch(path, {
      method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(WITHIN_MS),
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'Accept-Language': language, ...headers },
    });
  } catch {
    tell(true);
    throw new Failure(t('error.network'), 'NETWORK');
  }
  compare(response.headers.get('date'), asked);
  const id = response.headers.get('x-request-id') ?? undefined;
  const json = await response.json().catch(() => null);
  tell(json === null || response.status === 503);
  if (json === null || response.status >= 500) throw new Failure(response.status === 503 ? t('error.away') : t('error.server', { id: id ?? '' }), 'SERVER', id);
  return { status: response.status, json };
}

/** A key under which a mutation is done once, however often it is sent. */
export const unique = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Headers of a query after a change: figures that were told to somebody else a moment ago will not do. */
export const ANEW = { 'Cache-Control': 'no-cache' };

/** Data of one operation. Raises `Failure`. @param {string} query @param {Record<string, unknown>} [variables] @param {string} [key] under which a mutation is done once @param {Record<string, string>} [headers] @returns {Promise<any>} */
export async function ask(query, variables = {}, key, headers = {}) {
  const { json } = await post('/graphql', { query, variables }, key ? { 'Idempotency-Key': key } : headers);
  const error = json.errors?.[0];
  if (error?.extensions?.code === 'SESSION_ENDED' || error?.extensions?.code === 'UNAUTHORIZED') connection.dispatchEvent(new Event('ended'));
  // Where nothing of what was asked for came, the error is the answer.
  if (error && !Object.values(json.data ?? {}).some((value) => value !== null)) throw new Failure(error.message, error.extensions?.code ?? 'UNKNOWN');
  return json.data;
}

/** What a mutation answers under `done`. Raises `Failure`, of a `Problem` too. @param {string} mutation @param {Record<string, unknown>} given @param {string} [key] @returns {Promise<any>} */
export async function mutate(mutation, given, key) {
  const { done } = await ask(mutation, given, key);
  if (done.message) throw new Failure(done.message, done.code);
  return done;
}

/** Raises `Failure`. @param {string} path @param {unknown} body */
export async function act(path, body) {
  const { status, json } = await post(path, body);
  if (status >= 400) throw new Failure(json.error?.message ?? t('error.server', { id: '' }), json.error?.code ?? 'UNKNOWN');
  return json;
}
