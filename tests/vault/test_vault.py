import base64
import hmac
import json
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from pydantic import SecretStr

from app.config import Settings
from app.vault import keys
from app.vault.keys import Keys, KeysUnusable, new_signing_key
from app.vault.vault import RELOAD_SECONDS, Unreadable, Vault, open_vault
from tests.examples import given

NIK = "3201010101909001"
SIGNING = new_signing_key()
OURS = Keys(index=b"i" * 32, data={2: b"d" * 32, 1: b"e" * 32}, signing=(SIGNING,))
OPENED = Vault(OURS)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "a home")


# The blind index and the mask


def test_the_blind_index_is_keyed_and_of_one_domain() -> None:
    found = OPENED.blind_index(NIK)
    assert found == hmac.digest(b"i" * 32, b"pemudik:nik:1:3201010101909001", "sha256")
    assert found == Vault(replace(OURS, data={9: b"x" * 32})).blind_index(NIK)
    assert found != Vault(replace(OURS, index=b"j" * 32)).blind_index(NIK)


def test_the_mask_leaves_the_serial() -> None:
    assert Vault.mask(NIK) == "************9001"


# Seal and open

encodable = st.text(st.characters(exclude_categories=["Cs"]))


@given(encodable)
def test_what_is_sealed_is_opened(text: str) -> None:
    sealed = OPENED.seal(text)
    assert OPENED.open_personal(sealed) == text
    assert sealed[0] == 2
    assert len(sealed) == 1 + 12 + len(text.encode()) + 16
    assert sealed != OPENED.seal(text)


def test_an_older_key_still_opens() -> None:
    sealed = Vault(replace(OURS, data={1: b"e" * 32})).seal(NIK)
    assert (sealed[0], OPENED.current_key_id, OPENED.open_personal(sealed)) == (1, 2, NIK)


@given(encodable, st.data())
def test_one_changed_bit_is_noticed(text: str, data: st.DataObject) -> None:
    sealed = bytearray(OPENED.seal(text))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Unreadable):
        OPENED.open_personal(bytes(sealed))


@given(st.binary(max_size=40))
def test_other_bytes_are_unreadable(sealed: bytes) -> None:
    with pytest.raises(Unreadable):
        OPENED.open_personal(sealed)


def test_what_cannot_be_opened_is_said_without_what_it_was() -> None:
    with pytest.raises(Unreadable, match=r"^A value is sealed under data key 7, which is not among the keys\.$"):
        OPENED.open_personal(b"\x07" + OPENED.seal(NIK)[1:])
    with pytest.raises(Unreadable, match=r"^A value sealed under data key 2 was changed or cut off\.$") as caught:
        OPENED.open_personal(OPENED.seal(NIK)[:-1])
    assert caught.value.__suppress_context__


def test_neither_keys_nor_vault_show_a_key() -> None:
    assert repr(OURS) == str(OURS) == "Keys(data=[2, 1], signing=1)"
    assert repr(OPENED) == str(OPENED) == "Vault(Keys(data=[2, 1], signing=1))"


# Keys from the environment

INDEX = base64.b64encode(OURS.index).decode()
DATA = ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in OURS.data.items())
JWKS = json.dumps({"keys": [SIGNING]})


def test_keys_from_the_environment(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, index_key=INDEX, data_keys=DATA, signing_keys=JWKS)
    opened = open_vault(settings)
    assert opened.source is None
    assert (opened.keys.index, opened.keys.data) == (OURS.index, OURS.data)
    assert list(opened.keys.data) == [2, 1]
    assert opened.signing == (SIGNING,)
    assert list(tmp_path.iterdir()) == []
    assert open_vault(settings).open_personal(opened.seal(NIK)) == NIK


def test_a_signing_key_without_a_name_gets_its_thumbprint(tmp_path: Path) -> None:
    nameless = {name: value for name, value in SIGNING.items() if name != "kid"}
    settings = Settings(home=tmp_path, index_key=INDEX, data_keys=DATA, signing_keys=json.dumps({"keys": [nameless]}))
    assert open_vault(settings).signing[0]["kid"] == SIGNING["kid"]


@pytest.mark.parametrize(
    ("given_keys", "missing"),
    [
        ({"index_key": INDEX}, "PEMUDIK_DATA_KEYS and PEMUDIK_SIGNING_KEYS"),
        ({"index_key": INDEX, "data_keys": DATA}, "PEMUDIK_SIGNING_KEYS"),
        ({"data_keys": DATA, "signing_keys": JWKS}, "PEMUDIK_INDEX_KEY"),
    ],
)
def test_a_part_of_the_keys_is_not_enough(tmp_path: Path, given_keys: dict[str, str], missing: str) -> None:
    with pytest.raises(KeysUnusable) as caught:
        open_vault(Settings(home=tmp_path, **given_keys))  # type: ignore[arg-type]
    assert str(caught.value) == f"Keys are in the environment, but {missing} is missing."
    assert list(tmp_path.iterdir()) == []


