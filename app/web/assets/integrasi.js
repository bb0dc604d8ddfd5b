// An organizer's own programs: their clients and allowance, webhooks with what was sent, and documents to begin with.
// @ts-check
import { ask } from './api.js';
import { showClients } from './clients.js';
import { fill, h, the } from './dom.js';
import { showDocuments } from './documents.js';
import { mine, note, scopes, tab, words } from './frame.js';
import { clock, number, t } from './words.js';
import { showWebhooks } from './webhooks.js';

const ALLOWANCE = 'query JatahSaya($code: ID!) { organizer(code: $code) { nikAllowance { perDay used remaining endsAt } } }';
const DOORS = /** @type {[string, string][]} */ ([['GraphQL', '/graphql'], ['OAuth', '/oauth/token'], ['Webhook', '/webhook/pemudik'], ['Excel', '/import'], ['OpenAPI', '/openapi.json']]);
const view = tab();

async function load() {
  try {
    fill(the('trouble'));
    if (view === 'webhooks') return await showWebhooks(load);
    if (view === 'documents') return showDocuments();
    fill(the('doors'), ...DOORS.flatMap(([name, path]) => [h('dt', {}, name), h('dd', { class: 'code' }, `${location.origin}${path}`)]));
    await Promise.all([showClients(mine, scopes.filter((scope) => scope !== 'clients:write'), load), allowance()]);
  } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
}

async function allowance() {
  const left = (await ask(ALLOWANCE, { code: mine })).organizer?.nikAllowance;
  if (left) fill(the('allowance'), h('p', { class: 'figure' }, number(left.remaining)), h('p', { class: 'muted' }, t('integrasi.left', { used: number(left.used), all: number(left.perDay), at: clock(left.endsAt) })));
}

the(`${view}-view`).hidden = false;
await load();
