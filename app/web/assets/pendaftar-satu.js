// One registrant: what may be done now, the deadline with its consequence, the trip, the data, and one timeline.
// @ts-check
import { ask } from './api.js';
import { fill, h, icon, the } from './dom.js';
import { mine, note, words } from './frame.js';
import { actions } from './pendaftar-acts.js';
import { chip, named } from './people.js';
import { clock, day, instant, t } from './words.js';

const id = location.pathname.split('/').at(-1) ?? '';
const LEG = 'id status service route { name direction mode departsAt reportBy origin { name city } destination { name city } }';
const ONE = `query SatuPendaftar($id: ID!) {
  registrant(ref: {id: $id}) {
    ${LEG} season name reference registeredAt verifyBy forfeitsAt verifiedAt identityDocument lapInfant
    organizer { code name } motorcycle { plate handedOverAt } outbound { ${LEG} } return { ${LEG} }
    history { at kind from to reason }
  }
}`;
const NIK = 'query NIKPendaftar($id: ID!) { registrant(ref: {id: $id}) { nik } }';

async function load() {
  try {
    const { registrant } = await ask(ONE, { id });
    if (!registrant) return absent();
    show(registrant);
  } catch (error) {
    fill(the('trouble'), note('bad', words(error), t('error.again')));
  }
}

function absent() {
  fill(the('name'), t('one.absent'));
  fill(the('note'), note('', t('one.absent.who'), t('one.absent.help'), h('a', { class: 'btn small act', href: '/pendaftar' }, t('pendaftar.title'))));
}

/** @param {any} one */
function show(one) {
  const own = one.organizer.code === mine && one.name !== '***';
  fill(the('trouble'));
  fill(the('name'), named(one.name));
  fill(the('sub'), chip(one.status, true), ' ', one.reference && h('span', { class: 'keep' }, `${t('booking.code')} `, h('strong', { class: 'code' }, one.reference)));
  fill(the('actions'), ...actions(one, own, load));
  fill(the('note'), deadline(one));
  fill(the('trip'), ...legs(one).map(leg));
  fill(the('facts'), ...facts(one, own).flatMap(([term, ...value]) => [h('dt', {}, term), h('dd', {}, ...value)]));
  fill(the('timeline'), ...timeline(one));
  the('parts').hidden = false;
}

/** @param {any} one */
function deadline(one) {
  if (one.status !== 'REGISTERED' || !one.verifyBy) return null;
  const hours = Math.floor((Date.parse(one.verifyBy) - Date.now()) / 3600000);
  if (hours < 0) return note('warn', t('deadline.past', { at: instant(one.verifyBy) }), one.forfeitsAt ? t('deadline.forfeits') : t('deadline.flagged'));
  const left = hours < 48 ? t('left.hours', { n: hours }) : t('left.days', { n: Math.floor(hours / 24) });
  return note(hours < 48 ? 'warn' : '', t('deadline.by', { at: instant(one.verifyBy), left }), one.forfeitsAt ? t('deadline.forfeits') : t('deadline.flagged'));
}

/** The way home first. @param {any} one */
const legs = (one) => [one.outbound, one, one.return].filter(Boolean);

/** @param {any} one */
const leg = ({ status, route }) => h('article', { class: 'leg' },
  h('h3', {}, h('span', {}, t(`way.${route.direction}`), route.departsAt && ` · ${day(route.departsAt)}`), chip(status)),
  h('span', { class: 'at' }, route.departsAt ? clock(route.departsAt) : '–', route.reportBy && h('small', {}, t('report', { time: clock(route.reportBy) }))), h('span', { class: 'dot line' }), h('span', { class: 'place' }, route.origin.name, h('small', {}, `${route.origin.city} · ${t(`mode.${route.mode}`)}`)),
  h('span', { class: 'at' }), h('span', { class: 'dot end' }), h('span', { class: 'place end' }, route.destination.name, h('small', {}, route.destination.city)));

/** @param {any} one @param {boolean} own @returns {[string, ...(Node | string)[]][]} */
function facts(one, own) {
  return [
    ['NIK', nik(own)],
    [t('organizer'), one.organizer.name],
    [t('service'), t(one.service)],
    [t('registered'), instant(one.registeredAt)],
    .../** @type {[string, string][]} */ (one.identityDocument ? [[t('document'), one.identityDocument]] : []),
    .../** @type {[string, string][]} */ (one.motorcycle ? [[t('plate'), one.motorcycle.plate]] : []),
    .../** @type {[string, string][]} */ (one.lapInfant ? [[t('lap'), t('lap.yes')]] : []),
    [t('season.word'), String(one.season)],
    ['Id', h('span', { class: 'id' }, one.id)],
  ];
}

/** Masked until it is needed; to look is written down. @param {boolean} own */
function nik(own) {
  const place = h('span', {}, h('span', { class: 'mask', 'aria-hidden': 'true' }, '••••••••••••••••'), h('span', { class: 'vh' }, t('nik.hidden')));
  if (!own) return place;
  const button = h('button', { class: 'copy text', type: 'button' }, icon('eye'), ` ${t('nik.show')}`);
  button.addEventListener('click', async () => {
    try { fill(place, h('span', { class: 'code' }, (await ask(NIK, { id })).registrant.nik)); } catch (error) { fill(the('trouble'), note('bad', words(error), t('error.again'))); }
  });
  place.append(' ', button);
  return place;
}

/** The newest on top; what is to come is above all. @param {any} one */
function timeline({ history, status, verifyBy }) {
  const past = [...history].reverse().map((change) => h('li', {}, h('strong', {}, change.to ? t(`status.${change.to}`) : t(`change.${change.kind}`)), h('time', { datetime: change.at }, instant(change.at)), change.reason ? h('span', {}, change.reason) : null));
  if (status === 'REGISTERED' && verifyBy) past.unshift(h('li', { class: 'to-come' }, h('strong', {}, t('verify.by')), h('time', { datetime: verifyBy }, instant(verifyBy))));
  return past;
}

await load();
