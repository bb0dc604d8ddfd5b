// A table as an .xlsx with one sheet: a ZIP of XML, not compressed, made in the browser.
// A text is written as a text, so no spreadsheet takes one for a formula; a number stays a number.
// @ts-check

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const PART = 'application/vnd.openxmlformats-officedocument.spreadsheetml.';
const TYPE = `${PART}sheet`;
/** Of a sheet's name. */
const MOST_LETTERS = 31;
const WIDEST = 60;
/** The first of January 1980, midnight: a ZIP knows no earlier day. */
const DAY = 0x21;

/** @typedef {string | number | null} Cell */

/** What stands first is the heading. @param {string} name of the sheet @param {Cell[][]} rows */
export const workbook = (name, rows) => new Blob([/** @type {BlobPart} */ (zip({
  '[Content_Types].xml': `<Types xmlns="${PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>${[['workbook', 'sheet.main'], ['sheet', 'worksheet'], ['styles', 'styles']].map(([part, type]) => `<Override PartName="/xl/${part}.xml" ContentType="${PART}${type}+xml"/>`).join('')}</Types>`,
  '_rels/.rels': related(['officeDocument', 'xl/workbook.xml']),
  'xl/_rels/workbook.xml.rels': related(['worksheet', 'sheet.xml'], ['styles', 'styles.xml']),
  'xl/workbook.xml': `<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="${escaped(name.replace(/[[\]:*?/\\]/g, ' ').slice(0, MOST_LETTERS))}" sheetId="1" r:id="r1"/></sheets></workbook>`,
  'xl/styles.xml': `<styleSheet xmlns="${MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3">${[[0, 0], [0, 1], [3, 0]].map(([format, font]) => `<xf numFmtId="${format}" fontId="${font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>`).join('')}</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`,
  'xl/sheet.xml': sheet(rows),
}))], { type: TYPE });

/** @param {...[string, string]} targets by what they are */
const related = (...targets) => `<Relationships xmlns="${PACKAGE}/relationships">${targets.map(([what, target], place) => `<Relationship Id="r${place + 1}" Type="${OFFICE}/${what}" Target="${target}"/>`).join('')}</Relationships>`;

/** @param {Cell[][]} rows */
function sheet(rows) {
  const widths = (rows[0] ?? []).map((_, place) => Math.min(WIDEST, 2 + Math.max(...rows.map((row) => String(row[place] ?? '').length))));
  const columns = widths.map((width, place) => `<col min="${place + 1}" max="${place + 1}" width="${width}" customWidth="1"/>`).join('');
  const cell = (/** @type {Cell} */ value, /** @type {number} */ row) => (value === null ? '<c/>' : typeof value === 'number' ? `<c s="2"><v>${value}</v></c>` : `<c t="inlineStr"${row ? '' : ' s="1"'}><is><t xml:space="preserve">${escaped(value)}</t></is></c>`);
  return `<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView></sheetViews>${columns && `<cols>${columns}</cols>`}<sheetData>${rows.map((row, place) => `<row>${row.map((value) => cell(value, place)).join('')}</row>`).join('')}</sheetData></worksheet>`;
}

/** What XML cannot hold is left out. @param {string} text */
const escaped = (text) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '').replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** @param {Record<string, string>} files */
function zip(files) {
  const encoder = new TextEncoder(), parts = [], directory = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const path = encoder.encode(name), data = encoder.encode(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${text}`);
    const about = [[20, 2], [0x800, 2], [0, 2], [0, 2], [DAY, 2], [checksum(data), 4], [data.length, 4], [data.length, 4], [path.length, 2], [0, 2]];
    parts.push(bytes([0x04034b50, 4], ...about), path, data);
    directory.push(bytes([0x02014b50, 4], [20, 2], ...about, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]), path);
    at += 30 + path.length + data.length;
  }
  const size = directory.reduce((sum, one) => sum + one.length, 0), count = Object.keys(files).length;
  return joined([...parts, ...directory, bytes([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [at, 4], [0, 2])]);
}

/** Numbers with the lowest byte first. @param {...number[]} numbers each with how many bytes it takes */
const bytes = (...numbers) => Uint8Array.from(numbers.flatMap(([value, length]) => Array.from({ length }, (_, place) => (value >>> (8 * place)) & 255)));

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
}

/** CRC-32, as a ZIP has it. @param {Uint8Array} data */
function checksum(data) {
  let rest = -1;
  for (const byte of data) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest;
}
