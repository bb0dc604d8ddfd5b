// The posko: find a booking by its code or by a NIK, see it, act on it. What was opened stays in this tab alone: a lost
// network does not stop whoever was opened before.
// @ts-check
import { ask, Failure } from './api.js';
import { byNik, nikIn } from './by-nik.js';
import { fill, the } from './dom.js';
import { me, note, toast, words } from './frame.js';
import { openBooking, showBooking } from './posko-booking.js';
import { showQueue } from './posko-queue.js';
import { scanning } from './posko-scan.js';
import { queue, start } from './queue.js';
import { clock, t } from './words.js';

/** @typedef {import('./posko-booking.js').Opened} Opened */

const MOST_OPENED = 200;
const PLACES = 'pemudik.poskos';
const ONE = `id nik name reference direction service status verifyBy forfeitsAt late lapInfant identityDocument motorcycle { plate handedOverAt }
  route { name direction departsAt reportBy origin { name } destination { name } }`;
const BOOKING = `query Booking($code: String!) { booking(reference: $code) { reference registrants { ${ONE} } } }`;
const BY_ID = `query Satu($id: ID!) { registrant(ref: {id: $id}) { ${ONE} } }`;
/** Why a posko looks a NIK up, as the person whose NIK it is will read. */
const PURPOSE = 'Pemeriksaan di posko';

/** What was opened, the newest last. @type {Opened[]} */
let opened = [];
/** @type {Opened | null} */
let shown = null;
let round = 0;

const field = /** @type {HTMLInputElement} */ (the('code'));
const acting = { place: () => currentPlace(), next };

/** Of several people with one NIK or id, the one of the tab. @param {(one: any) => boolean} is */
const remembered = (is) => opened.findLast(({ registrants }) => registrants.some(is)) ?? null;

/** Under a code as it was typed, else in capitals. @param {string} typed @returns {Promise<Opened | null>} */
async function byCode(typed) {
  for (const code of new Set([typed, typed.toUpperCase()])) {
    const { booking } = await ask(BOOKING, { code });
    if (booking) return { code: booking.reference, at: Date.now(), registrants: booking.registrants };
  }
  return null;
}

/** The whole booking of one registrant. @param {any} one @returns {Promise<Opened | null>} */
async function around(one) {
  if (!one) return null;
  return (one.reference && (await byCode(one.reference))) || { code: null, at: Date.now(), registrants: [one] };
}

/** @param {string} id */
const byId = async (id) => around((await ask(BY_ID, { id })).registrant);

/** Asks; without a network, takes what this tab has opened before. @param {() => Promise<Opened | null>} asked @param {(one: any) => boolean} is */
async function find(asked, is) {
  const mine = ++round;
  fill(the('trouble'));
  the('find').setAttribute('aria-busy', 'true');
  try {
    const found = await asked();
    if (mine === round) show(found, null);
  } catch (error) {
    if (mine === round) show(error instanceof Failure && error.code === 'NETWORK' ? remembered(is) : null, error);
  } finally { the('find').removeAttribute('aria-busy'); }
}

/** @param {Opened | null} found @param {unknown} error */
function show(found, error) {
  if (!found) return absent(error);
  field.value = '';
  if (error) fill(the('trouble'), note('warn', t('posko.remembered', { time: clock(found.at) }), ''));
  else opened = [...opened.filter((one) => one.registrants[0].id !== found.registrants[0].id), found].slice(-MOST_OPENED);
  shown = found;
  openBooking(found);
  draw();
  the('booking-title').focus();
}

/** @param {unknown} error */
function absent(error) {
  if (!error) return fill(the('trouble'), note('warn', t('posko.unknown'), t('find.none.help')));
  const offline = error instanceof Failure && error.code === 'NETWORK';
  fill(the('trouble'), note(offline ? 'warn' : 'bad', words(error), t(offline ? 'posko.offline' : 'error.again')));
}

function draw() {
  the('nothing').hidden = shown !== null;
  if (shown) showBooking(shown, acting);
}

function next() {
  shown = null;
  fill(the('booking'));
  the('booking').hidden = true;
  fill(the('trouble'));
  draw();
  field.focus();
}

/** @param {string} typed */
function search(typed) {
  const nik = nikIn(typed);
  if (nik) return find(async () => around(await byNik(nik, PURPOSE, ONE)), (one) => one.nik === nik);
  const code = typed.trim().toUpperCase();
  return find(() => byCode(typed.trim()), (one) => one.reference?.toUpperCase() === code);
}

/** The registry's word replaces what this phone believed. @param {CustomEvent} event */
function answered({ detail: { act, verdict } }) {
  if (verdict.message) {
    const kept = remembered((one) => one.id === act.id);
    if (kept && kept === shown) void refresh(act.id);
    return;
  }
  for (const { registrants } of opened) {
    for (const one of registrants) {
      const told = [verdict, verdict.outbound, verdict.return].find((other) => other?.id === one.id);
      if (told) Object.assign(one, { status: told.status, late: told.late ?? one.late });
    }
  }
}

/** @param {string} id */
async function refresh(id) {
  try {
    const found = await byId(id);
    if (found && shown?.registrants.some((one) => one.id === id)) { Object.assign(shown, found); draw(); }
  } catch { /* The queue says what stopped. */ }
}

/** The poskos of this phone; an act holds the number of its posko. @returns {string[]} */
const places = () => JSON.parse(localStorage.getItem(PLACES) ?? '[]');
const place = /** @type {HTMLInputElement} */ (the('place'));
const currentPlace = () => places().indexOf(place.value.trim());

function named() {
  place.value = places()[Number(localStorage.getItem('pemudik.posko') ?? -1)] ?? '';
  place.addEventListener('change', () => {
    const name = place.value.trim(), all = places();
    if (name && !all.includes(name)) localStorage.setItem(PLACES, JSON.stringify([...all, name]));
    localStorage.setItem('pemudik.posko', String(currentPlace()));
    if (name) toast(t('posko.place.kept', { name }));
  });
}

the('find').addEventListener('submit', (event) => {
  event.preventDefault();
  if (field.value.trim()) void search(field.value);
});
scanning(search);
queue.addEventListener('answer', (event) => answered(/** @type {CustomEvent} */ (event)));
queue.addEventListener('change', draw);
named();
showQueue((id) => remembered((one) => one.id === id)?.code ?? undefined, (id) => find(() => byId(id), (one) => one.id === id));
try {
  await start(me, (number) => places()[number]);
} catch (error) {
  fill(the('trouble'), note('bad', t('posko.no.store'), words(error)));
}
