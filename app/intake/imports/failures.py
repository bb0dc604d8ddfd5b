"""Why an import ended before its end, in both languages."""

from __future__ import annotations

from app.intake.files.file_refusals import FileRefusedError
from app.intake.imports.moves import TooManyMoves
from app.registry.imports.jobs import Failure
from app.registry.imports.trying import TOO_MANY_MOVES

REVOKED = Failure(
    "CLIENT_REVOKED",
    "Klien yang mengirim berkas ini sudah dicabut; baris yang belum diproses tidak diproses.",
    "The client that sent this file was revoked; rows that were not done are left out.",
)
GIVEN_UP = Failure(
    "INTERNAL_ERROR",
    "Impor ini berhenti karena kesalahan registri; baris yang sudah diproses tetap tersimpan.",
    "This import was ended by a fault of the registry; rows that were done stay.",
)


def of_file(refused: FileRefusedError) -> Failure:
    return Failure(refused.refusal.code, refused.refusal.message("id"), refused.refusal.message("en"))


def of_moves(many: TooManyMoves, *, dry_run: bool) -> Failure:
    indonesian, english = (
        ("hasil uji coba ini", "these results") if dry_run else ("dengan uji coba", "it with dryRun: true")
    )
    return Failure(
        TOO_MANY_MOVES,
        f"Berkas ini akan memindahkan {many.moved} dari {many.rows} baris ke rute atau nama lain, lebih dari seperlima;"
        f" tidak ada yang diubah. Periksa {indonesian}, lalu kirim lagi dengan penegasan.",
        f"This file would move {many.moved} of {many.rows} rows to another route or name, more than a fifth; nothing"
        f" was changed. Look at {english}, then send it again with evenThough: true.",
    )


def of_allowance(niks: int, per_day: int) -> Failure:
    """A dry run that could never go on."""
    return Failure(
        "ALLOWANCE_TOO_SMALL",
        f"Uji coba ini menyebut {niks} NIK sekaligus, lebih dari jatah pemeriksaan NIK penyelenggara sehari"
        f" ({per_day}). Kirim berkasnya tanpa uji coba, bagi menjadi berkas yang lebih kecil, atau minta jatah yang"
        " lebih besar kepada Ditjen Hubdat.",
        f"This dry run names {niks} NIKs at once, more than the organizer's allowance of a day ({per_day}). Send the"
        " file without dryRun, divide it into smaller ones, or ask Ditjen Hubdat for a larger allowance.",
    )


def first_of(group: BaseException) -> BaseException:
    """A group of exceptions has groups in it, and each has an exception at last."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
