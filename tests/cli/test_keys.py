from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from app.config import Settings
from app.vault import keys
from tests.cli.conftest import Pemudik


def test_the_key_of_access_tokens_is_replaced_and_the_old_one_kept(pemudik: Pemudik, home: Path) -> None:
    (before,) = keys.read_key_file(home / "keys.json").signing
    said = pemudik("keys", "rotate", "--signing").output
    first, second = keys.read_key_file(home / "keys.json").signing
    assert said == f"Access tokens are signed by key {first['kid']}.\n"
    assert second == before


def test_an_empty_registry_gets_a_new_data_key(pemudik: Pemudik, home: Path) -> None:
    assert pemudik("keys", "rotate").output == "0 records were sealed anew; everything is under data key 2.\n"
    assert keys.read_key_file(home / "keys.json").current_id == 2


def test_keys_are_made_once(pemudik: Pemudik, home: Path, tmp_path: Path) -> None:
    before = (home / "keys.json").read_bytes()
    refused = pemudik("keys", "create", code=1)
    assert "is there already and stays." in refused.stderr
    assert (home / "keys.json").read_bytes() == before
    other = tmp_path / "elsewhere" / "keys.json"
    assert pemudik("keys", "create", "--file", str(other)).output.startswith(f"{other} has the keys")
    made = keys.read_key_file(other)
    assert (list(made.data), len(made.signing), other.stat().st_mode & 0o777) == ([1], 1, 0o600)
    assert made.index != keys.read_key_file(home / "keys.json").index


def test_keys_as_variables_are_read_by_a_shell(
    pemudik: Pemudik, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line end that a shell would not read, or a character that is not quoted, loses a registry."""
    (tmp_path / "pemudik.env").write_text(pemudik("keys", "create", "--env").output)
    show = 'set -a; . ./pemudik.env; printf \'%s\\n\' "$PEMUDIK_INDEX_KEY" "$PEMUDIK_DATA_KEYS" "$PEMUDIK_SIGNING_KEYS"'
    shell = subprocess.run(["sh", "-c", show], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True)
    for name, value in zip(keys.VARIABLES.values(), shell.stdout.splitlines(), strict=True):
        monkeypatch.setenv(name, value)
    (home / "keys.json").unlink()
    made = keys.load_keys(Settings(), create=False)
    assert (list(made.data), len(made.index), len(made.signing)) == ([1], 32, 1)
    assert not (home / "keys.json").exists()
