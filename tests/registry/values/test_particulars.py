"""What an organizer tells beside the person and the route, from every door by one declaration."""

from __future__ import annotations

import pytest

from app.errors import InvalidValue
from app.models.tables.registrant import Registrant
from app.registry.values import particulars, standard, texts
from app.registry.values.particulars import Particulars


def test_each_is_a_column_of_registrants_and_an_extension_of_the_standard() -> None:
    assert set(particulars.NAMES) <= Registrant.model_fields.keys()
    assert set(particulars.COLUMNS) <= set(standard.EXTENSIONS)
    # Exports keep their columns where they are: a new one comes behind these.
    assert standard.EXTENSIONS[:6] == (
        "kode_booking",
        "nomor_polisi",
        "nomor_stnk",
        "jenis_dokumen",
        "waktu_keberangkatan",
        "moda",
    )


def test_values_are_tidied() -> None:
    told = particulars.judge(Particulars(reference=" BK-1 ", identity_document=" ktp"))
    assert told == Particulars(reference="BK-1", identity_document="KTP")
    assert particulars.judge(Particulars()) == Particulars()


def test_what_is_refused_is_named_as_its_door_names_it() -> None:
    by_graphql = particulars.judge(Particulars(identity_document="PASPOR"))
    by_row = particulars.of_row({"jenis_dokumen": "paspor", "kode_booking": "BK-1"})
    assert isinstance(by_graphql, InvalidValue)
    assert isinstance(by_row, InvalidValue)
    assert (by_graphql.field, by_row.field) == ("identityDocument", "jenis_dokumen")
    assert by_row.message("id") == by_graphql.message("id") == "Jenis dokumen: KTP, SIM, KK atau KIA."


def test_a_booking_code_is_in_no_text_of_it() -> None:
    assert "BK-1" not in repr(Particulars(reference="BK-1"))


def test_a_row_tells_what_its_cells_say() -> None:
    assert particulars.of_row({"kode_booking": "BK-1"}) == Particulars(reference="BK-1")
    assert particulars.of_row({}) == Particulars()


@pytest.mark.parametrize("document", ["KTP", "SIM", "KK", "KIA"])
def test_documents_of_the_terms(document: str) -> None:
    assert texts.document_given(document.lower()) == document


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_document_is_told(text: str | None) -> None:
    assert texts.document_given(text) is None
