"""NIK and name at rest: found by a keyed blind index, sealed with AES-256-GCM, shown masked.

A sealed value is the id of its key (1 byte), the nonce (12 bytes) and the ciphertext. The index key never changes,
since blocks outlive the NIKs from which they were made. Data keys rotate (`registry.key_rotation`) while servers serve.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.config import Settings
from app.vault.keyed_hash import KeyedHash
from app.vault.keys import Jwk, Keys, KeysUnusable, in_environment, load_keys, read_key_file

INDEX_DOMAIN = b"pemudik:nik:1:"
AREA_DOMAIN = b"pemudik:area:1:"
AREA_DIGITS = 12
"""Region and birth date stand in the first 12 digits of a NIK."""
AREA_BYTES = 8
NONCE_BYTES = 12
RELOAD_SECONDS = 1.0
"""How long a running server may go on with the keys that it has read."""

logger = logging.getLogger(__name__)


class Unreadable(Exception):  # noqa: N818 - its message is for an operator
    """A sealed value was changed, or its key is not here."""


@dataclass(frozen=True, slots=True, repr=False)
class _LoadedKeys:
    keys: Keys
    ciphers: dict[int, AESGCM]
    stamp: tuple[int, ...] | None
    """Of the key file, taken just before the file was read. None: unknown, so the next look reads the file again."""


class Vault:
    """`source` is the key file, which is read again when it changes. None: the keys are in the environment and stay."""

    def __init__(self, keys: Keys, source: Path | None = None) -> None:
        self.source = source
        self._loaded = _load(keys, None)
        self._indexes, self._areas = KeyedHash(keys.index, INDEX_DOMAIN), KeyedHash(keys.index, AREA_DOMAIN)
        self._next_look = time.monotonic() + RELOAD_SECONDS
        self._told: str | None = None

    def blind_index(self, nik: str) -> bytes:
        return self._indexes.digest(nik)

    def area(self, nik: str) -> bytes:
        """A keyed digest of the region and the birth date of a NIK: equal for those who share both."""
        return self._areas.digest(nik[:AREA_DIGITS])[:AREA_BYTES]

    def seal(self, text: str) -> bytes:
        """A NIK or a name."""
        return self.seal_bytes(text.encode())

    def open_personal(self, sealed: bytes) -> str:
        """A NIK or a name. Only `registry.registrants.opening` calls this. Raises `Unreadable`."""
        return self.open_bytes(sealed).decode()

    def seal_secret(self, secret: str) -> bytes:
        """What webhooks are signed with."""
        return self.seal_bytes(secret.encode())

    def open_secret(self, sealed: bytes) -> str:
        """Raises `Unreadable`."""
        return self.open_bytes(sealed).decode()

    def reseal(self, sealed: bytes) -> bytes:
        """The same content under the current data key. Nobody sees it meanwhile. Raises `Unreadable`."""
        return self.seal_bytes(self.open_bytes(sealed))

    def seal_bytes(self, content: bytes) -> bytes:
        """A piece of a file that was sent."""
        loaded = self._current()
        key_id, nonce = loaded.keys.current_id, os.urandom(NONCE_BYTES)
        return bytes((key_id,)) + nonce + loaded.ciphers[key_id].encrypt(nonce, content, None)

    def open_bytes(self, sealed: bytes) -> bytes:
        """Raises `Unreadable`."""
        key_id = sealed[0] if sealed else 0
        cipher = self._loaded.ciphers.get(key_id)
        if cipher is None:
            # Another process may have added the key a moment ago.
            self.reload()
            cipher = self._loaded.ciphers.get(key_id)
        if cipher is None:
            raise Unreadable(f"A value is sealed under data key {key_id}, which is not among the keys.")
        try:
            return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], None)
        except (InvalidTag, ValueError):
            raise Unreadable(f"A value sealed under data key {key_id} was changed or cut off.") from None

    @staticmethod
    def mask(nik: str) -> str:
        return "*" * 12 + nik[-4:]

    @property
    def current_key_id(self) -> int:
        return self._current().keys.current_id

    @property
    def signing(self) -> tuple[Jwk, ...]:
        """Private EC P-256 keys. The first one signs. They change with the key file, so ask for them each time."""
        return self._current().keys.signing

    @property
    def keys(self) -> Keys:
        return self._current().keys

    def reload(self) -> None:
        """Read the key file again if it has changed. A file that cannot be used is logged, and the keys stay."""
        self._next_look = time.monotonic() + RELOAD_SECONDS
        if self.source is None:
            return
        try:
            stamp = _stamp(self.source)
            if stamp != self._loaded.stamp:
                self._loaded = _load(_with_index(self._loaded.keys.index, read_key_file(self.source)), stamp)
            self._told = None
        except (OSError, KeysUnusable) as problem:
            # The problem is logged once, not every second until somebody mends it.
            if str(problem) != self._told:
                logger.warning("The key file cannot be used, the keys stay as they were: %s", str(problem))
            self._told = str(problem)

    def _current(self) -> _LoadedKeys:
        if self.source is not None and time.monotonic() >= self._next_look:
            self.reload()
        return self._loaded

    def __repr__(self) -> str:
        return f"Vault({self._loaded.keys!r})"


def open_vault(settings: Settings, *, create: bool | None = None) -> Vault:
    """Raises `KeysUnusable`. A missing key file is made for the embedded database, unless `create` says otherwise."""
    keys = load_keys(settings, create=settings.database_url is None if create is None else create)
    return Vault(keys, None if in_environment(settings) else settings.key_file)


def _load(keys: Keys, stamp: tuple[int, ...] | None) -> _LoadedKeys:
    return _LoadedKeys(keys, {key_id: AESGCM(key) for key_id, key in keys.data.items()}, stamp)


def _with_index(index: bytes, keys: Keys) -> Keys:
    if keys.index != index:
        raise KeysUnusable("It has another index key, by which no NIK of this database would be found.")
    return keys


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size
