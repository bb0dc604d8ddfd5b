"""An organizer's own booking code: short, plain, and never a NIK in disguise."""

import pytest

from app.errors import InvalidValue
from app.registry.values.texts import reference_given


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("BK-1", "BK-1"),
        ("  2026/03.02:A_7#9 x ", "2026/03.02:A_7#9 x"),
        ("A" * 64, "A" * 64),
        ("123456789012345", "123456789012345"),
        ("0", "0"),
        (None, None),
        ("", None),
        ("   ", None),
    ],
)
def test_a_booking_code_is_kept(given: str | None, kept: str | None) -> None:
    assert reference_given(given) == kept


@pytest.mark.parametrize("given", ["A" * 65, "-1", "=1+1", "BK\t1", "BK\n1", "kóde", "１", "a@b", "BK;1"])
def test_what_is_no_booking_code_is_refused(given: str) -> None:
    refused = reference_given(given)
    assert isinstance(refused, InvalidValue)
    assert (refused.code, refused.field) == ("INVALID_VALUE", "reference")
    assert refused.message("id") == "Kode booking: paling banyak 64 huruf, angka dan . _ / : # -."
    assert refused.message("en") == "A booking code has at most 64 letters, digits and . _ / : # -."


@pytest.mark.parametrize(
    "given",
    ["3201010101909001", "BK 3201010101909001", "320101-010190-9001", "3201 0101 0190 9001", "320101.010190.9001X"],
)
def test_a_nik_in_disguise_is_refused_and_not_repeated(given: str) -> None:
    refused = reference_given(given)
    assert isinstance(refused, InvalidValue)
    assert refused.field == "reference"
    assert refused.message("id") == "Kode booking tidak boleh memuat NIK."
    assert refused.message("en") == "A booking code must not be a NIK."
