"""The keys of the blind index, of sealed values and of access tokens: from the environment, or from a key file.

The key file belongs to the embedded default. Only its owner may read the file. It is written whole and then renamed, so
that a reader sees the old file or the new one. Nothing here puts a key into an exception or a repr.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.config import Settings

KEY_BYTES = 32
VARIABLES = {
    "index_key": "PEMUDIK_INDEX_KEY",
    "data_keys": "PEMUDIK_DATA_KEYS",
    "signing_keys": "PEMUDIK_SIGNING_KEYS",
}

Jwk = dict[str, Any]


class KeysUnusable(Exception):  # noqa: N818 - said to an operator, who reads it as a sentence
    """A key is missing, malformed or readable by others. The message says which and what to do, and holds no key."""


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    index: bytes
    data: dict[int, bytes]
    """The data keys, by key id. The first key seals, the others only open."""
    signing: tuple[Jwk, ...]
    """Private EC P-256 keys with a `kid`. The first key signs."""
    rotating: bool = False
    """A data key was added, and not every value is sealed under this key yet."""

    @property
    def current_id(self) -> int:
        return next(iter(self.data))

    def __repr__(self) -> str:
        return f"Keys(data={list(self.data)}, signing={len(self.signing)})"


def load_keys(settings: Settings, *, create: bool) -> Keys:
    """From the environment if any key is there, else from the key file. `create`: a missing key file is made."""
    if in_environment(settings):
        return _keys_in_environment(settings)
    path = settings.key_file
    if not path.exists():
        if not create:
            variables = ", ".join(VARIABLES.values())
            raise KeysUnusable(
                f"There are no keys: set {variables}, or restore {path}. A new registry: `pemudik keys create`."
            )
        create_key_file(path)
    return read_key_file(path)


def in_environment(settings: Settings) -> bool:
    return any(getattr(settings, name) for name in VARIABLES)


def _keys_in_environment(settings: Settings) -> Keys:
    given = {name: getattr(settings, name) for name in VARIABLES}
    missing = [VARIABLES[name] for name, value in given.items() if not value]
    if missing:
        raise KeysUnusable(f"Keys are in the environment, but {' and '.join(missing)} is missing.")
    return Keys(
        _key(given["index_key"].get_secret_value(), "PEMUDIK_INDEX_KEY"),
        _data_keys(given["data_keys"].get_secret_value()),
        _signing_keys(given["signing_keys"].get_secret_value(), "PEMUDIK_SIGNING_KEYS"),
    )


def read_key_file(path: Path) -> Keys:
    """Raises OSError if there is no file."""
    with path.open("rb") as file:
        if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise KeysUnusable(f"The key file can be read by others: chmod 600 '{path}'")
        content = file.read()
    try:
        document = json.loads(content)
        data = {_key_id(entry["id"], str(path)): _key(entry["key"], str(path)) for entry in document["data"]}
        index, signing = document["index"], json.dumps({"keys": document["signing"]})
        rotating = bool(document.get("rotating", False))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise KeysUnusable(f"The key file is damaged: restore {path} from its copy.") from None
    if len(data) != len(document["data"]) or not data:
        raise KeysUnusable(f"The key file has no data key, or two with one id: restore {path} from its copy.")
    return Keys(_key(index, str(path)), data, _signing_keys(signing, str(path)), rotating)


def create_key_file(path: Path) -> bool:
    """Whether the file is new. Of two processes that start at the same time, the second finds the file of the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path, wait=True):
        is_new = not path.exists()
        if is_new:
            write_key_file(path, new_keys())
    return is_new


def as_variables(keys: Keys) -> dict[str, str]:
    """What `load_keys` reads from the environment."""
    data = ",".join(f"{key_id}:{_base64(key)}" for key_id, key in keys.data.items())
    signing = json.dumps({"keys": list(keys.signing)}, separators=(",", ":"))
    values = {"index_key": _base64(keys.index), "data_keys": data, "signing_keys": signing}
    return {VARIABLES[name]: value for name, value in values.items()}


def write_key_file(path: Path, keys: Keys) -> None:
    """Put a new file in the place of the old one. The caller holds the lock."""
    document = {
        "index": _base64(keys.index),
        "data": [{"id": key_id, "key": _base64(key)} for key_id, key in keys.data.items()],
        "signing": list(keys.signing),
        "rotating": keys.rotating,
    }
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file, indent=2)
            file.flush()
            # If a power failure took a key that had sealed values, these values could never be opened again.
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """One process at a time writes the key file. The lock ends with its process.

    Without `wait` it raises `KeysUnusable` while another process holds the lock.
    """
    import fcntl  # noqa: PLC0415 - not on Windows, where keys come from the environment

    with path.with_name(f"{path.name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeysUnusable("Keys are being rotated by another process; wait until it has ended.") from None
        yield


def new_keys() -> Keys:
    return Keys(new_key(), {1: new_key()}, (new_signing_key(),))


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def new_signing_key() -> Jwk:
    key = ECKey.generate_key("P-256", private=True)
    return {**key.as_dict(private=True), "kid": key.thumbprint(), "use": "sig", "alg": "ES256"}


def _data_keys(text: str) -> dict[int, bytes]:
    """`id:base64,id:base64`."""
    name = VARIABLES["data_keys"]
    pairs = [entry.strip().partition(":") for entry in text.split(",")]
    keys = {_key_id(key_id, name): _key(key, name) for key_id, _, key in pairs}
    if len(keys) != len(pairs):
        raise KeysUnusable(f"{name} has two keys with one id.")
    return keys


def _key_id(value: object, where: str) -> int:
    if str(value).isascii() and str(value).isdigit() and 1 <= int(str(value)) <= 255:
        return int(str(value))
    raise KeysUnusable(f"{where}: a data key's id must be a number from 1 to 255.")


def _key(text: object, where: str) -> bytes:
    try:
        key = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeysUnusable(f"{where}: a key must be {KEY_BYTES} bytes in base64 (openssl rand -base64 {KEY_BYTES}).")
    return key


def _signing_keys(text: str, where: str) -> tuple[Jwk, ...]:
    wrong = KeysUnusable(f"{where}: the signing keys must be a JWK Set of private EC P-256 keys, at least one.")
    try:
        keys = [ECKey.import_key(key) for key in json.loads(text)["keys"]]
    except (ValueError, TypeError, KeyError, JoseError):
        raise wrong from None
    if not keys or not all(key.is_private and key.curve_name == "P-256" for key in keys):
        raise wrong
    return tuple({**key.as_dict(private=True), "kid": key.kid or key.thumbprint()} for key in keys)


def _base64(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
