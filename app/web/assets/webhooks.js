// Webhooks: where events are sent, what was sent and what came of it; sent again, tested, rotated, ended.
// @ts-check
import { ask, mutate } from './api.js';
import { askOnce, check, input } from './asking.js';
import { secret } from './clients.js';
import { button, fill, h, icon, the } from './dom.js';
import { empty, mine, toast } from './frame.js';
import { clock, instant, moment, number, t, wib } from './words.js';

const OF_HUBDAT = ['NIK_ALARM_RAISED', 'SWEEP_HALTED'];
/** What a webhook can be told of. */
const EVENTS = ['REGISTRANT_VERIFIED', 'REGISTRANT_DEPARTED', 'REGISTRANT_CANCELLED', 'REGISTRANT_FORFEITED', 'REGISTRANT_NO_SHOW', 'REGISTRANT_REOPENED', 'REGISTRANT_REROUTED', 'DEADLINE_IN_48_HOURS', 'DEADLINE_IN_24_HOURS', 'NIK_BLOCKED', 'NIK_BLOCK_LIFTED', 'ROUTE_RESCHEDULED', 'DUPLICATE_FOUND', 'CASE_DECIDED', 'CORRECTION_ASKED', 'QUOTA_FILLED', 'QUOTA_RETURNED', 'WINDOW_AMENDED', 'WINDOW_WITHDRAWN', 'IMPORT_FINISHED', 'NIK_ALLOWANCE_USED', ...(mine === 'hubdat' ? OF_HUBDAT : [])];
const SENT = 30;
const HOOKS = `{ webhooks { id url events enabled disabledAt disabledBecause failingSince oldSecretUntil organizer { name }
  deliveries(first: ${SENT}) { nodes { id event state occurredAt nextAttemptAt attempts { at durationMs status error } } } } }`;
const PROBLEM = '... on Problem { message code }';
const SAVE = `mutation SimpanWebhook($input: WebhookInput!) { done: saveWebhook(input: $input) { ... on SavedWebhook { secret webhook { id } } ${PROBLEM} } }`;
const ROTATE = `mutation GantiRahasiaWebhook($id: ID!) { done: rotateWebhookSecret(id: $id) { ... on SavedWebhook { secret webhook { id } } ${PROBLEM} } }`;
const TEST = `mutation UjiWebhook($id: ID!) { done: testWebhook(id: $id) { ... on WebhookDelivery { id } ${PROBLEM} } }`;
const AGAIN = `mutation KirimUlang($id: ID!, $delivery: ID, $since: DateTime) { done: redeliverWebhook(id: $id, delivery: $delivery, since: $since) { ... on Redelivery { deliveries } ${PROBLEM} } }`;
const END = `mutation AkhiriWebhook($id: ID!) { done: deleteWebhook(id: $id) { ... on Webhook { id } ${PROBLEM} } }`;

/** @typedef {Record<string, any>} Hook */

/** @param {() => Promise<unknown>} again */
export async function showWebhooks(again) {
  /** @type {Hook[]} */
  const hooks = (await ask(HOOKS)).webhooks, chosen = new URLSearchParams(location.search).get('one');
  const one = hooks.find((hook) => hook.id === chosen) ?? hooks[0];
  the('add').onclick = () => saving(null, again);
  fill(the('hooks'), ...hooks.map((hook) => row(hook, hook === one)));
  fill(the('no-hooks'), hooks.length ? null : empty('plug', t('webhooks.none'), t('webhooks.none.help')));
  the('hook').hidden = !one;
  if (one) show(one, again);
}

/** @param {Hook} hook */
function state(hook) {
  if (!hook.enabled) return h('strong', { class: 'bad' }, icon('warn'), ` ${t(`off.${hook.disabledBecause}`)}`);
  return hook.failingSince ? h('strong', { class: 'warn' }, icon('warn'), ` ${t('webhook.failing')}`) : h('span', {}, icon('ok'), ` ${t('webhook.on')}`);
}

/** @param {Hook} hook @param {boolean} here */
const row = (hook, here) => h('tr', { role: 'row', class: 'row' },
  h('th', { role: 'rowheader', scope: 'row' }, h('a', { class: 'go long', href: `?view=webhooks&one=${hook.id}`, 'aria-current': here ? 'true' : null }, hook.url), h('span', { class: 'line2' }, t('webhook.of', { name: hook.organizer.name, n: number(hook.events.length) }))),
  h('td', { role: 'cell' }, state(hook)));

