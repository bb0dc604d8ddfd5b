// A list by pages: where it begins again and where it goes on stand in the address, as filters do.
// @ts-check
import { the } from './dom.js';

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
