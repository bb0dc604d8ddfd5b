// Filters live in the address: reload, back and a pasted link show the same. Nobody's name or NIK is ever one of them.
// @ts-check
import { fill, the } from './dom.js';
import { toast } from './frame.js';
import { t } from './words.js';

/**
 * The form of the page, kept like the address. `changed` is called whenever the address has another filter.
 * @param {readonly string[]} names @param {() => void} changed
 */
export function filters(names, changed) {
  const form = /** @type {HTMLFormElement} */ (the('filters'));
  /** What the address says, without anything that is no filter. @returns {Record<string, string>} */
  const chosen = () => {
    const given = new URLSearchParams(location.search);
    return Object.fromEntries(names.map((name) => [name, given.get(name) ?? '']).filter(([, value]) => value));
  };
  const put = () => {
    const where = chosen();
    for (const name of names) {
      const field = form.elements.namedItem(name);
      if (field instanceof RadioNodeList || field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = where[name] ?? '';
    }
    const many = Object.keys(where).length;
    fill(the('filters-said'), many ? t('filters.some', { n: many }) : t('filters.none'));
  };
  form.addEventListener('change', () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.set(name, String(value));
    history.pushState(null, '', query.size ? `?${query}` : location.pathname);
    changed();
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  addEventListener('popstate', () => { put(); changed(); });
  the('copy').addEventListener('click', async () => { await navigator.clipboard.writeText(location.href); toast(t('copied')); });
  put();
  return { chosen, put };
}
