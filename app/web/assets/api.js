// Our own API, as anybody else calls it: GraphQL by POST, under the session of whoever is signed in.
// A lost connection is told to whoever listens (`connection`), and tried again by whoever asks.
// @ts-check
import { language, t } from './words.js';

const WITHIN_MS = 20000;
const CLOCKS_DIFFER_MS = 2000;
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

/** By how much this device's clock runs ahead of the registry's, as far as its answers told. */
let ahead = 0;
/** The instant, by the registry's clock. */
export const now = () => Date.now() - ahead;

/** An answer names its second. @param {string | null} date */
function compare(date) {
  const apart = Date.now() - Date.parse(date ?? '');
  if (!Number.isNaN(apart)) ahead = Math.abs(apart) > CLOCKS_DIFFER_MS ? apart : 0;
}

/** @param {boolean} lost */
function tell(lost) {
  if (lost === (lostSince !== null)) return;
  lostSince = lost ? Date.now() : null;
  connection.dispatchEvent(new CustomEvent('change', { detail: { lost, since: lostSince } }));
}

/** @param {string} path @param {unknown} body @param {Record<string, string>} [headers] @returns {Promise<{status: number, json: any}>} */
export async function post(path, body, headers = {}) {
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
  compare(response.headers.get('date'));
  const id = response.headers.get('x-request-id') ?? undefined;
  const json = await response.json().catch(() => null);
  tell(json === null || response.status === 503);
  if (json === null || response.status >= 500) throw new Failure(response.status === 503 ? t('error.away') : t('error.server', { id: id ?? '' }), 'SERVER', id);
  return { status: response.status, json };
}

/** Data of one operation. Raises `Failure`. @param {string} query @param {Record<string, unknown>} [variables] @param {string} [key] under which a mutation is done once @returns {Promise<any>} */
export async function ask(query, variables = {}, key) {
  const { json } = await post('/graphql', { query, variables }, key ? { 'Idempotency-Key': key } : {});
  const error = json.errors?.[0];
  if (error?.extensions?.code === 'SESSION_ENDED' || error?.extensions?.code === 'UNAUTHORIZED') connection.dispatchEvent(new Event('ended'));
  if (error && !json.data) throw new Failure(error.message, error.extensions?.code ?? 'UNKNOWN');
  return json.data;
}

/** Raises `Failure`. @param {string} path @param {unknown} body */
export async function act(path, body) {
  const { status, json } = await post(path, body);
  if (status >= 400) throw new Failure(json.error?.message ?? t('error.server', { id: '' }), json.error?.code ?? 'UNKNOWN');
  return json;
}
