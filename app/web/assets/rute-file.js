// Routes from a table in .xlsx or CSV, a row for each departure. The registry judges each row; the same file again changes nothing.
// @ts-check
import { $, button, fill, h } from './dom.js';
import { note, words } from './frame.js';
import { save } from './routes.js';
import { save as saveFile } from './saving.js';
import { number, t, wib } from './words.js';
import { isWorkbook, rowsOf } from './workbook.js';

const COLUMNS = ['rute_perjalanan', 'tipe_keberangkatan', 'layanan', 'moda', 'terminal_asal', 'terminal_tujuan', 'waktu_keberangkatan', 'kuota'];
const EXAMPLE = ['Jakarta - Solo', 'Arus mudik', 'penumpang', 'Bus', 'pulo-gebang', 'tirtonadi', '2026-03-16 09:00', '40'];
const ROWS_A_CALL = 500, MOST_ROWS = 5000, MOST_TOLD = 20;
const DIRECTIONS = /** @type {Record<string, string>} */ ({ 'arus mudik': 'MUDIK', mudik: 'MUDIK', 'arus balik': 'BALIK', balik: 'BALIK' });
const SERVICES = /** @type {Record<string, string>} */ ({ '': 'PASSENGER', penumpang: 'PASSENGER', 'sepeda motor': 'MOTORCYCLE' });
const MODES = /** @type {Record<string, string>} */ ({ bus: 'BUS', kereta: 'TRAIN', 'kereta api': 'TRAIN', kapal: 'SHIP', truk: 'TRUCK' });

/** @typedef {{row: number, message: string}} Fault */

/** Says in `place` what became of the file. Answers whether a route was saved. @param {File} file @param {HTMLElement} place */
export async function loadFile(file, place) {
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const table = parsed(isWorkbook(bytes) ? await rowsOf(bytes).catch(() => []) : records(new TextDecoder().decode(bytes)));
    const lacking = COLUMNS.filter((name) => !['layanan', 'moda', 'waktu_keberangkatan', 'kuota'].includes(name) && !table.names.includes(name));
    if (lacking.length) return refuse(place, t('routefile.lacking', { columns: lacking.join(', ') }));
    if (table.rows.length > MOST_ROWS) return refuse(place, t('routefile.long', { n: number(MOST_ROWS) }));
    return tell(place, await sent(table.rows.map(({ row, cells }) => ({ row, ...read(Object.fromEntries(table.names.map((name, k) => [name, (cells[k] ?? '').trim()]))) }))));
  } catch (error) { return refuse(place, words(error)); }
}

/** @param {HTMLElement} place @param {string} why */
function refuse(place, why) {
  const template = button(t('routefile.template'), () => saveFile(new Blob([`\ufeff${COLUMNS.join(';')}\r\n${EXAMPLE.join(';')}\r\n`], { type: 'text/csv' }), 'templat-rute.csv'), 'btn small act');
  fill(place, note('bad', why, t('routefile.help'), template));
  $('.note', place)?.scrollIntoView({ block: 'nearest' });
  return false;
}

/** @param {Record<string, string>} cells @returns {{given?: Record<string, unknown>, fault?: string}} */
function read(cells) {
  const direction = DIRECTIONS[cells.tipe_keberangkatan?.toLowerCase()], service = SERVICES[(cells.layanan ?? '').toLowerCase()];
  const mode = cells.moda ? MODES[cells.moda.toLowerCase()] : service === 'MOTORCYCLE' ? 'TRUCK' : 'BUS';
  const time = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)$/.exec(cells.waktu_keberangkatan ?? '');
  if (!direction) return { fault: t('routefile.direction') };
  if (!service) return { fault: t('routefile.service') };
  if (!mode) return { fault: t('routefile.mode') };
  if (cells.waktu_keberangkatan && !time) return { fault: t('routefile.time') };
  if (cells.kuota && !/^\d{1,7}$/.test(cells.kuota)) return { fault: t('routefile.quota') };
  return { given: { name: cells.rute_perjalanan, direction, service, mode, origin: cells.terminal_asal, destination: cells.terminal_tujuan, departsAt: time ? wib(`${time[1]}T${time[2]}`) : null, quota: cells.kuota ? Number(cells.kuota) : null } };
}

/** @param {{row: number, given?: Record<string, unknown>, fault?: string}[]} rows */
async function sent(rows) {
  /** @type {Fault[]} */
  const faults = rows.flatMap(({ row, fault }) => (fault ? [{ row, message: fault }] : []));
  const good = rows.filter((one) => one.given);
  let saved = 0;
  for (let start = 0; start < good.length; start += ROWS_A_CALL) {
    const part = good.slice(start, start + ROWS_A_CALL);
    const refused = await save(part.map((one) => /** @type {Record<string, unknown>} */ (one.given)));
    refused.forEach((message, k) => { if (message) faults.push({ row: part[k].row, message }); else saved += 1; });
  }
  return { saved, faults: faults.sort((a, b) => a.row - b.row) };
}

/** @param {HTMLElement} place @param {{saved: number, faults: Fault[]}} told */
function tell(place, { saved, faults }) {
  const said = t('routefile.saved', { n: number(saved) });
  if (!faults.length) { fill(place, note('ok', said, t('routefile.again'))); return saved > 0; }
  const more = faults.length - MOST_TOLD;
  const list = h('ul', { class: 'plain' }, ...faults.slice(0, MOST_TOLD).map((one) => h('li', {}, t('routefile.row', { n: number(one.row), message: one.message }))), more > 0 ? h('li', {}, t('routefile.more', { n: number(more) })) : null);
  fill(place, note('warn', `${said} ${t('routefile.refused', { n: number(faults.length) })}`, t('routefile.mend'), list));
  return saved > 0;
}

/** A table: the columns by their names, and the rows with their numbers. Empty rows and the example are left out. @param {{row: number, cells: string[]}[]} lines */
function parsed(lines) {
  const head = lines.findIndex(({ cells }) => cells.some((cell) => COLUMNS.includes(cell.trim().toLowerCase())));
  if (head < 0) return { names: [], rows: [] };
  const rows = lines.slice(head + 1).filter(({ cells }) => cells.some((cell) => cell.trim()) && EXAMPLE.some((cell, k) => (cells[k] ?? '').trim() !== cell));
  return { names: lines[head].cells.map((cell) => cell.trim().toLowerCase()), rows };
}

/** @param {string} text @returns {{row: number, cells: string[]}[]} */
function records(text) {
  const first = text.slice(0, text.search(/[\r\n]|$/)), delimiter = [';', ',', '\t'].reduce((best, one) => (first.split(one).length > first.split(best).length ? one : best));
  /** @type {{row: number, cells: string[]}[]} */
  const found = [];
  let cell = '', cells = /** @type {string[]} */ ([]), quoted = false;
  const end = () => { cells.push(cell); found.push({ row: found.length + 1, cells }); cell = ''; cells = []; };
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (quoted && letter === '"' && text[at + 1] === '"') { cell += '"'; at++; }
    else if (letter === '"') quoted = !quoted;
    else if (!quoted && letter === delimiter) { cells.push(cell); cell = ''; }
    else if (!quoted && (letter === '\n' || letter === '\r')) { if (letter === '\r' && text[at + 1] === '\n') at++; end(); }
    else cell += letter;
  }
  if (cell || cells.length) end();
  return found;
}
