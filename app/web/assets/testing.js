// Documents that write, run in the organizer's own test registry: nothing of it is real, and nothing of it is in the live one.
// @ts-check
import { act, Failure, post } from './api.js';
import { mine } from './frame.js';
import { t } from './words.js';

const HERE = `/uji/${mine}`;
const ROUTES = 'query Rute($organizer: ID!) { routes(where: { organizer: $organizer, direction: MUDIK, service: PASSENGER }, first: 1) { nodes { id } } }';
const REGISTER = 'mutation Daftar($input: SubmitRegistrant!) { submitRegistrant(input: $input) { ... on Submission { registrant { id } } } }';
/** NIKs of the table in the guide: they belong to nobody. */
const FREE = '317103010190', FIRST = 9000, SERIALS = 900;
/** @type {Promise<string> | null} */
let token = null;

/** By a test client, which is issued when the first document of this view is run. */
async function signIn() {
  const { clientId, clientSecret } = await act(`${HERE}/klien`, {}).catch((error) => { throw error.code === 'NOT_FOUND' ? new Failure(t('documents.no_test'), error.code) : error; });
  const answer = await fetch(`${HERE}/oauth/token`, { method: 'POST', headers: { Authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` }, body: new URLSearchParams({ grant_type: 'client_credentials' }) });
  if (!answer.ok) throw new Failure(t('error.away'), 'SERVER');
  return (await answer.json()).access_token;
}

/** @param {string} query @param {unknown} variables */
async function ask(query, variables) {
  token ??= signIn();
  const bearer = await token.catch((error) => { token = null; throw error; });
  return (await post(`${HERE}/graphql`, { query, variables }, { Authorization: `Bearer ${bearer}` })).json;
}

/** The answer to a document, whose placeholders stand for a route and a registrant of the test registry. @param {string} query @param {Record<string, unknown>} variables */
export async function runInTest(query, variables) {
  let text = JSON.stringify(variables);
  const route = (await ask(ROUTES, { organizer: mine })).data.routes.nodes[0]?.id ?? '';
  text = text.replace('ID-RUTE', route);
  if (text.includes('ID-PENDAFTAR')) {
    const nik = `${FREE}${FIRST + Math.floor(Math.random() * SERIALS)}`;
    const made = await ask(REGISTER, { input: { nik, name: 'Warga Uji', routeId: route, identityDocument: 'KTP' } });
    text = text.replace('ID-PENDAFTAR', made.data?.submitRegistrant?.registrant?.id ?? '');
  }
  return ask(query, JSON.parse(text));
}
