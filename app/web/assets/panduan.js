// Searching in the guide: headings and names of fields. The browser searches, so what is looked for goes nowhere.
// @ts-check
import { fill, h, the } from './dom.js';
import './frame.js';
import { t } from './words.js';

const MOST = 12;
const box = /** @type {HTMLInputElement} */ (the('wanted'));
/** The text, the title of its page, and where it stands. @type {Promise<[string, string, string][]> | undefined} */
let index;

/** @returns {Promise<[string, string, string][]>} */
const entries = () => (index ??= fetch(box.dataset.index ?? '').then((answer) => answer.json()));

async function search() {
  const wanted = box.value.trim().toLowerCase();
  if (!wanted) return fill(the('found'));
  const found = (await entries()).filter(([text]) => text.toLowerCase().includes(wanted)).slice(0, MOST);
  if (box.value.trim().toLowerCase() !== wanted) return;
  fill(the('found'), ...found.map(([text, title, path]) => h('li', {}, h('a', { href: path }, text), ` · ${title}`)));
  if (!found.length) fill(the('found'), h('li', {}, t('panduan.nothing')));
}

box.addEventListener('input', () => { search().catch(() => { index = undefined; fill(the('found'), h('li', {}, t('error.page'))); }); });
the('find').addEventListener('submit', (event) => event.preventDefault());
the('find').hidden = false;
