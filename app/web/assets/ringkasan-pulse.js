// Up and fast: what all processes answered in the last five minutes, and what they refused, now against before.
// For the dashboard alone: how much the registry answers is of nobody else's concern.
// @ts-check
import { chart } from './chart.js';
import { $$, fill, the } from './dom.js';
import { scopes } from './frame.js';
import { clock, has, number, t } from './words.js';

const SHOWN = 8;
const SECONDS = 300;
const sees = scopes.includes('dashboard:read');
/** What is asked beside the figures. */
export const PULSE = sees ? 'pulse { now { since until answers errors p95Ms } before { answers errors p95Ms } refusals { reason organizer { code name } now before } }' : '';

for (const one of $$('[data-pulse]')) one.hidden = !sees;

/** @typedef {Record<string, any>} Data */

/** @param {Data | undefined} pulse @param {Record<string, string>} where */
export function showPulse(pulse, where) {
  if (!pulse) return;
  const { now, before } = pulse;
  put('answers', number(now.answers / SECONDS), t('pulse.before', { n: number(before.answers / SECONDS) }));
  put('p95', now.p95Ms === null ? '–' : t('pulse.ms', { n: number(Math.round(now.p95Ms)) }), t('pulse.before', { n: before.p95Ms === null ? '–' : t('pulse.ms', { n: number(Math.round(before.p95Ms)) }) }));
  put('errors', number(now.errors), t('pulse.of', { n: number(now.answers), before: number(before.errors) }));
  const errors = the('pulse-errors');
  errors.classList.toggle('bad', now.errors > 0);
  fill(the('refused-sub'), t('refused.sub', { from: clock(now.since), to: clock(now.until) }));
  chart(the('refused'), [t('refused.now'), t('refused.before')], reasons(pulse.refusals, where.organizer).slice(0, SHOWN));
}

/** @param {string} name @param {string} figure @param {string} delta */
function put(name, figure, delta) {
  fill(the(`pulse-${name}`), figure);
  fill(the(`pulse-${name}-before`), delta);
}

/** One line a reason. Where only one organizer is refused for a reason, the line names the organizer: a window or a client is wrong there. @param {Data[]} refusals @param {string | undefined} organizer */
function reasons(refusals, organizer) {
  const lines = new Map();
  for (const one of refusals) {
    if (organizer && one.organizer.code !== organizer) continue;
    const line = lines.get(one.reason) ?? { names: new Set(), values: [0, 0] };
    line.names.add(one.organizer.name);
    line.values = [line.values[0] + one.now, line.values[1] + one.before];
    lines.set(one.reason, line);
  }
  return [...lines].map(([reason, { names, values }]) => ({ label: names.size > 1 ? said(reason) : `${said(reason)} · ${[...names][0]}`, values }))
    .sort((a, b) => b.values[0] - a.values[0] || b.values[1] - a.values[1]);
}

/** @param {string} reason */
const said = (reason) => (has(`reason.${reason}`) ? t(`reason.${reason}`) : reason);