WRONG_ID = "PEMUDIK_DATA_KEYS: a data key's id must be a number from 1 to 255."
WRONG_KEY = "{}: a key must be 32 bytes in base64 (openssl rand -base64 32)."
WRONG_JWKS = "PEMUDIK_SIGNING_KEYS: the signing keys must be a JWK Set of private EC P-256 keys, at least one."
PUBLIC = {name: value for name, value in SIGNING.items() if name != "d"}
OTHER_CURVE = ECKey.generate_key("P-384", private=True).as_dict(private=True)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("index_key", "c2hvcnQ=", WRONG_KEY.format("PEMUDIK_INDEX_KEY")),
        ("index_key", "not base64!", WRONG_KEY.format("PEMUDIK_INDEX_KEY")),
        ("index_key", "é" * 44, WRONG_KEY.format("PEMUDIK_INDEX_KEY")),
        ("data_keys", f"1:{INDEX}x", WRONG_KEY.format("PEMUDIK_DATA_KEYS")),
        ("data_keys", INDEX, WRONG_ID),
        ("data_keys", f"0:{INDEX}", WRONG_ID),
        ("data_keys", f"256:{INDEX}", WRONG_ID),
        ("data_keys", f"²:{INDEX}", WRONG_ID),
        ("data_keys", f"1:{INDEX},1:{INDEX}", "PEMUDIK_DATA_KEYS has two keys with one id."),
        ("signing_keys", "{", WRONG_JWKS),
        ("signing_keys", "[]", WRONG_JWKS),
        ("signing_keys", "{}", WRONG_JWKS),
        ("signing_keys", '{"keys": []}', WRONG_JWKS),
        ("signing_keys", '{"keys": [1]}', WRONG_JWKS),
        ("signing_keys", json.dumps({"keys": [PUBLIC]}), WRONG_JWKS),
        ("signing_keys", json.dumps({"keys": [OTHER_CURVE]}), WRONG_JWKS),
        ("signing_keys", json.dumps({"keys": [{**SIGNING, "x": "AA"}]}), WRONG_JWKS),
    ],
)
def test_a_malformed_key_is_named_and_not_shown(tmp_path: Path, name: str, value: str, problem: str) -> None:
    given_keys = {"index_key": INDEX, "data_keys": DATA, "signing_keys": JWKS, name: value}
    with pytest.raises(KeysUnusable) as caught:
        open_vault(Settings(home=tmp_path, **given_keys))  # type: ignore[arg-type]
    assert str(caught.value) == problem
    assert caught.value.__context__ is None or caught.value.__suppress_context__


# The key file


def test_the_embedded_default_makes_a_key_file_of_its_own(settings: Settings) -> None:
    first = open_vault(settings)
    assert first.source == settings.key_file
    assert stat.S_IMODE(settings.key_file.stat().st_mode) == 0o600
    assert sorted(path.name for path in settings.home.iterdir()) == ["keys.json", "keys.json.lock"]
    document = json.loads(settings.key_file.read_text())
    assert sorted(document) == ["data", "index", "rotating", "signing"]
    assert [entry["id"] for entry in document["data"]] == [1]
    assert (document["signing"][0]["crv"], document["signing"][0]["use"]) == ("P-256", "sig")
    second = open_vault(settings)
    assert second.open_personal(first.seal(NIK)) == NIK
    assert second.blind_index(NIK) == first.blind_index(NIK)
    assert second.signing == first.signing


def test_none_is_made_for_a_database_of_ones_own(settings: Settings) -> None:
    configured = settings.model_copy(update={"database_url": SecretStr("postgresql://db/pemudik")})
    with pytest.raises(KeysUnusable) as caught:
        open_vault(configured)
    assert str(caught.value) == (
        "There are no keys: set PEMUDIK_INDEX_KEY, PEMUDIK_DATA_KEYS, PEMUDIK_SIGNING_KEYS,"
        f" or restore {settings.key_file}. A new registry: `pemudik keys create`."
    )
    assert not settings.home.exists()
    assert open_vault(configured, create=True).current_key_id == 1
    assert open_vault(configured).current_key_id == 1


def test_processes_that_start_at_once_agree_on_one_key_file(settings: Settings) -> None:
    code = (
        "from app.config import Settings; from app.vault.vault import open_vault;"
        "print(open_vault(Settings(), create=True).blind_index('1').hex())"
    )
    environment = {**os.environ, "PEMUDIK_HOME": str(settings.home)}
    starting = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    indexes = {process.communicate()[0].strip() for process in starting}
    assert indexes == {open_vault(settings).blind_index("1").hex()}
    assert sorted(path.name for path in settings.home.iterdir()) == ["keys.json", "keys.json.lock"]


