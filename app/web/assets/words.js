// The words of the page's language, and how it writes numbers and times. All times are WIB.
// @ts-check

/** @type {'id' | 'en'} */
export const language = document.documentElement.lang === 'en' ? 'en' : 'id';
/** @type {Record<string, string>} */
const words = (await import(`./words.${language}.js`)).default;
const locale = language === 'en' ? 'en-GB' : 'id-ID';
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });

/** Whether there is such a word. @param {string} key */
export const has = (key) => key in words;

/** A word, with its places filled: `{n}` by the value of `n`. @param {string} key @param {Record<string, string | number>} [values] */
export function t(key, values = {}) {
  const word = words[key];
  if (word === undefined) throw new Error(`no word ${key}`);
  return word.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/** @param {number | null | undefined} value */
export const number = (value) => (value === null || value === undefined ? '–' : whole.format(value));
/** @param {number} value */
export const short = (value) => compact.format(value);
/** @param {number | null | undefined} value */
export const share = (value) => (value === null || value === undefined ? '–' : percent.format(value).replace('%', ' %').replace(/\s+%/, language === 'en' ? '%' : ' %'));

/** @param {Date | string | number} at @param {Intl.DateTimeFormatOptions} how */
const parts = (at, how) => new Intl.DateTimeFormat(locale, { timeZone: 'Asia/Jakarta', ...how }).format(new Date(at));
/** `08.12` @param {Date | string | number} at */
export const clock = (at) => parts(at, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).replace(':', '.');
/** `08.12.41` @param {Date | string | number} at */
export const seconds = (at) => parts(at, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).replaceAll(':', '.');
/** `13 Mar` @param {Date | string | number} at */
export const shortDay = (at) => parts(at, { day: 'numeric', month: 'short' });
/** `Rabu, 13 Maret 2024` @param {Date | string | number} at */
export const day = (at) => parts(at, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
/** `Rabu, 13 Maret 2024, 08.12 WIB` @param {Date | string | number} at */
export const instant = (at) => `${day(at)}, ${clock(at)} WIB`;
/** `13 Mar, 08.12` @param {Date | string | number} at */
export const moment = (at) => `${shortDay(at)}, ${clock(at)}`;
/** The day in WIB as `2024-03-13`. @param {Date | string | number} at */
export const isoDay = (at) => new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Jakarta' }).format(new Date(at));
/** An instant as a field of date and time has it, in WIB: `2024-03-13T08:12`. @param {string | null | undefined} at */
export const typed = (at) => (at ? `${isoDay(at)}T${clock(at).replace('.', ':')}` : '');
/** The instant that such a field means. @param {string} field */
export const wib = (field) => (field ? `${field}:00+07:00` : null);

/** `3 detik lalu`, `12 menit lalu`. @param {number} passed in seconds */
export function ago(passed) {
  if (passed < 90) return t('ago.seconds', { n: Math.max(0, Math.round(passed)) });
  if (passed < 5400) return t('ago.minutes', { n: Math.round(passed / 60) });
  if (passed < 172800) return t('ago.hours', { n: Math.round(passed / 3600) });
  return t('ago.days', { n: Math.round(passed / 86400) });
}
