// What a walk by keyboard learns of a page. It is put into the page before the page's own scripts (`tests/web/walking.py`).
(() => {
  const CONTROLS = 'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]';
  const NATIVE = 'a[href], button, input, select, textarea, summary';
  const pressed = new Set();
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (type === 'click' && this instanceof Element) pressed.add(this);
    return listen.call(this, type, ...rest);
  };
  // A button that prints would wait for a printer.
  window.print = () => {};

  const named = (one) => {
    const words = (one.getAttribute('aria-label') ?? one.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 40);
    return `${one.tagName.toLowerCase()}${one.id && `#${one.id}`}${[...one.classList].map((name) => `.${name}`).join('')} "${words}"`;
  };
  const labels = (one) => [...(one.labels ?? [])];
  const has = (one) => { const { width, height } = one.getBoundingClientRect(); return width > 1 && height > 1; };
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && (has(one) || labels(one).some(has));
  const top = () => document.querySelector('dialog:modal') ?? document.body;
  const usable = (one) => shown(one) && !one.matches(':disabled') && !one.closest('[inert]') && top().contains(one);
  const all = (selector) => [...top().querySelectorAll(selector)].filter(usable);

  // Of radio buttons of one name, Tab comes to one; arrows do the rest.
  const isOtherRadio = (one) => {
    if (one.type !== 'radio') return false;
    const group = all('input[type=radio]').filter((other) => other.name === one.name && other.form === one.form);
    return one !== (group.find((other) => other.checked) ?? group[0]);
  };
  const stops = () => all(CONTROLS).filter((one) => one.tabIndex >= 0 && !isOtherRadio(one));

  // The browser makes a stop of what scrolls and holds none.
  const scrolls = (one) => one.scrollHeight > one.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(one).overflowY) || one.scrollWidth > one.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(one).overflowX);

  const isForMouseOnly = (one) => !one.closest(NATIVE) && !one.closest('label') && !one.querySelector(CONTROLS) && !one.closest('[tabindex="0"], .v');
  const pointed = () => all('*').filter((one) => getComputedStyle(one).cursor === 'pointer' && getComputedStyle(one.parentElement ?? one).cursor !== 'pointer');
  function forMouseOnly() {
    const listening = [...pressed].filter((one) => one.isConnected && usable(one));
    const wide = (one) => one === document.body || one === document.documentElement;
    const odd = [...new Set([...listening, ...pointed()])].filter((one) => !wide(one) && isForMouseOnly(one));
    const left = all(NATIVE).filter((one) => one.tabIndex < 0 && !isHandedOn(one));
    const charts = all('svg').filter((one) => one.querySelector('.v') && !one.querySelector('.v[tabindex="0"]'));
    return [...odd, ...left, ...charts].map((one) => `only for the mouse: ${named(one)}`);
  }
  // A field for a file that a button opens has no stop of its own.
  const isHandedOn = (one) => one.type === 'file' && one.classList.contains('vh') && one.previousElementSibling?.matches('button');

  const LOOKS = ['outlineStyle', 'outlineWidth', 'outlineColor', 'boxShadow', 'borderTopColor', 'stroke', 'transform'];
  const looks = (one) => [one, ...one.children, ...labels(one), one.closest('label, .drop')].filter(Boolean)
    .map((part) => LOOKS.map((name) => getComputedStyle(part)[name]).join(' ')).join('\n');
  function covered(one) {
    const part = has(one) ? one : labels(one)[0];
    const { left, right, top: above, bottom } = part.getBoundingClientRect();
    const x = (Math.max(0, left) + Math.min(innerWidth, right)) / 2, y = (Math.max(0, above) + Math.min(innerHeight, bottom)) / 2;
    const hit = document.elementFromPoint(x, y);
    const isOurs = hit && (part.contains(hit) || hit.contains(part) || labels(one).some((label) => label.contains(hit)));
    return isOurs ? '' : `${hit ? named(hit) : 'an edge'}`;
  }

  let walked = [];
  const place = (one) => { const box = (has(one) ? one : labels(one)[0] ?? one).getBoundingClientRect(); return { left: box.left, right: box.right, top: box.top + scrollY, bottom: box.bottom + scrollY }; };
  listen.call(window, 'keyup', ({ key }) => {
    if (key !== 'Tab') return;
    const one = document.activeElement, last = walked.at(-1);
    const known = one && one !== document.body;
    // The button inside a field for a day is the browser's own: there the field itself does not look focused.
    if (known && last?.one === one && !one.matches(':focus')) return;
    if (known && last?.one === one) walked.pop();
    walked.push(known ? { one, name: named(one), focused: looks(one), covered: covered(one) } : null);
  }, true);

  const precedes = (one, other) => one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
  // Up again only into a column further on, to the left only on a line further down.
  const goesBack = (before, after) => (after.bottom <= before.top && after.left < before.right) || (after.right <= before.left && after.top < before.bottom && after.bottom > before.top);

  window.walk = {
    begin() {
      document.activeElement?.blur();
      walked = [];
    },
    /** How many stops the walk has not come to yet. */
    left() {
      const met = new Set(walked.map((it) => it?.one));
      return stops().filter((one) => !met.has(one)).length;
    },
    /** What was wrong with a walk from the first stop to the last, or with `back` from the last to the first. */
    faults(back) {
      document.activeElement?.blur();
      const expected = stops(), known = new Set(expected);
      const came = walked.filter((it) => it && (known.has(it.one) || !scrolls(it.one)));
      // What was drawn anew meanwhile.
      for (const it of came) if (!it.one.isConnected) it.one = expected.find((one) => named(one) === it.name) ?? it.one;
      // A walk goes round, and begins where the focus last was.
      const round = came.filter(({ one }, at) => came.findIndex((it) => it.one === one) === at);
      if (back) round.reverse();
      const first = Math.max(0, round.findIndex(({ one }) => one === expected[0]));
      const once = [...round.slice(first), ...round.slice(0, first)];
      const met = new Set(came.map(({ one }) => one));
      const found = expected.filter((one) => !met.has(one)).map((one) => `not reached: ${named(one)}`);
      for (const { one, focused, covered: hidden } of once) {
        if (looks(one) === focused) found.push(`looks the same with the focus: ${named(one)}`);
        if (hidden) found.push(`has the focus and is covered: ${named(one)}, by ${hidden}`);
      }
      once.slice(1).forEach((after, at) => {
        const before = once[at];
        if (!precedes(before.one, after.one)) found.push(`not in the order of the document: ${named(before.one)}, then ${named(after.one)}`);
        const isFrame = [before.one, after.one].some((one) => !one.closest('main, dialog'));
        if (!isFrame && goesBack(place(before.one), place(after.one))) found.push(`not in the order of reading: ${named(before.one)}, then ${named(after.one)}`);
      });
      return [...new Set([...found, ...forMouseOnly()])];
    },
    named: (one = document.activeElement) => named(one),
    /** Buttons that may open a dialog: of those that say the same, the first. Nothing else is done by a press of one: an act asks once. */
    buttons() {
      const seen = new Set();
      return all('#isi button:not([type=submit], [data-save]), #who').filter((one) => !seen.has(one.textContent) && seen.add(one.textContent));
    },
  };
})();