def test_a_key_file_that_is_there_is_never_made_again(settings: Settings) -> None:
    held = open_vault(settings).keys
    keys.create_key_file(settings.key_file)
    assert keys.read_key_file(settings.key_file) == held


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_that_others_can_read_is_refused(settings: Settings, mode: int) -> None:
    open_vault(settings)
    settings.key_file.chmod(mode)
    with pytest.raises(KeysUnusable) as caught:
        open_vault(settings)
    assert str(caught.value) == f"The key file can be read by others: chmod 600 '{settings.key_file}'"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda document: None, "The key file is damaged: restore {} from its copy."),
        (lambda document: [], "The key file is damaged: restore {} from its copy."),
        (lambda document: {**document, "data": 1}, "The key file is damaged: restore {} from its copy."),
        (lambda document: {**document, "data": [[]]}, "The key file is damaged: restore {} from its copy."),
        (
            lambda document: {**document, "data": []},
            "The key file has no data key, or two with one id: restore {} from its copy.",
        ),
        (
            lambda document: {**document, "data": document["data"] * 2},
            "The key file has no data key, or two with one id: restore {} from its copy.",
        ),
        (
            lambda document: {**document, "index": "AA=="},
            "{}: a key must be 32 bytes in base64 (openssl rand -base64 32).",
        ),
    ],
)
def test_a_damaged_key_file_is_said(settings: Settings, change: object, problem: str) -> None:
    open_vault(settings)
    document = json.loads(settings.key_file.read_text())
    settings.key_file.write_text(json.dumps(change(document)))  # type: ignore[operator]
    with pytest.raises(KeysUnusable) as caught:
        open_vault(settings)
    assert str(caught.value) == problem.format(settings.key_file)


def test_a_write_that_fails_leaves_the_old_file(settings: Settings) -> None:
    held = open_vault(settings).keys
    unwritable = replace(held, signing=(object(),))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        keys.write_key_file(settings.key_file, unwritable)
    assert sorted(path.name for path in settings.home.iterdir()) == ["keys.json", "keys.json.lock"]
    assert keys.read_key_file(settings.key_file) == held


# Keys that change while a server serves


def test_a_running_server_seals_under_a_new_key_within_a_second(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 0.0
    monkeypatch.setattr("app.vault.vault.time", SimpleNamespace(monotonic=lambda: seconds))
    serving = open_vault(settings)
    held = serving.keys
    fresh = (new_signing_key(), *held.signing)
    keys.write_key_file(settings.key_file, replace(held, data={2: b"n" * 32, **held.data}, signing=fresh))
    assert serving.seal(NIK)[0] == 1
    seconds = RELOAD_SECONDS
    assert serving.seal(NIK)[0] == 2
    assert serving.signing == fresh
    assert serving.signing is serving.signing


def test_a_running_server_opens_under_a_new_key_at_once(settings: Settings) -> None:
    serving = open_vault(settings)
    keys.write_key_file(settings.key_file, replace(serving.keys, data={2: b"n" * 32, **serving.keys.data}))
    sealed = open_vault(settings).seal(NIK)
    assert sealed[0] == 2
    assert serving.open_personal(sealed) == NIK


def test_threads_open_and_seal_while_the_keys_change(settings: Settings) -> None:
    serving = open_vault(settings)
    wrong: list[object] = []
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            if serving.open_personal(serving.seal(NIK)) != NIK:
                wrong.append(NIK)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for key_id in range(2, 12):
        keys.write_key_file(
            settings.key_file, replace(serving.keys, data={key_id: os.urandom(32), **serving.keys.data})
        )
        serving.reload()
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert serving.current_key_id == 11


def test_a_key_file_that_has_not_changed_is_not_read_again(settings: Settings) -> None:
    serving = open_vault(settings)
    serving.reload()
    held = serving.keys
    serving.reload()
    assert serving.keys is held


def open_to_others(path: Path) -> None:
    path.chmod(0o644)
    os.utime(path)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.unlink(), "No such file"),
        (open_to_others, "chmod 600"),
        (lambda path: path.write_text("{}"), "is damaged"),
        (
            lambda path: keys.write_key_file(path, replace(keys.read_key_file(path), index=b"x" * 32)),
            "another index key",
        ),
    ],
)
def test_a_key_file_that_cannot_be_used_leaves_the_keys_and_is_logged(
    settings: Settings, caplog: pytest.LogCaptureFixture, spoil: object, told: str
) -> None:
    serving = open_vault(settings)
    serving.reload()
    sealed, index = serving.seal(NIK), serving.blind_index(NIK)
    spoil(settings.key_file)  # type: ignore[operator]
    serving.reload()
    serving.reload()
    assert (serving.open_personal(sealed), serving.blind_index(NIK)) == (NIK, index)
    assert len(caplog.messages) == 1
    assert told in caplog.messages[0]
