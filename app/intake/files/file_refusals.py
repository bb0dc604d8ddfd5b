"""Why a file is not taken at all, and what to do about it.

FileRefused
├── FileTooLarge           FILE_TOO_LARGE            megabytes
├── FileEncrypted          FILE_ENCRYPTED
├── FileHasMacros          FILE_HAS_MACROS
├── FileNotASpreadsheet    FILE_NOT_A_SPREADSHEET
├── FileDamaged            FILE_DAMAGED
├── FileTooManyRows        FILE_TOO_MANY_ROWS        rows
├── FileTooComplex         FILE_TOO_COMPLEX
├── HeaderNotFound         HEADER_NOT_FOUND          columns
├── ColumnMissing          COLUMN_MISSING            columns
└── ColumnRepeated         COLUMN_REPEATED           columns
"""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import Language, Refusal, RefusalError


@dataclass(frozen=True, slots=True)
class FileRefused(Refusal):
    """The whole file is refused; a refused row is no such thing."""

    remedy = "Do what the message says, and send the file again."


class FileRefusedError(RefusalError):
    """Carries why a file is not taken; `others` are further reasons."""

    def __init__(self, refusal: FileRefused, *others: FileRefused) -> None:
        super().__init__(refusal)
        self.refusal: FileRefused = refusal
        self.others = others


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTooLarge(FileRefused):
    code = "FILE_TOO_LARGE"
    indonesian = "Berkas lebih besar dari {megabytes} MB. Bagi menjadi beberapa berkas, atau hapus gambar di dalamnya."
    english = "The file is larger than {megabytes} MB. Split it into several files, or remove the pictures in it."

    megabytes: int


@dataclass(frozen=True, slots=True)
class FileEncrypted(FileRefused):
    code = "FILE_ENCRYPTED"
    indonesian = "Berkas ini dilindungi kata sandi. Simpan ulang sebagai .xlsx tanpa kata sandi."
    english = "This file is protected by a password. Save it again as .xlsx without one."


@dataclass(frozen=True, slots=True)
class FileHasMacros(FileRefused):
    code = "FILE_HAS_MACROS"
    indonesian = "Berkas ini berisi makro. Simpan ulang sebagai “Buku Kerja Excel (.xlsx)”, tanpa makro."
    english = "This file contains macros. Save it again as an “Excel Workbook (.xlsx)”, without macros."


@dataclass(frozen=True, slots=True)
class FileNotASpreadsheet(FileRefused):
    code = "FILE_NOT_A_SPREADSHEET"
    indonesian = (
        "Isi berkas ini bukan .xlsx atau .csv, apa pun namanya. Buka di Excel, lalu simpan ulang sebagai .xlsx."
    )
    english = "The content is neither .xlsx nor .csv, whatever its name. Open it in Excel and save it again as .xlsx."


@dataclass(frozen=True, slots=True)
class FileDamaged(FileRefused):
    code = "FILE_DAMAGED"
    indonesian = "Berkas ini rusak atau terpotong. Buka di Excel, simpan ulang sebagai .xlsx, lalu kirim lagi."
    english = "This file is damaged or cut off. Open it in Excel, save it again as .xlsx and send that."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTooManyRows(FileRefused):
    code = "FILE_TOO_MANY_ROWS"
    indonesian = "Berkas ini lebih dari {rows} baris. Bagi menjadi beberapa berkas; isi di bawahnya juga dihitung."
    english = "This file has more than {rows} rows. Split it into several; what stands further down counts as well."

    rows: int


@dataclass(frozen=True, slots=True)
class FileTooComplex(FileRefused):
    code = "FILE_TOO_COMPLEX"
    indonesian = (
        "Berkas ini terlalu rumit untuk dibaca dengan aman. Salin hanya tabelnya ke buku kerja baru (tanpa sel yang"
        " jauh di kanan atau di bawah), simpan sebagai .xlsx, dan bagi menjadi beberapa berkas bila sangat besar."
    )
    english = (
        "This file is too complex to be read safely. Copy only the table to a new workbook (no cells far to the right"
        " or far down), save that as .xlsx, and split it into several files if it is very big."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderNotFound(FileRefused):
    code = "HEADER_NOT_FOUND"
    indonesian = (
        "Tidak ada baris judul kolom pada sepuluh baris pertama. Pakai templat: baris judul memuat {names} dan"
        " seterusnya."
    )
    english = "None of the first ten rows is a header. Use the template: its header row has {names} and so on."

    columns: tuple[str, ...] = ("data_nik", "data_pemesan")
    """The first ones of the template."""

    def facts(self, language: Language) -> dict[str, object]:  # noqa: ARG002 - columns have one name
        return {"names": ", ".join(self.columns)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMissing(FileRefused):
    code = "COLUMN_MISSING"
    indonesian = "Kolom ini tidak ada{place}: {names}. Tambahkan dengan nama yang sama persis seperti pada templat."
    english = "These columns are missing{place}: {names}. Add them under the very names that the template has."

    columns: tuple[str, ...]
    sheet: int | None = None
    """Of a workbook: which sheet, from 1. Its name may be that of a person."""

    def facts(self, language: Language) -> dict[str, object]:
        return {"names": ", ".join(self.columns), "place": _place(self.sheet, language)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRepeated(FileRefused):
    code = "COLUMN_REPEATED"
    indonesian = "Kolom ini ada lebih dari sekali{place}: {names}. Sisakan satu saja."
    english = "These columns are there more than once{place}: {names}. Keep one of each."

    columns: tuple[str, ...]
    sheet: int | None = None
    """Of a workbook: which sheet, from 1. Its name may be that of a person."""

    def facts(self, language: Language) -> dict[str, object]:
        return {"names": ", ".join(self.columns), "place": _place(self.sheet, language)}


def _place(sheet: int | None, language: Language) -> str:
    if sheet is None:
        return ""
    return f" on sheet {sheet}" if language == "en" else f" pada lembar ke-{sheet}"


KINDS: tuple[type[FileRefused], ...] = (
    FileTooLarge,
    FileEncrypted,
    FileHasMacros,
    FileNotASpreadsheet,
    FileDamaged,
    FileTooManyRows,
    FileTooComplex,
    HeaderNotFound,
    ColumnMissing,
    ColumnRepeated,
)
BY_CODE: dict[str, type[FileRefused]] = {kind.code: kind for kind in KINDS}
"""For those that come from the process that reads."""
