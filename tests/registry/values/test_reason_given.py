"""A reason for a decision about a person: required, short, without a NIK."""

import pytest

from app.errors import InvalidValue
from app.registry.values.texts import reason_given


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Permintaan peserta", "Permintaan peserta"),
        ("  salah\n ketik ", "salah ketik"),
        ("x" * 500, "x" * 500),
        ("surat 123456789012345", "surat 123456789012345"),
    ],
)
def test_a_reason_is_kept_on_one_line(given: str, kept: str) -> None:
    assert reason_given(given) == kept


@pytest.mark.parametrize("given", ["", " \n\t ", "x" * 501, "a\x00b", "a\ud800b", "a\u200bb"])
def test_a_reason_is_required_and_short(given: str) -> None:
    refused = reason_given(given)
    assert isinstance(refused, InvalidValue)
    assert (refused.code, refused.field) == ("INVALID_VALUE", "reason")
    assert refused.message("id") == "Alasan wajib diisi, paling banyak 500 huruf."
    assert refused.message("en") == "A reason of 1 to 500 characters."


@pytest.mark.parametrize("given", ["NIK 3201010101909001 salah", "320101-010190-9001", "3201 0101 0190 9001"])
def test_a_nik_does_not_belong_in_it(given: str) -> None:
    refused = reason_given(given, field="note")
    assert isinstance(refused, InvalidValue)
    assert refused.field == "note"
    assert refused.message("id") == "Alasan tidak boleh memuat NIK."
    assert refused.message("en") == "A reason must not contain a NIK."
