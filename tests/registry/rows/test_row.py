"""One row without the database: every spelling that the standard's users write, and what each refusal names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.errors import Refusal
from app.models.enums import Direction, Mode, RegistrantStatus
from app.registry.caller import Caller
from app.registry.rows import row
from app.registry.rows.row import LONGEST_CELL, REQUIRED, ParsedRow, row_of
from app.registry.values import standard
from app.vault.vault import Vault
from tests.registry.rows.records import record
from tests.world import HUBDAT, NOW, nik_of

OWN = {"hubdat": "hubdat", "ditjen hubdat": "hubdat"}
S = RegistrantStatus


def read(vault: Vault, values: object, caller: Caller = HUBDAT) -> ParsedRow | Refusal:
    return row.parse(row_of(values), caller, OWN, vault, NOW.date())


def good(vault: Vault, **changes: Any) -> ParsedRow:
    parsed = read(vault, record(**changes))
    assert isinstance(parsed, ParsedRow), parsed.message()
    return parsed


def wrong(vault: Vault, values: object) -> tuple[str | None, str]:
    refusal = read(vault, values)
    assert isinstance(refusal, Refusal)
    return refusal.field, refusal.message()


def test_a_record_is_read(vault: Vault) -> None:
    parsed = good(vault, source="hubdat")
    assert (parsed.organizer, parsed.name, parsed.status) == ("hubdat", "Warga Contoh", S.REGISTERED)
    assert parsed.nik.digits == nik_of(1)
    assert parsed.nik_index == vault.blind_index(nik_of(1))
    assert parsed.registered_at == datetime(2026, 3, 1, 17, tzinfo=UTC)
    assert parsed.itinerary.direction is Direction.MUDIK
    assert (parsed.motorcycle, parsed.reference, parsed.identity_document) == (None, None, None)


def test_it_shows_nobody(vault: Vault) -> None:
    assert nik_of(1) not in repr(good(vault)) + repr(row_of(record()))
    assert "Warga" not in repr(good(vault)) + repr(row_of(record()))


@pytest.mark.parametrize(
    "spelling", ["{}", " {} ", "'{}", "\t{}", "‘{}", "{:.4}-{}", "dots", "blanks", "dashes"], ids=range(9)
)
def test_niks(vault: Vault, spelling: str) -> None:
    digits = nik_of(1)
    groups = {"dots": ".", "blanks": " ", "dashes": "-"}
    if spelling in groups:
        written = groups[spelling].join((digits[:6], digits[6:12], digits[12:]))
    else:
        written = spelling.format(digits) if "." not in spelling else f"{digits[:4]}-{digits[4:]}"
    assert good(vault, data_nik=written).nik.digits == digits


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (int(nik_of(1)), "dikirim sebagai bilangan"),
        (float(nik_of(1)), "dikirim sebagai bilangan"),
        ("3.2010101909E+15", "lembar kerja"),
        (f"{nik_of(1)}.0", "lembar kerja"),
        (nik_of(1)[:15], "16 angka"),
        (None, "16 angka"),
        ("  ", "16 angka"),
        ("３" + nik_of(1)[1:], "angkanya harus 0–9 biasa"),
        ("99" + nik_of(1)[2:], "kode provinsi"),
        (nik_of(1)[:12] + "0000", "0000"),
        (nik_of(1)[:6] + "320190" + nik_of(1)[12:], "tanggal lahir"),
    ],
    ids=range(11),
)
def test_what_is_no_nik(vault: Vault, written: object, reason: str) -> None:
    column, message = wrong(vault, record(data_nik=written))
    assert column == "data_nik"
    assert reason in message


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-02", "2026-03-01T17:00Z"),
        ("2026-03-02T08:15:00+07:00", "2026-03-02T01:15Z"),
        ("2026-03-02T01:15:00Z", "2026-03-02T01:15Z"),
        ("2026-03-02 08:15:00", "2026-03-02T01:15Z"),
        ("02/03/2026", "2026-03-01T17:00Z"),
        ("2-3-2026", "2026-03-01T17:00Z"),
        ("02 Mar 2026 08:15:00 WIB", "2026-03-02T01:15Z"),
        ("2 Maret 2026", "2026-03-01T17:00Z"),
        ("06 Mei 2025", "2025-05-05T17:00Z"),
        ("17 Agt 2025 10:00", "2025-08-17T03:00Z"),
        ("1 Okt 2025 10:00 WITA", "2025-10-01T02:00Z"),
        ("31 Des 2025 23:59 WIT", "2025-12-31T14:59Z"),
        ("Senin, 2 Maret 2026 pukul 08.15", "2026-03-02T01:15Z"),
    ],
)
def test_dates(vault: Vault, written: str, instant: str) -> None:
    assert good(vault, tanggal_pendaftaran=written).registered_at == datetime.fromisoformat(instant)
    assert good(vault, waktu_keberangkatan=written).itinerary.departs_at == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    "written", ["31/02/2026", "2026-13-01", "kemarin", "45353", 45353, "03/02/26", "2026-03-02 25:00"]
)
def test_what_is_no_date(vault: Vault, written: object) -> None:
    assert wrong(vault, record(tanggal_pendaftaran=written))[0] == "tanggal_pendaftaran"
    assert wrong(vault, record(waktu_keberangkatan=written))[0] == "waktu_keberangkatan"


@pytest.mark.parametrize(
    ("written", "direction"),
    [
        ("Arus mudik", "MUDIK"),
        ("ARUS MUDIK", "MUDIK"),
        (" arus  mudik", "MUDIK"),
        ("Arus balik", "BALIK"),
        ("aRuS bAlIk", "BALIK"),
    ],
)
def test_directions(vault: Vault, written: str, direction: str) -> None:
    assert good(vault, tipe_keberangkatan=written).itinerary.direction == direction


@pytest.mark.parametrize("written", ["mudik", "pulang", "1"])
def test_what_is_no_direction(vault: Vault, written: str) -> None:
    assert wrong(vault, record(tipe_keberangkatan=written)) == (
        "tipe_keberangkatan",
        "Tipe keberangkatan harus Arus mudik / Arus balik.",
    )


@pytest.mark.parametrize("status", list(S))
def test_statuses_by_code_and_by_title(vault: Vault, status: RegistrantStatus) -> None:
    code, title = standard.STATUS_CODES[status], standard.title(status)
    spelt: list[dict[str, object]] = [
        {"status_pemesanan_code": code},
        {"status_pemesanan_code": str(code)},
        {"status_pemesanan_code": float(code)},
        {"status_pemesanan_code": f" {code} "},
        {"status_pemesanan_code": None, "status_pemesanan_tittle": title},
        {"status_pemesanan_code": "", "status_pemesanan_tittle": title.upper()},
        {"status_pemesanan_code": code, "status_pemesanan_tittle": f"  {title.lower()} "},
    ]
    assert {good(vault, **one).status for one in spelt} == {status}


@pytest.mark.parametrize(
    ("code", "title", "column"),
    [
        (7, None, "status_pemesanan_code"),
        ("x", None, "status_pemesanan_code"),
        ("1.5", None, "status_pemesanan_code"),
        (None, None, "status_pemesanan_code"),
        ("", "  ", "status_pemesanan_code"),
        (None, "daftar", "status_pemesanan_tittle"),
        (1, "Batal", "status_pemesanan_code"),
    ],
)
def test_what_is_no_status(vault: Vault, code: object, title: object, column: str) -> None:
    values = record(status_pemesanan_code=code, status_pemesanan_tittle=title, status_pemesanan_title="Terdaftar")
    assert wrong(vault, values)[0] == column


@pytest.mark.parametrize("column", REQUIRED)
@pytest.mark.parametrize("written", [None, "", "   "])
def test_what_is_required(vault: Vault, column: str, written: object) -> None:
    assert wrong(vault, record(**{column: written})) == (column, "Kolom ini wajib diisi.")


@pytest.mark.parametrize("column", ["rute_perjalanan", "keberangkatan_terminal", "kota_tujuan"])
@pytest.mark.parametrize("written", ["---", "x" * 201, "a\u200bb", "a\x00b"], ids=range(4))
def test_what_is_no_name_of_a_place(vault: Vault, column: str, written: str) -> None:
    assert wrong(vault, record(**{column: written}))[0] == column


def test_a_route_goes_somewhere(vault: Vault) -> None:
    ends = {"tujuan_terminal": "TERMINAL PULOGEBANG", "kota_tujuan": "Jaktim"}
    assert good(vault, tujuan_terminal="Stasiun Pulo Gebang", kota_tujuan="Jaktim")
    assert wrong(vault, record(keberangkatan_terminal="Terminal Pulo Gebang", **ends))[0] == "tujuan_terminal"


@pytest.mark.parametrize(
    ("written", "mode"),
    [
        ("bus", Mode.BUS),
        ("BIS", Mode.BUS),
        ("Kereta  Api", Mode.TRAIN),
        ("kapal laut", Mode.SHIP),
        ("truck", Mode.TRUCK),
    ],
)
def test_modes(vault: Vault, written: str, mode: Mode) -> None:
    assert good(vault, moda=written).itinerary.mode is mode


def test_what_is_no_mode(vault: Vault) -> None:
    assert wrong(vault, record(moda="becak")) == ("moda", "Moda harus salah satu dari: Bus, Kereta api, Kapal, Truk.")


@pytest.mark.parametrize("source", ["hubdat", "HUBDAT", " Ditjen  Hubdat ", None, ""])
def test_sources(vault: Vault, source: str | None) -> None:
    assert good(vault, source=source).organizer == "hubdat"


def test_one_of_the_papers_is_not_enough_but_is_read(vault: Vault) -> None:
    papers = good(vault, nomor_polisi="B 1", nomor_stnk="2").motorcycle
    assert papers is not None
    assert (papers.plate, papers.registration_number) == ("B 1", "2")
    half = good(vault, nomor_stnk=77)
    assert half.motorcycle is not None
    assert (half.motorcycle.plate, half.itinerary.with_motorcycle) == ("", True)


@pytest.mark.parametrize("values", ["x", 5, None, ["data_nik"]])
def test_what_is_no_record(vault: Vault, values: object) -> None:
    assert wrong(vault, values) == ("", "Setiap data harus berupa objek dengan 12 kolom standar.")


@pytest.mark.parametrize("value", [True, ["x"], {"x": 1}])
@pytest.mark.parametrize("column", ["data_nik", "data_pemesan", "kode_booking"])
def test_what_is_neither_text_nor_a_number(vault: Vault, column: str, value: object) -> None:
    assert wrong(vault, record(**{column: value})) == (column, "Nilainya harus teks atau angka.")


def test_a_text_is_measured_before_it_is_tidied(vault: Vault) -> None:
    for column in ("data_nik", "data_pemesan", "kota_tujuan", "source", "kode_booking"):
        long = record(**{column: "a b" * LONGEST_CELL})
        assert wrong(vault, long) == (column, "Paling banyak 1000 karakter.")
    assert good(vault, data_pemesan="Warga Contoh" + " " * 900).name == "Warga Contoh"


def test_the_same_words_of_a_route_are_one(vault: Vault) -> None:
    assert good(vault).itinerary is good(vault, data_nik=nik_of(2)).itinerary
    assert good(vault).itinerary is not good(vault, moda="bus").itinerary
