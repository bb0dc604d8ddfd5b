// The first sheet of an .xlsx, read in the browser: a ZIP of XML, of which only texts, numbers and dates are taken.
// No library, and no parser of XML: the page may not hand text to one. What is no such workbook has no rows.
// @ts-check

const MOST_BYTES = 32_000_000;
const EPOCH_MS = Date.UTC(1899, 11, 30), DAY_MS = 86400000, MINUTE_MS = 60000;
const ENTITIES = /** @type {Record<string, string>} */ ({ lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" });

/** Whether the bytes begin as a ZIP does. @param {Uint8Array} bytes */
export const isWorkbook = (bytes) => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** The rows of the first sheet with their numbers; a date is told as `2026-03-16 09:00`. @param {Uint8Array} bytes @returns {Promise<{row: number, cells: string[]}[]>} */
export async function rowsOf(bytes) {
  const files = entries(bytes), text = (/** @type {string} */ name) => (files.has(name) ? inflated(bytes, /** @type {Entry} */ (files.get(name))) : Promise.resolve(''));
  const [book, relations, shared, styles] = await Promise.all(['xl/workbook.xml', 'xl/_rels/workbook.xml.rels', 'xl/sharedStrings.xml', 'xl/styles.xml'].map(text));
  const id = /<(?:\w+:)?sheet\b[^>]*\br:id="([^"]+)"/.exec(book)?.[1];
  const relation = [...relations.matchAll(/<Relationship\b[^>]*>/g)].find(([one]) => attribute(one, 'Id') === id)?.[0] ?? '';
  const target = attribute(relation, 'Target').replace(/^\//, '');
  const sheet = await text(target.startsWith('xl/') ? target : `xl/${target || 'worksheets/sheet1.xml'}`);
  const strings = [...shared.matchAll(/<(?:\w+:)?si\b[^>]*>([\s\S]*?)<\/(?:\w+:)?si>/g)].map(([, inner]) => texts(inner));
  return rows(sheet, strings, datesIn(styles));
}

/** @param {string} sheet @param {string[]} strings @param {boolean[]} dates by the number of a cell's style */
function rows(sheet, strings, dates) {
  return [...sheet.matchAll(/<(?:\w+:)?row\b([^>]*)>([\s\S]*?)<\/(?:\w+:)?row>/g)].map(([, about, inner], place) => {
    /** @type {string[]} */
    const cells = [];
    for (const [, cell, body = ''] of inner.matchAll(/<(?:\w+:)?c\b((?:[^>"]|"[^"]*")*?)(?:\/>|>([\s\S]*?)<\/(?:\w+:)?c>)/g)) {
      const column = attribute(cell, 'r').replace(/\d+$/, '');
      cells[column ? numbered(column) : cells.length] = told(attribute(cell, 't'), body, strings, dates[Number(attribute(cell, 's'))]);
    }
    return { row: Number(attribute(about, 'r')) || place + 1, cells: Array.from(cells, (cell) => cell ?? '') };
  });
}

/** @param {string} type @param {string} body @param {string[]} strings @param {boolean} isDate */
function told(type, body, strings, isDate) {
  if (type === 'inlineStr') return texts(body);
  const value = plain(/<(?:\w+:)?v\b[^>]*>([\s\S]*?)<\/(?:\w+:)?v>/.exec(body)?.[1] ?? '');
  if (type === 's') return strings[Number(value)] ?? '';
  if (type === 'd') return value.slice(0, 16).replace('T', ' ');
  if (!isDate || !value || (type && type !== 'n')) return value;
  // A day is 1, and the clock is a fraction of it.
  return new Date(Math.round((EPOCH_MS + Number(value) * DAY_MS) / MINUTE_MS) * MINUTE_MS).toISOString().slice(0, 16).replace('T', ' ');
}

/** Which styles show a number as a date: the built-in ones, and those whose format names a day or an hour. @param {string} styles */
function datesIn(styles) {
  const own = new Map([...styles.matchAll(/<(?:\w+:)?numFmt\b[^>]*>/g)].map(([one]) => [attribute(one, 'numFmtId'), /[dhy]/i.test(plain(attribute(one, 'formatCode')).replace(/"[^"]*"|\[[^\]]*\]/g, ''))]));
  const formats = /<(?:\w+:)?cellXfs\b[^>]*>([\s\S]*?)<\/(?:\w+:)?cellXfs>/.exec(styles)?.[1] ?? '';
  return [...formats.matchAll(/<(?:\w+:)?xf\b[^>]*>/g)].map(([one]) => { const id = Number(attribute(one, 'numFmtId')); return own.get(String(id)) ?? ((id >= 14 && id <= 22) || (id >= 45 && id <= 47)); });
}

/** @param {string} column such as `AB` */
const numbered = (column) => [...column].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
/** @param {string} tag @param {string} name */
const attribute = (tag, name) => new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
/** @param {string} inner */
const texts = (inner) => [...inner.replace(/<(?:\w+:)?rPh\b[\s\S]*?<\/(?:\w+:)?rPh>/g, '').matchAll(/<(?:\w+:)?t\b[^>]*>([\s\S]*?)<\/(?:\w+:)?t>/g)].map(([, one]) => plain(one)).join('');
/** @param {string} xml */
const plain = (xml) => xml.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => (name ? ENTITIES[name] ?? all : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal))));

/** @typedef {{method: number, start: number, size: number}} Entry */

/** What the directory at the end of a ZIP names. @param {Uint8Array} bytes @returns {Map<string, Entry>} */
function entries(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), found = new Map();
  let end = bytes.length - 22;
  while (end > 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end <= 0) return found;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0 && view.getUint32(at, true) === 0x02014b50; left--) {
    const [names, more, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true)), local = view.getUint32(at + 42, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    found.set(new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + names)), { method: view.getUint16(at + 10, true), start, size: view.getUint32(at + 20, true) });
    at += 46 + names + more + comment;
  }
  return found;
}

/** @param {Uint8Array} bytes @param {Entry} entry */
async function inflated(bytes, { method, start, size }) {
  const packed = new Blob([/** @type {BlobPart} */ (bytes.subarray(start, start + size))]).stream();
  const reader = (method === 0 ? packed : packed.pipeThrough(new DecompressionStream('deflate-raw'))).getReader();
  const decoder = new TextDecoder();
  let text = '', read = 0;
  for (let part = await reader.read(); !part.done && read <= MOST_BYTES; part = await reader.read()) { read += part.value.length; text += decoder.decode(part.value, { stream: true }); }
  if (read > MOST_BYTES) throw new RangeError('too large');
  return text;
}
