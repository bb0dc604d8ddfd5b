"""What was accepted and is worth a second look, in words. A flag stays, its warning is told once."""

from types import MappingProxyType

from app.models.enums import RegistrantFlag
from app.registry.values import nik


def _warning(flag: RegistrantFlag, indonesian: str, english: str) -> tuple[RegistrantFlag, nik.Warning]:
    return flag, nik.Warning(flag, indonesian, english)


WARNINGS = MappingProxyType(
    dict(
        [
            _warning(
                RegistrantFlag.OUTSIDE_WINDOW,
                "Pendaftaran ini di luar jadwal penyelenggara; diterima dan ditandai.",
                "This registration is outside its organizer's windows; accepted and flagged.",
            ),
            _warning(
                RegistrantFlag.ARRIVED_LATE,
                "Data ini tiba lama setelah pendaftaran ditutup; diterima dan ditandai.",
                "This registration arrived long after its window had closed; accepted and flagged.",
            ),
            _warning(
                RegistrantFlag.VERIFIED_EARLY,
                "Verifikasi ini mendahului masa verifikasi penyelenggara; diterima dan ditandai.",
                "This verification is before its organizer's verification period; accepted and flagged.",
            ),
            _warning(
                RegistrantFlag.VERIFIED_LATE,
                "Verifikasi ini melewati akhir masa verifikasi penyelenggara; diterima dan ditandai.",
                "This verification is after the end of its organizer's verification period; accepted and flagged.",
            ),
            _warning(
                RegistrantFlag.TOLD_LATE,
                "Tindakan posko ini dibuat tepat waktu dan baru dikabarkan sesudah batasnya; diterima dan ditandai.",
                "This act of a posko was made in time and told after its deadline; accepted and flagged.",
            ),
            _warning(
                RegistrantFlag.HANDED_OVER_ON_ANOTHER_DAY,
                "Sepeda motor diserahkan bukan sehari sebelum keberangkatan; diterima dan ditandai.",
                "The motorcycle was not handed over on the day before departure; accepted and flagged.",
            ),
        ]
    )
)
