"""What a row is answered, in the words of the standard's users: results, statuses and columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from app.errors import InvalidValue, Language, Refusal
from app.models.enums import RegistrantStatus
from app.registry.values import particulars, standard
from app.registry.values.nik import Warning  # noqa: A004 - the contract's word


class Result(StrEnum):
    NEW = "NEW"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    STALE = "STALE"
    REFUSED = "REFUSED"


RESULT_TITLES = MappingProxyType(
    {
        Result.NEW: "diterima",
        Result.UPDATED: "diperbarui",
        Result.UNCHANGED: "tidak_berubah",
        Result.STALE: "usang",
        Result.REFUSED: "ditolak",
    }
)
STALE = "STALE"
"""The code of a row that is older than what the registry holds."""
INTERNAL_ERROR = "INTERNAL_ERROR"
COLUMNS = MappingProxyType(
    {
        "nik": "data_nik",
        "name": "data_pemesan",
        "routeId": "rute_perjalanan",
        "registeredAt": "tanggal_pendaftaran",
        "verifiedAt": "waktu_verifikasi",
        "motorcycle": "nomor_polisi",
        "ref": "status_pemesanan_code",
        **{particulars.public_name(name): told.column for name, told in particulars.TOLD.items()},
    }
)
"""The standard's columns, by the names of the fields that refusals are about."""
BROKEN = InvalidValue(
    "",
    "Terjadi kesalahan di registri; data ini belum tersimpan.",
    "Something broke in the registry; this record was not stored.",
)
"""The verdict on a row that met a bug. The log has the bug."""
_STALE: dict[Language, str] = {
    "id": "Data ini lebih lama: di registri statusnya sudah {status}.",
    "en": "This record is older: in the registry the status is {status} already.",
}


_OUTDATED: dict[Language, str] = {
    "id": "Data ini lebih lama: orang ini berubah di registri setelah waktu daftarnya.",
    "en": "This record is older: this person was changed in the registry after the instant of the list (asOf).",
}
_DIFFERS: dict[Language, str] = {
    "id": "{column}: tersimpan {stored}, dikirim {sent}.",
    "en": "{column}: stored {stored}, sent {sent}.",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A column in which a row tells something else than was stored."""

    column: str
    stored: str | None
    sent: str | None

    def message(self, language: Language = "id") -> str:
        stored, sent = (f"“{one}”" if one else "-" for one in (self.stored, self.sent))
        return _DIFFERS[language].format(column=self.column, stored=stored, sent=sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    result: Result
    refusal: Refusal | None = None
    status: RegistrantStatus | None = None
    """Where the registrant stands now."""
    registrant_id: UUID | None = None
    organizer: str | None = None
    warnings: tuple[Warning, ...] = ()
    differences: tuple[Difference, ...] = field(default=(), repr=False)
    """Where the row and the stored values differed. A name may be among them."""
    moved: bool = False
    """The row has put the person on another route, or under a clearly different name (`applying`)."""
    is_outdated: bool = False
    """The person was changed after the instant of the list."""

    @property
    def code(self) -> str | None:
        if self.refusal is not None:
            return INTERNAL_ERROR if self.refusal is BROKEN else self.refusal.code
        return STALE if self.result is Result.STALE else None

    @property
    def column(self) -> str | None:
        """Which column a refusal is about."""
        if self.refusal is None or not self.refusal.field:
            return None
        return COLUMNS.get(self.refusal.field, self.refusal.field)

    def message(self, language: Language = "id") -> str | None:
        """For people; None when there is nothing to say."""
        if self.is_outdated:
            said = [_OUTDATED[language]]
        elif self.result is Result.STALE and self.status is not None:
            said = [_STALE[language].format(status=standard.title(self.status))]
        elif self.refusal is not None:
            said = [self.refusal.message(language)]
        else:
            said = []
        told = " ".join([*said, *(warning.message(language) for warning in self.warnings)])
        return f"{self.column}: {told}" if self.column else told or None
