// Somebody of one's own, found by NIK: for a purpose, which is kept with the look. A NIK stands in no address and no storage.
// @ts-check
import { ask } from './api.js';

const WAYS = [['MUDIK', 'PASSENGER'], ['BALIK', 'PASSENGER'], ['MUDIK', 'MOTORCYCLE'], ['BALIK', 'MOTORCYCLE']];

/** The NIK that was typed, or null: it is something else. @param {string} typed */
export function nikIn(typed) {
  const digits = typed.replace(/[\s.-]/g, '');
  return /^\d{16}$/.test(digits) ? digits : null;
}

/** Each question is written down as a look at the NIK: the way home first. @param {string} nik @param {string} purpose @param {string} fields @returns {Promise<any>} */
export async function byNik(nik, purpose, fields) {
  const query = `query SatuNIK($nik: NIK!, $direction: Direction!, $service: Service!, $purpose: String!) {
    registrant(ref: {nik: {nik: $nik, direction: $direction, service: $service}}, purpose: $purpose) { ${fields} } }`;
  for (const [direction, service] of WAYS) {
    const { registrant } = await ask(query, { nik, direction, service, purpose });
    if (registrant) return registrant;
  }
  return null;
}
