// A list by pages: where it begins again and where it goes on stand in the address, as filters do.
// @ts-check
import { ask } from './api.js';
import { the } from './dom.js';

const MOST_CALLS = 25;

/** All items of a connection that the document calls `found`, page by page, as long as somebody waits for them. @param {string} document that takes `$after` @param {Record<string, unknown>} given @param {() => boolean} [wanted] @returns {Promise<any[]>} */
export async function every(document, given, wanted = () => true) {
  const all = [];
  let after;
  for (let calls = 0; calls < MOST_CALLS && wanted(); calls++) {
    /** @type {any} */
    const { nodes, pageInfo } = (await ask(document, { ...given, after })).found;
    all.push(...nodes);
    if (!pageInfo.hasNextPage) break;
    after = pageInfo.endCursor;
  }
  return all;
}

/** @param {{hasNextPage: boolean, endCursor: string | null}} page @param {boolean} later whether this page is not the first one */
export function pager({ hasNextPage, endCursor }, later) {
  link('next', hasNextPage ? endCursor : null);
  link('first', later ? '' : null);
}

/** @param {string} id @param {string | null} after */
function link(id, after) {
  const anchor = /** @type {HTMLAnchorElement} */ (the(id));
  const query = new URLSearchParams(location.search);
  query.delete('after');
  if (after) query.set('after', after);
  anchor.hidden = after === null;
  anchor.href = query.size ? `?${query}` : location.pathname;
}
