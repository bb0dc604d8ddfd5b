// Files that a page gives to whoever reads it.
// @ts-check
import { Failure } from './api.js';
import { language, t } from './words.js';

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const a = document.createElement('a'); a.href = URL.createObjectURL(blob); a.download = name; a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

/** A file of ours, under the name that the registry gives to the file. By POST: nobody is known in a GET. Raises `Failure`. @param {string} path */
export async function download(path) {
  let answer;
  try { answer = await fetch(path, { method: 'POST', headers: { 'Accept-Language': language } }); } catch { throw new Failure(t('error.network'), 'NETWORK'); }
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({}));
    throw new Failure(error?.message ?? t('error.away'), error?.code ?? 'SERVER');
  }
  const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? 'pemudik';
  save(await answer.blob(), name);
}
