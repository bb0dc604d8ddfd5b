from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from app.errors import Language
from app.intake.files import columns
from app.intake.files.columns import Header
from app.intake.files.file_refusals import BY_CODE, ColumnMissing, ColumnRepeated, FileRefused
from app.registry.values import standard
from tests.intake.sheets import KNOWN


def header_of(names: Sequence[str]) -> Header | FileRefused:
    return columns.header_of(1, names, None, standard.COLUMNS, standard.EXTENSIONS)


def without(*names: str) -> list[str]:
    return [name for name in standard.COLUMNS if name not in names]


@pytest.mark.parametrize(
    "written",
    [
        "data_nik",
        "DATA_NIK",
        "Data_Nik",
        "  data_nik\t",
        "\u00a0data_nik\u00a0",
        "data nik",
        "Data  NIK",
        "data\u00a0nik",
        "data-nik",
        "data_ nik",
        "\ufeffdata_nik",
        "data_\u200bnik",
        "data\nnik",
        "ｄａｔａ＿ｎｉｋ",
        "_data_nik_",
    ],
    ids=ascii,
)
def test_a_heading_is_known_however_it_is_written(written: str) -> None:
    assert columns.name_of(written, KNOWN) == "data_nik"


@pytest.mark.parametrize("written", ["nik", "datanik", "data_nik_2", "", None, "data.nik"], ids=str)
def test_another_heading_is_another_column(written: str | None) -> None:
    assert columns.name_of(written, KNOWN) is None


@pytest.mark.parametrize("name", [*standard.COLUMNS, *standard.EXTENSIONS])
def test_every_column_is_known_by_its_name(name: str) -> None:
    assert columns.name_of(name.upper().replace("_", " "), KNOWN) == name


def test_the_right_spelling_of_the_title_counts_as_the_standards() -> None:
    header = header_of([*without("status_pemesanan_tittle"), "Status Pemesanan Title"])
    assert isinstance(header, Header)
    assert header.names[-1] == "status_pemesanan_tittle"
    assert header.columns[-1] == "Status Pemesanan Title"


def test_columns_stand_in_any_order_and_others_are_kept_aside() -> None:
    header = header_of(["No", *reversed(standard.COLUMNS), "Nomor HP", ""])
    assert isinstance(header, Header)
    assert header.names == (None, *reversed(standard.COLUMNS), None, None)
    cells = [str(place) for place in range(15)]
    assert header.values(cells) == {name: str(place) for place, name in enumerate(reversed(standard.COLUMNS), start=1)}


def test_all_that_is_missing_is_said_at_once() -> None:
    refused = header_of(["data_pemesan", "source", "kota_tujuan", "tipe_keberangkatan"])
    assert isinstance(refused, ColumnMissing)
    assert refused.columns == (
        "data_nik",
        "rute_perjalanan",
        "keberangkatan_terminal",
        "tujuan_terminal",
        "kota_keberangkatan",
        "tanggal_pendaftaran",
        "status_pemesanan_tittle",
        "status_pemesanan_code",
    )
    assert "data_nik, rute_perjalanan, keberangkatan_terminal" in refused.message("id")
    assert "data_nik, rute_perjalanan, keberangkatan_terminal" in refused.message("en")


@pytest.mark.parametrize("name", ["status_pemesanan_tittle", "status_pemesanan_code", "source"])
def test_one_of_title_and_code_is_enough_and_source_may_be_left_out(name: str) -> None:
    assert isinstance(header_of(without(name)), Header)


def test_a_repeated_column_is_refused_however_it_is_written() -> None:
    refused = header_of([*standard.COLUMNS, "Data NIK", "status_pemesanan_title"])
    assert isinstance(refused, ColumnRepeated)
    assert refused.columns == ("data_nik", "status_pemesanan_tittle")
    assert "data_nik, status_pemesanan_tittle" in refused.message("id")
    assert "data_nik, status_pemesanan_tittle" in refused.message("en")


def test_extra_columns_may_repeat() -> None:
    assert isinstance(header_of([*standard.COLUMNS, "catatan", "catatan", "", ""]), Header)


def test_the_header_is_the_first_row_with_three_of_ours() -> None:
    rows: list[tuple[int, list[str | None]]] = [
        (1, ["DATA PEMUDIK", None]),
        (2, ["data_nik", "source"]),
        (3, ["No", "data_nik", "source", "Kota Tujuan", None, " "]),
        (4, list(standard.COLUMNS)),
    ]
    assert columns.find(rows, KNOWN) == (3, ["No", "data_nik", "source", "Kota Tujuan"])
    assert columns.find(rows[:2], KNOWN) is None


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_refusal_says_what_to_do_in_both_languages(code: str) -> None:
    facts: dict[str, dict[str, Any]] = {
        "FILE_TOO_LARGE": {"megabytes": 20},
        "FILE_TOO_MANY_ROWS": {"rows": 150_000},
        "COLUMN_MISSING": {"columns": ["source"]},
        "COLUMN_REPEATED": {"columns": ["source"]},
    }
    refused = BY_CODE[code](**facts.get(code, {}))
    languages: tuple[Language, ...] = ("id", "en")
    for language in languages:
        told = refused.message(language)
        assert told.count(".") >= 2
        assert "{" not in told
