"""`GET /template.xlsx`: the empty standard, with an example row and a sheet that explains each column.

Its cells are formatted as text, so that Excel turns nothing into a number or a date. Reading leaves the example row out
(`columns.is_example`). Even if it were read, nobody would be registered by it: no NIK ends in 0000.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any

from starlette.responses import Response
from starlette.routing import Route
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from app.intake import http
from app.intake.files.archives import MOST_ROWS
from app.intake.files.columns import EXAMPLE_NAME, EXAMPLE_NIK
from app.intake.files.encoding_xlsx import Xlsx
from app.registry.values import particulars
from app.registry.values.standard import (
    COLUMNS,
    DIRECTION_TITLES,
    EXTENSIONS,
    MODE_TITLES,
    STATUS_CODES,
    STATUS_TITLES,
    STATUSES,
    VERSION,
)

PATH = "/template.xlsx"
SHEET, EXPLANATIONS = "Data Pemudik", "Penjelasan"
LAST_ROW = 20_000
"""Cells down to this row have drop-downs. The format of text goes down to the last row of the sheet."""
CHOICES = {
    "tipe_keberangkatan": list(DIRECTION_TITLES.values()),
    "status_pemesanan_tittle": [STATUS_TITLES[status] for status in STATUSES],
    "status_pemesanan_code": [str(STATUS_CODES[status]) for status in STATUSES],
}

EXAMPLE = {
    "data_nik": EXAMPLE_NIK,
    "data_pemesan": EXAMPLE_NAME,
    "rute_perjalanan": "Jakarta - Solo",
    "keberangkatan_terminal": "Pulo Gebang",
    "tujuan_terminal": "Tirtonadi",
    "kota_keberangkatan": "Kota Jakarta Timur",
    "kota_tujuan": "Kota Surakarta",
    "tipe_keberangkatan": "Arus mudik",
    "tanggal_pendaftaran": "2026-03-06 08:00:00",
    "status_pemesanan_tittle": "Terdaftar",
    "status_pemesanan_code": "1",
    "source": "hubdat",
}
_CODES = ", ".join(f"{STATUS_CODES[status]} {title}" for status, title in STATUS_TITLES.items())
_MEANINGS = {
    "data_nik": "Wajib. NIK peserta, 16 angka, sebagai teks. Bila Excel mengubahnya menjadi bilangan, angka terakhirnya"
    " hilang dan baris itu ditolak; ketik ulang di kolom ini, yang sudah berformat teks.",
    "data_pemesan": "Wajib. Nama peserta sesuai kartu identitas.",
    "rute_perjalanan": "Wajib. Nama rute, misalnya Jakarta - Solo. Rute yang belum dikenal dicatat untuk ditinjau.",
    "keberangkatan_terminal": "Wajib. Nama terminal, stasiun, pelabuhan atau titik kumpul keberangkatan.",
    "tujuan_terminal": "Wajib. Nama terminal, stasiun, pelabuhan atau titik tujuan.",
    "kota_keberangkatan": "Wajib. Kota atau kabupaten keberangkatan.",
    "kota_tujuan": "Wajib. Kota atau kabupaten tujuan.",
    "tipe_keberangkatan": "Wajib. Arus mudik atau Arus balik.",
    "tanggal_pendaftaran": "Wajib. Misalnya 2026-03-06 08:00:00, 06/03/2026 (hari/bulan/tahun) atau 06 Mar 2026 08:00"
    " WIB. Tanpa zona waktu berarti WIB.",
    "status_pemesanan_tittle": "Judul status. Judul atau kode, salah satu cukup; bila keduanya diisi, harus cocok."
    " Ejaan “tittle” memang demikian dalam standar.",
    "status_pemesanan_code": f"Kode status: {_CODES}. Kode 4 sampai 6 adalah perluasan registri ini.",
    "source": "Kode atau nama penyelenggara. Boleh kosong: berarti penyelenggara yang mengirim berkas ini. Koordinator"
    " menulis anggota yang diwakilinya.",
    "nomor_polisi": "Opsional, kolom tambahan. Hanya untuk sepeda motor: nomor polisi.",
    "nomor_stnk": "Opsional, kolom tambahan. Hanya untuk sepeda motor: nomor STNK.",
    "waktu_keberangkatan": "Opsional, kolom tambahan. Waktu berangkat, bila satu rute berangkat beberapa kali.",
    "waktu_verifikasi": "Opsional, kolom tambahan. Waktu validasi di posko, bila daftar dikirim kemudian.",
    "moda": f"Opsional, kolom tambahan. Moda angkutan: {', '.join(MODE_TITLES.values())}.",
    **{told.column: told.meaning for told in particulars.TOLD.values()},
}
MEANINGS = {column: _MEANINGS[column] for column in (*COLUMNS, *EXTENSIONS)}
NOTES = (
    "Isi data mulai baris kedua lembar “Data Pemudik”. Baris contoh tidak ikut dibaca; hapus atau timpa.",
    "Urutan kolom bebas, kolom lain boleh ditambahkan; nama kolom jangan diubah.",
    f"Satu baris adalah satu orang pada satu rute. Paling banyak {MOST_ROWS:,} baris per berkas.".replace(",", "."),
    "Mengirim berkas yang sama lagi tidak mengubah apa pun.",
    f"Standar data: versi {VERSION}.",
)


def routes() -> list[Route]:
    def template() -> Response:
        headers = {
            "Content-Disposition": 'attachment; filename="templat-pemudik.xlsx"',
            "Cache-Control": "public, max-age=3600",
        }
        return Response(workbook(), headers=headers, media_type=Xlsx.media)

    return [http.open_route(PATH, template)]


@lru_cache(maxsize=1)
def workbook() -> bytes:
    content = BytesIO()
    with Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}) as book:
        heading = book.add_format({"bold": True, "bg_color": "#DCE6F1", "num_format": "@"})
        example = book.add_format({"italic": True, "font_color": "#7F7F7F", "bg_color": "#FFF2CC", "num_format": "@"})
        text = book.add_format({"num_format": "@"})
        data = book.add_worksheet(SHEET)
        data.freeze_panes(1, 1)
        for place, column in enumerate(COLUMNS):
            data.set_column(place, place, max(len(column), len(EXAMPLE[column])) + 3, text)
            data.write_string(0, place, column, heading)
            data.write_string(1, place, EXAMPLE[column], example)
            data.data_validation(1, place, LAST_ROW, place, rule_of(column))
        explain(book.add_worksheet(EXPLANATIONS), heading, book.add_format({"text_wrap": True, "valign": "top"}))
    return content.getvalue()


def rule_of(column: str) -> dict[str, Any]:
    """What Excel offers or warns of. It stops nobody: the registry judges the row, and says why."""
    prompt = {"input_title": column, "input_message": MEANINGS[column][:255]}
    warning = {"error_type": "warning", "error_title": column}
    if column in CHOICES:
        told = f"Pilih: {', '.join(CHOICES[column])}."
        return {"validate": "list", "source": CHOICES[column], **prompt, **warning, "error_message": told}
    if column == "data_nik":
        told = "NIK harus 16 angka, ditulis sebagai teks."
        return {"validate": "length", "criteria": "==", "value": 16, **prompt, **warning, "error_message": told}
    return {"validate": "any", **prompt}


def explain(sheet: Worksheet, heading: Any, wrapped: Any) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 0, 28, wrapped)
    sheet.set_column(1, 1, 100, wrapped)
    sheet.set_column(2, 2, 28, wrapped)
    sheet.write_row(0, 0, ("kolom", "penjelasan", "contoh"), heading)
    for row, (column, meaning) in enumerate(MEANINGS.items(), start=1):
        sheet.write_row(row, 0, (column, meaning, EXAMPLE.get(column, "")))
    for row, note in enumerate(NOTES, start=len(MEANINGS) + 2):
        sheet.write_string(row, 1, note)
