// Signing in. The token of a link stands in the fragment, is taken out of the address at once, and is used up by the button
// alone. An OpenID provider leads back here with a code, which leaves the address at once, too.
// @ts-check
import { act, Failure } from './api.js';
import { $, $$, fill, the } from './dom.js';
import { words } from './frame.js';
import { instant, t } from './words.js';

const token = location.hash.slice(1), came = new URLSearchParams(location.search);
history.replaceState(null, '', '/masuk');

/** @param {string} name */
function show(name) {
  for (const part of $$('[data-part]')) part.hidden = part.dataset.part !== name;
}

/** @param {Record<string, string>} facts */
function told(facts) {
  for (const place of $$('[data-fact]')) fill(place, facts[place.dataset.fact ?? '']);
}

/** @param {unknown} error */
function failed(error) {
  if (error instanceof Failure && error.code === 'LINK_ENDED') return show('ended');
  fill(the('failed'), words(error));
  show('failed');
}

async function look() {
  try {
    const link = await act('/masuk/tautan', { token });
    told({ email: link.email, role: t(`role.${link.role}`), organizer: link.organizer_name, until: t('masuk.once', { at: instant(link.ends_at) }) });
    show('link');
  } catch (error) { failed(error); }
}

the('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  try { await act('/masuk', { token }); location.replace('/'); } catch (error) { failed(error); }
});
/** What the provider has sent the browser back with. @param {string | null} code */
async function returned(code) {
  if (!code) return;
  fill(the('failed-help'), t('masuk.failed.again'));
  try { await act('/masuk/oidc/selesai', { code, state: came.get('state') ?? '' }); location.replace('/'); } catch (error) { failed(error); }
}

$('#provider')?.addEventListener('submit', async (event) => {
  event.preventDefault();
  try { location.assign((await act('/masuk/oidc', {})).location); } catch (error) { failed(error); }
});
the('again').addEventListener('click', () => (token ? look() : location.reload()));
// Another language reloads the page, which would lose the link: for that moment its token goes back into the address.
document.addEventListener('click', (event) => {
  if (token && /** @type {Element} */ (event.target).closest('[data-language]')) history.replaceState(null, '', `/masuk#${token}`);
}, true);
// A link that is opened where this page stands already changes the fragment alone.
addEventListener('hashchange', () => location.reload());
if (token) await look();
else await returned(came.get('code'));
