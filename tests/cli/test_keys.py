from __future__ import annotations

from pathlib import Path

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