/** @param {Hook} hook @param {() => Promise<unknown>} again */
function show(hook, again) {
  fill(the('hook-title'), hook.url);
  fill(the('hook-sub'), hook.events.map((/** @type {string} */ event) => t(`event.${event}`)).join(', '), hook.failingSince && ` · ${t('webhook.failing.since', { at: instant(hook.failingSince) })}`, hook.oldSecretUntil && ` · ${t('webhook.old', { at: instant(hook.oldSecretUntil) })}`);
  fill(the('hook-acts'), button(t('webhook.change'), () => saving(hook, again)), hook.enabled && button(t('webhook.test'), () => testing(hook, again)), button(t('webhook.again'), () => resending(hook, again)), button(t('client.rotate'), () => rotating(hook, again)), button(t('webhook.end'), () => ending(hook, again)));
  const sent = hook.deliveries.nodes;
  fill(the('deliveries'), ...sent.map((/** @type {any} */ one) => delivery(hook, one, again)));
  fill(the('no-deliveries'), sent.length ? null : h('p', { class: 'muted' }, t('deliveries.none')));
}

/** @param {Hook} hook @param {any} one @param {() => Promise<unknown>} again */
function delivery(hook, one, again) {
  const last = one.attempts.at(-1), event = t(`event.${one.event}`);
  const send = button(t('delivery.again'), () => askOnce({
    title: t('delivery.again.question', { event }), button: t('delivery.again'), lines: [['info', t('delivery.same')]],
    act: async (_, key) => { await mutate(AGAIN, { id: hook.id, delivery: one.id }, key); toast(t('delivery.queued')); await again(); },
  }), 'btn small', { 'aria-label': t('delivery.again.of', { event, at: clock(one.occurredAt) }) });
  return h('tr', { role: 'row' },
    h('th', { role: 'rowheader', scope: 'row' }, event, h('span', { class: 'line2' }, moment(one.occurredAt))),
    h('td', { role: 'cell' }, icon(one.state === 'DELIVERED' ? 'ok' : one.state === 'FAILED' ? 'no' : 'clock'), ` ${t(`delivery.${one.state}`)}`, one.nextAttemptAt && h('span', { class: 'line2' }, t('delivery.next', { at: clock(one.nextAttemptAt) }))),
    h('td', { role: 'cell', class: 'wide' }, number(one.attempts.length), last && h('span', { class: 'line2' }, t('delivery.last', { what: last.status ? `HTTP ${last.status}` : t(`attempt.${last.error}`), ms: number(last.durationMs) }))),
    h('td', { role: 'cell', class: 'n' }, one.state !== 'PENDING' && hook.enabled && send));
}

/** @param {Hook | null} hook @param {() => Promise<unknown>} again */
function saving(hook, again) {
  const boxes = Object.fromEntries(EVENTS.map((event) => [event, check(t(`event.${event}`), hook ? hook.events.includes(event) : false)]));
  askOnce({
    title: t(hook ? 'webhook.change.question' : 'webhook.add'), button: t('webhook.save'), lines: [['info', t('webhook.ids')], ['eye', t(hook ? 'webhook.enables' : 'client.once')]],
    fields: { url: input(t('webhook.url'), t('webhook.url.help'), { type: 'url', maxlength: 2000, value: hook?.url ?? '' }), ...boxes },
    act: async (given, key) => {
      // Events that this page does not offer stay as they are.
      const events = [...EVENTS.filter((event) => given[event]), ...(hook?.events ?? []).filter((/** @type {string} */ event) => !EVENTS.includes(event))];
      const done = await mutate(SAVE, { input: { id: hook?.id, url: given.url, events } }, key);
      if (done.secret) secret(done.webhook.id, done.secret, 'webhook');
      else toast(t('webhook.saved'));
      await again();
    },
  });
}

/** @param {Hook} hook @param {() => Promise<unknown>} again */
const rotating = (hook, again) => askOnce({
  title: t('client.rotate.question', { id: hook.url }), button: t('client.rotate'), lines: [['ok', t('webhook.rotate.help')], ['eye', t('client.once')]],
  act: async (_, key) => { secret(hook.id, (await mutate(ROTATE, { id: hook.id }, key)).secret, 'webhook'); await again(); },
});

/** @param {Hook} hook @param {() => Promise<unknown>} again */
const testing = (hook, again) => askOnce({
  title: t('webhook.test.question'), button: t('webhook.test'), lines: [['info', t('webhook.test.help')]],
  act: async (_, key) => { await mutate(TEST, { id: hook.id }, key); toast(t('delivery.queued')); await again(); },
});

/** @param {Hook} hook @param {() => Promise<unknown>} again */
const resending = (hook, again) => askOnce({
  title: t('webhook.again.question'), button: t('webhook.again'), lines: [['info', t('delivery.same')]],
  fields: { since: input(t('webhook.since'), t('webhook.since.help'), { type: 'datetime-local' }) },
  act: async (given, key) => { const done = await mutate(AGAIN, { id: hook.id, since: wib(given.since) }, key); toast(t('webhook.again.done', { n: number(done.deliveries) })); await again(); },
});

/** @param {Hook} hook @param {() => Promise<unknown>} again */
const ending = (hook, again) => askOnce({
  title: t('webhook.end.question'), button: t('webhook.end'), danger: true, lines: [['no', t('webhook.end.help')], ['info', t('review.final')]],
  act: async (_, key) => { await mutate(END, { id: hook.id }, key); toast(t('webhook.ended')); await again(); },
});
