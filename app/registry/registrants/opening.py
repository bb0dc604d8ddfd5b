"""The one place where a NIK or a name is opened: to be shown, to be compared, to tell the birth date, or to become
a line of a checksum.

`tests/test_architecture.py` keeps this the only file that opens them. Whose person is whose is decided by
`Caller.owns`, which rows are found by `lookup`. Here the person of another organizer is masked.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from app.registry.values import names, nik
from app.vault.vault import Vault

MASKED_NAME = "***"
ERASED = "(dihapus)"
UNKNOWN_NIK = "*" * 16
"""Of which the registry keeps the blind index alone."""


class Person(NamedTuple):
    """A NIK and a name as they are shown."""

    nik: str
    """16 digits for its owner, `************0001` for anyone else, `(dihapus)` once erased."""
    name: str


def person(nik_sealed: bytes | None, name_sealed: bytes | None, vault: Vault, *, own: bool) -> Person:
    """An owner sees its own people in full. Anybody else sees the last four digits and no name."""
    if nik_sealed is None or name_sealed is None:
        return Person(ERASED, ERASED)
    if own:
        return Person(vault.open_personal(nik_sealed), vault.open_personal(name_sealed))
    return Person(masked_nik(nik_sealed, vault), MASKED_NAME)


def masked_nik(nik_sealed: bytes, vault: Vault) -> str:
    return vault.mask(vault.open_personal(nik_sealed))


def born_on(nik_sealed: bytes, vault: Vault) -> date:
    parsed = nik.parse(vault.open_personal(nik_sealed))
    assert isinstance(parsed, nik.Nik)  # noqa: S101 - no other NIK is stored
    return parsed.born_on


def area(nik_sealed: bytes, vault: Vault) -> bytes:
    """The keyed digest of its region and birth date."""
    return vault.area(vault.open_personal(nik_sealed))


def is_name(name_sealed: bytes, name: str, vault: Vault) -> bool:
    """Whether `name` is the very name that is stored."""
    return vault.open_personal(name_sealed) == name


def name_key(name_sealed: bytes, vault: Vault) -> tuple[str, ...]:
    """Equal for two spellings of one name."""
    return names.key(vault.open_personal(name_sealed))


def other_name(name_sealed: bytes, name: str, vault: Vault) -> str | None:
    """The stored name, if it is written otherwise than `name`. Lists are often written in capitals: these are equal."""
    stored = vault.open_personal(name_sealed)
    return None if stored.casefold() == name.casefold() else stored


def clearly_differs(name_sealed: bytes, name: str, vault: Vault) -> bool:
    """Whether `name` is clearly another name than the stored one. Most names are equal: these need no comparison."""
    stored = vault.open_personal(name_sealed)
    return stored != name and names.clearly_differ(name, stored)


def clearly_differ(one: bytes, other: bytes, vault: Vault) -> bool:
    """Whether two stored names are clearly those of two people."""
    return clearly_differs(one, vault.open_personal(other), vault)


def is_found_by(nik_index: bytes, nik_sealed: bytes, vault: Vault) -> bool:
    """Whether `nik_index` is the blind index of this NIK. If not, the index key is another one than it was."""
    return vault.blind_index(vault.open_personal(nik_sealed)) == nik_index


def line(nik_sealed: bytes, *columns: str, vault: Vault) -> str:
    """A line of the daily consolidation: the NIK and `columns`. Only its checksum leaves the registry."""
    return "|".join((vault.open_personal(nik_sealed), *columns)) + "\n"


def initials(name_sealed: bytes | None, vault: Vault) -> str | None:
    """`S. W.`, of a name that is not shown."""
    if name_sealed is None:
        return None
    return " ".join(f"{word[0].upper()}." for word in names.words(vault.open_personal(name_sealed)))


def likeness(one: bytes | None, other: bytes | None, vault: Vault) -> int | None:
    """How alike two names are, in percent."""
    if one is None or other is None:
        return None
    return names.likeness(vault.open_personal(one), vault.open_personal(other))


def name_for(name_sealed: bytes | None, vault: Vault, *, in_full: bool) -> str | None:
    """A name for Hubdat, which has said what for."""
    return vault.open_personal(name_sealed) if in_full and name_sealed is not None else None
