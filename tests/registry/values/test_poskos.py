"""The posko where somebody was verified: a short line, and not a NIK in disguise."""

import pytest

from app.errors import InvalidValue
from app.registry.values.texts import posko_given


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, None), ("", None), ("  ", None), (" Posko  Pulo Gebang 2 ", "Posko Pulo Gebang 2"), ("P" * 120, "P" * 120)],
)
def test_a_posko_is_kept_on_one_line(given: str | None, kept: str | None) -> None:
    assert posko_given(given) == kept


@pytest.mark.parametrize("given", ["P" * 121, "Posko\x00", "Posko\ud800"])
def test_it_is_short_and_visible(given: str) -> None:
    refused = posko_given(given)
    assert isinstance(refused, InvalidValue)
    assert refused.field == "posko"


@pytest.mark.parametrize("given", ["3201010101909001", "Posko 320101-010190-9001"])
def test_a_nik_does_not_belong_in_it(given: str) -> None:
    refused = posko_given(given)
    assert isinstance(refused, InvalidValue)
    assert refused.field == "posko"
    assert refused.message("id") == "Nama posko tidak boleh memuat NIK."
    assert refused.message("en") == "A posko's name must not contain a NIK."
