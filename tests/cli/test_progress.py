from __future__ import annotations

import io
import sys

import pytest

from app.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_shown_where_nobody_watches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SHOWN_AFTER_SECONDS", -1)
    with progress.bar("Working") as tell:
        tell(1, 2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("after", "shown"), [(-1.0, True), (60.0, False)])
def test_a_terminal_shows_what_takes_long(after: float, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "SHOWN_AFTER_SECONDS", after)
    with progress.bar("Working") as tell:
        tell(1, 2)
        tell(2, 2)
    assert ("Working" in terminal.getvalue()) is shown
