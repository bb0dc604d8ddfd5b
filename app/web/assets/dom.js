// Making and finding elements. Text is always text: nothing here reads HTML.
// @ts-check

/** @typedef {Node | string | number | null | undefined | false} Child */

/** @param {string} selector @param {ParentNode} [root] */
export const $ = (selector, root = document) => /** @type {HTMLElement | null} */ (root.querySelector(selector));
/** @param {string} selector @param {ParentNode} [root] */
export const $$ = (selector, root = document) => /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);

/** The element with this id, which the shell has. @param {string} id @returns {HTMLElement} */
export function the(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id}`);
  return found;
}

/** @param {string} name @param {Record<string, string | number | boolean | null | undefined>} [attributes] @param {...Child} children */
export function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...kept(children));
  return made;
}

/** A button that does something. @param {Child} text @param {(event: Event) => unknown} press @param {string} [kind] @param {Record<string, string | boolean>} [attributes] @returns {HTMLButtonElement} */
export function button(text, press, kind = 'btn small', attributes = {}) {
  const made = /** @type {HTMLButtonElement} */ (h('button', { class: kind, type: 'button', ...attributes }, text));
  made.addEventListener('click', press);
  return made;
}

/** @param {Child[]} children @returns {(Node | string)[]} */
const kept = (children) => children.filter((child) => child !== null && child !== undefined && child !== false).map((child) => (child instanceof Node ? child : String(child)));

/** Puts new children in place of the old ones; keeps the focus where the same place stays. @param {Element} parent @param {...Child} children */
export function fill(parent, ...children) {
  parent.replaceChildren(...kept(children));
}

/**
 * As `fill`, but what looks the same stays: whoever is about to press a button, or has the focus on it, keeps it. So a
 * listener of what is put in may know nothing that attributes and text do not tell: two that look alike do the same.
 * @param {Element} parent @param {...Child} children
 */
export function patch(parent, ...children) {
  const next = kept(children).map((child) => (child instanceof Node ? child : document.createTextNode(child)));
  next.forEach((made, place) => {
    const old = parent.childNodes[place];
    if (!old) parent.append(made);
    else if (!old.isEqualNode(made)) { if (isFrameOf(old, made)) patch(/** @type {Element} */ (old), ...made.childNodes); else old.replaceWith(made); }
  });
  while (parent.childNodes.length > next.length) parent.lastChild?.remove();
}

/** Whether only what is inside differs. What is pressed has listeners, and is one piece with its text. @param {Node} old @param {Node} made */
const isFrameOf = (old, made) => old instanceof Element && made instanceof Element && !old.matches('button, input, label.check') && old.cloneNode(false).isEqualNode(made.cloneNode(false));

const SVG = 'http://www.w3.org/2000/svg';
/** @param {string} name @param {Record<string, string | number>} [attributes] @param {...(Node | string)} children */
export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** @param {string} name */
export const icon = (name) => svg('svg', { class: 'i', 'aria-hidden': 'true' }, svg('use', { href: `${new URL("./icons.svg", import.meta.url).pathname}#${name}` }));

/** @param {string} text */
export const hidden = (text) => h('span', { class: 'vh' }, text);
