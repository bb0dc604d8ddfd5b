"""A walk by keyboard alone over a page: from stop to stop, into each dialog and out again, and past the menu.

What is looked at in the page is in `walking.js`.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, ElementHandle, Page

WALKING = Path(__file__).parent / "walking.js"
OPEN = "document.querySelector('dialog:modal') !== null"
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Charts have been drawn anew for a new width."""
ROUNDS = 8
"""Each presses Tab as often as stops are left: a field for a day has several, and the browser has some of its own."""


def watch(context: BrowserContext) -> None:
    """Before a page is opened: who listens to the mouse must be known."""
    context.add_init_script(path=WALKING)


def faults(page: Page, *, back: bool = False) -> list[str]:
    """What a person with a keyboard alone would miss on the way through the page. `back`: from the last stop on."""
    page.evaluate(DRAWN)
    page.evaluate("walk.begin()")
    for _ in range(ROUNDS):
        for _ in range(page.evaluate("walk.left()")):
            page.keyboard.press("Shift+Tab" if back else "Tab")
    found: list[str] = page.evaluate("(back) => walk.faults(back)", back)
    return found


def skip_faults(page: Page) -> list[str]:
    """The first stop leads past the menu."""
    page.evaluate("walk.begin()")
    for key in ("Tab", "Enter", "Tab"):
        page.keyboard.press(key)
    inside = page.evaluate("document.activeElement.closest('#isi') !== null")
    return [] if inside else [f"behind the link past the menu comes {page.evaluate('walk.named()')}"]


def dialog_faults(page: Page) -> list[str]:
    """Each dialog that a button opens by Enter is walked, and closes by Escape; the focus is back where it was."""
    found: list[str] = []
    for button in buttons(page):
        if not button.evaluate("(one) => { one.focus(); return document.activeElement === one; }"):
            continue
        page.keyboard.press("Enter")
        if not page.evaluate(OPEN):
            continue
        name = button.evaluate("(one) => walk.named(one)")
        found += [f"{name}: {one}" for one in faults(page)]
        page.keyboard.press("Escape")
        if page.evaluate(OPEN):
            found.append(f"stays open: {name}")
        elif not button.evaluate("(one) => document.activeElement === one"):
            found.append(f"does not get the focus back: {name}")
    return found


def buttons(page: Page) -> list[ElementHandle]:
    found = page.evaluate_handle("walk.buttons()").get_properties().values()
    return [one for one in (each.as_element() for each in found) if one is not None]
