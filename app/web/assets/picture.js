// A part of the page as a PNG: its texts, rules, grounds and drawings, where they stand and as they look.
// Everything is made anew as SVG, since a browser lets no script read a picture of HTML.
// @ts-check
import { svg } from './dom.js';
import { save } from './saving.js';

const SVG = 'http://www.w3.org/2000/svg';
const TWICE = 2;
const PAD = 24;
const LOOKS = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-size', 'font-weight', 'paint-order'];
/** What is there to be pressed, or for readers alone. */
const LEFT_OUT = '.vh, .tools, .reading, .none, button, [hidden]';

const pen = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));

/** A copy of a drawing that looks the same without the style sheets. @param {SVGSVGElement} drawn @returns {SVGSVGElement} */
export function inlined(drawn) {
  const copy = /** @type {SVGSVGElement} */ (drawn.cloneNode(true)), from = drawn.querySelectorAll('*'), to = copy.querySelectorAll('*');
  from.forEach((one, place) => {
    const looks = getComputedStyle(one);
    if (looks.display === 'none') to[place].setAttribute('display', 'none');
    for (const look of LOOKS) to[place].setAttribute(look, looks.getPropertyValue(look));
  });
  copy.setAttribute('overflow', 'visible');
  return copy;
}

/** The parts on the ground of the page, saved as a picture of twice the size. @param {SVGElement[]} parts @param {number} width @param {number} height @param {string} name */
export async function saved(parts, width, height, name) {
  const body = getComputedStyle(document.body);
  const all = svg('svg', { xmlns: SVG, width, height, 'font-family': body.fontFamily }, svg('rect', { width, height, fill: body.backgroundColor }), ...parts);
  const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(all)], { type: 'image/svg+xml' })), image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width * TWICE, height * TWICE];
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')).drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  canvas.toBlob((blob) => blob && save(blob, `${name}.png`));
}

/** @param {HTMLElement} root @param {string} name of the file */
export async function picture(root, name) {
  /** @type {SVGElement[]} */
  const parts = [];
  // What is there to be pressed takes no room.
  root.toggleAttribute('data-pictured', true);
  const place = root.getBoundingClientRect();
  put(root, place.left - PAD, place.top - PAD, parts);
  root.toggleAttribute('data-pictured', false);
  await saved(parts, Math.ceil(place.width) + 2 * PAD, Math.ceil(place.height) + 2 * PAD, name);
}

/** @param {Element} element @param {number} left of the picture in the window @param {number} top @param {SVGElement[]} parts */
function put(element, left, top, parts) {
  const looks = getComputedStyle(element), box = element.getBoundingClientRect();
  if (element.matches(LEFT_OUT) || looks.display === 'none' || !box.width) return;
  if (element instanceof SVGSVGElement) {
    const copy = inlined(element);
    for (const [key, value] of Object.entries({ x: box.left - left, y: box.top - top, width: box.width, height: box.height })) copy.setAttribute(key, String(value));
    parts.push(copy);
    return;
  }
  const ground = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ width, /** @type {number} */ height, /** @type {string} */ fill) => parts.push(svg('rect', { x: x - left, y: y - top, width, height, fill }));
  if (looks.backgroundColor !== 'rgba(0, 0, 0, 0)') ground(box.left, box.top, box.width, box.height, looks.backgroundColor);
  const rule = (/** @type {string} */ side) => (looks.getPropertyValue(`border-${side}-style`) === 'none' ? 0 : parseFloat(looks.getPropertyValue(`border-${side}-width`)));
  if (rule('top')) ground(box.left, box.top, box.width, rule('top'), looks.borderTopColor);
  if (rule('bottom')) ground(box.left, box.bottom - rule('bottom'), box.width, rule('bottom'), looks.borderBottomColor);
  if (rule('left')) ground(box.left, box.top, rule('left'), box.height, looks.borderLeftColor);
  for (const child of element.childNodes) {
    if (child instanceof Text) parts.push(...words(child, looks, left, top));
    else if (child instanceof Element) put(child, left, top, parts);
  }
}

/** Each word stands by itself where the browser has put it: lines break, and figures stand under each other, as on the page. @param {Text} text @param {CSSStyleDeclaration} looks @param {number} left @param {number} top */
function* words(text, looks, left, top) {
  const range = document.createRange();
  pen.font = `${looks.fontWeight} ${looks.fontSize} ${looks.fontFamily}`;
  const ascent = pen.measureText('0').fontBoundingBoxAscent;
  for (const word of text.data.matchAll(/\S+/g)) {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    const [box] = range.getClientRects();
    if (box) yield svg('text', { x: box.left - left, y: box.top - top + ascent, fill: looks.color, 'font-size': looks.fontSize, 'font-weight': looks.fontWeight, 'letter-spacing': looks.letterSpacing, 'font-variant': looks.fontVariantNumeric }, word[0]);
  }
}
