// What waits for somebody: open cases, webhooks that fail, imports that run, allowances that are nearly used up, alarms.
// Each list has the few most urgent; its title leads to the page where something is done about them.
// @ts-check
import { $, fill, h, icon, the } from './dom.js';
import { mine, scopes } from './frame.js';
import { ago, clock, moment, number, share, t } from './words.js';

/** What is asked beside the figures. */
export const WAITING = `attention {
  openCases cases { id openedAt holder { name } claimants { name } }
  failingWebhooks webhooks { id failingSince disabledAt organizer { code name } }
  runningImports imports { id dryRun rowsRead rowsDone createdAt startedAt waitsUntil organizer { code name } }
  shortAllowances allowances { perDay used alarmedAt isShutOut organizer { code name } }
}`;
const NEAR = 0.8;
const seesAll = scopes.includes('dashboard:read');

/** @typedef {Record<string, any>} Data */
/** @typedef {{name: string, href: string | null, detail: string, figure: string, tone?: '' | 'warn' | 'bad'}} Line */

/** Whether the reader has this page. @param {string} path */
const has = (path) => $(`.side a[href="${path}"]`) !== null;
/** The reader's own one on its page; another organizer's on the page of that organizer. @param {Data} organizer @param {string} path @param {string} query */
const own = ({ code }, path, query) => (has(path) && (!seesAll || code === mine || (path === '/integrasi' && scopes.includes('hubdat:admin'))) ? `${path}?${query}` : `/penyelenggara/${encodeURIComponent(code)}`);

/** @param {Data | null} attention */
export function showWaiting(attention) {
  if (!attention) return;
  the('waiting').hidden = false;
  the('cases').hidden = attention.openCases === null;
  list('cases', attention.openCases ?? 0, attention.cases.map(aCase));
  list('webhooks', attention.failingWebhooks, attention.webhooks.map(aWebhook));
  list('imports', attention.runningImports, attention.imports.map(anImport));
  list('allowances', attention.shortAllowances, attention.allowances.map(anAllowance));
}

/** @param {Data} one @returns {Line} */
const aCase = (one) => ({
  name: one.holder.name, href: has('/kasus') ? `/kasus?case=${one.id}` : null,
  detail: t('waiting.brought', { names: one.claimants.map((/** @type {Data} */ other) => other.name).join(', ') }),
  figure: ago((Date.now() - Date.parse(one.openedAt)) / 1000),
});

/** @param {Data} one @returns {Line} */
const aWebhook = (one) => ({
  name: one.organizer.name, href: own(one.organizer, '/integrasi', `view=webhooks&one=${one.id}`), tone: one.disabledAt ? 'bad' : 'warn',
  detail: one.failingSince ? t('waiting.failing', { at: moment(one.failingSince) }) : '',
  figure: t(one.disabledAt ? 'waiting.off' : 'waiting.tried'),
});

/** @param {Data} one @returns {Line} */
const anImport = (one) => ({
  name: one.organizer.name, href: own(one.organizer, '/unggah', `job=${one.id}`),
  detail: one.waitsUntil ? t('waiting.allowance', { at: moment(one.waitsUntil) }) : t(one.startedAt ? (one.dryRun ? 'waiting.tries' : 'waiting.runs') : 'waiting.queued', { at: clock(one.startedAt ?? one.createdAt) }),
  figure: one.startedAt ? t('waiting.rows', { done: number(one.rowsDone), read: number(one.rowsRead) }) : '–',
});

/** @param {Data} one @returns {Line} */
function anAllowance({ organizer, perDay, used, alarmedAt, isShutOut }) {
  const of = perDay ? used / perDay : 1;
  return {
    name: organizer.name, href: `/penyelenggara/${encodeURIComponent(organizer.code)}`, tone: alarmedAt || isShutOut || of >= 1 ? 'bad' : of >= NEAR ? 'warn' : '',
    detail: alarmedAt ? t('waiting.alarm', { at: moment(alarmedAt) }) : isShutOut ? t('waiting.shut') : t('allowance.said', { used: number(used), all: number(perDay) }),
    figure: share(of),
  };
}

/** The same lines are not drawn anew: whoever has the focus on one of them keeps it. @type {Record<string, string>} */
const drawn = {};

/** @param {string} id @param {number} all @param {Line[]} lines */
function list(id, all, lines) {
  const now = JSON.stringify([all, lines]);
  if (drawn[id] === now) return;
  drawn[id] = now;
  fill(the(`${id}-n`), all ? number(all) : '');
  fill(the(`${id}-list`), ...lines.map(line), all > lines.length && h('li', { class: 'muted' }, t('waiting.more', { n: number(all - lines.length) })));
  the(`${id}-none`).hidden = lines.length > 0;
}

/** @param {Line} one */
const line = ({ name, href, detail, figure, tone }) => h('li', {},
  href ? h('a', { href }, name) : h('strong', {}, name), h('span', { class: 'line2' }, detail),
  h('span', { class: `n ${tone ?? ''}` }, tone && icon('warn'), tone && ' ', figure));
