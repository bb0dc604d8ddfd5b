import pytest

from app.errors import InvalidValue
from app.registry.values.texts import line


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("Pulo Gebang", "Pulo Gebang"), ("  Pulo \u00a0 Gebang\n", "Pulo Gebang"), ("x" * 120, "x" * 120)],
)
def test_blanks_are_made_single(typed: str, kept: str) -> None:
    assert line("name", typed) == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (" \t ", "It must not be empty."),
        ("x" * 121, "At most 120 characters."),
        ("Pulo\x00Gebang", "It has an invisible character in it; type it anew."),
        ("Pulo\u200bGebang", "It has an invisible character in it; type it anew."),
        ("Pulo\ud800", "It has an invisible character in it; type it anew."),
    ],
)
def test_what_is_no_line_is_refused(typed: str, said: str) -> None:
    refusal = line("name", typed)
    assert isinstance(refusal, InvalidValue)
    assert (refusal.field, refusal.message("en")) == ("name", said)
