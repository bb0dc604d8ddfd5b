"""The clients of other languages do what the one of Python does: answers are lost, the server is busy, or they die."""

from __future__ import annotations

import json
import stat
import subprocess
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pemudik_client.assertions import public_keys
from pemudik_client.documents import MUTATIONS, QUERIES

from app.config import CHECKOUT
from tests.sdk import test_words
from tests.sdk.conftest import Sandbox
from tests.sdk.fourteen import a_list, signing_client
from tests.sdk.others.conftest import answer, needs
from tests.sdk.outboxes import hours_pass
from tests.sdk.proxy import AWAY, BUSY, CUT_OFF, LOST, NOT_OURS, PASS, REFUSED_TOKEN, Proxy

HERE = Path(__file__).parent
LANGUAGES = {"php": "php", "js": "node"}
SCRIPTS = {"php": "behaviour.php", "js": "behaviour.mjs"}
BAD_NIK = "3171030000009001"


@dataclass
class Speaker:
    """A client of another language, behind the proxy. Its words come as JSON."""

    language: str
    command: list[str]
    sandbox: Sandbox
    proxy: Proxy
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        sdk = str(CHECKOUT / "sdk" / self.language)
        return self.sandbox.environment(**{"PEMUDIK": self.proxy.url, "SDK": sdk, "PATIENCE": "60", **more})

    def does(self, *words: str, **more: str) -> Any:
        return answer([*self.command, *words], self.environment(**more), self.folder)


@pytest.fixture(params=LANGUAGES)
def speaker(request: pytest.FixtureRequest, sandbox: Sandbox, proxy: Proxy, tmp_path: Path) -> Speaker:
    language: str = request.param
    program = needs(LANGUAGES[language], f"the client in sdk/{language}")
    return Speaker(language, [program, str(HERE / SCRIPTS[language])], sandbox, proxy, tmp_path)


def test_all_ask_the_same(speaker: Speaker) -> None:
    assert speaker.does("documents") == {"queries": QUERIES, "mutations": MUTATIONS}


def test_a_submission_whose_answer_is_lost_is_done_once(speaker: Speaker) -> None:
    speaker.proxy.mishaps += [LOST, CUT_OFF]
    nik = speaker.sandbox.nik()
    assert speaker.does("submit", nik, nik) == [{"replayed": False}, {"replayed": True}]
    first, second, third, another = speaker.proxy.keys
    assert (first == second == third, first != another, None in speaker.proxy.keys) == (True, True, False)
    assert len(set(speaker.proxy.bodies)) == 1


def test_it_comes_back_when_the_registry_says(speaker: Speaker) -> None:
    speaker.proxy.mishaps += [BUSY]
    began = time.monotonic()
    assert speaker.does("check", speaker.sandbox.nik()) == ["AVAILABLE"]
    assert (time.monotonic() - began >= 1, speaker.proxy.keys) == (True, [None, None])


def test_it_waits_no_longer_than_its_patience(speaker: Speaker) -> None:
    speaker.proxy.mishaps += [BUSY] * 2
    [told] = speaker.does("submit", speaker.sandbox.nik(), PATIENCE="0.5")
    del told["text"]
    assert told == {"error": "TryLater", "code": "UNAVAILABLE", "message": "m", "retryAfter": 1}
    assert len(speaker.proxy.keys) == 1


def test_what_somebody_else_answers_is_no_refusal(speaker: Speaker) -> None:
    speaker.proxy.mishaps += NOT_OURS
    told = speaker.does("submit", *[speaker.sandbox.nik()] * len(NOT_OURS))
    expected = [("RegistryFailed", f"HTTP_{answer.status}") for answer in NOT_OURS]
    assert [(one["error"], one["code"]) for one in told] == expected


def test_a_refused_token_is_asked_for_anew_once(speaker: Speaker) -> None:
    nik = speaker.sandbox.nik()
    speaker.proxy.mishaps += [REFUSED_TOKEN]
    assert speaker.does("submit", nik) == [{"replayed": False}]
    assert (speaker.proxy.tokens_asked, len(speaker.proxy.keys)) == (2, 2)
    speaker.proxy.mishaps += [REFUSED_TOKEN] * 2
    [told] = speaker.does("submit", nik)
    assert (told["error"], told["code"]) == ("Unauthorized", "INVALID_TOKEN")
    assert (speaker.proxy.tokens_asked, len(speaker.proxy.keys)) == (4, 4)


def test_a_file_whose_answer_is_lost_is_one_import(speaker: Speaker) -> None:
    file = speaker.folder / "daftar.csv"
    file.write_bytes(a_list(speaker.sandbox))
    before = imports(speaker.sandbox)
    speaker.proxy.mishaps += [LOST, CUT_OFF]
    told = speaker.does("file", str(file), json.dumps({"dryRun": True, "mode": "SNAPSHOT", "covers": ["dishub-dki"]}))
    assert told["bytes"] > len(file.read_bytes())
    assert imports(speaker.sandbox) - before == {told["id"]}
    first, second, third, *_ = speaker.proxy.keys
    assert (first == second == third, first is None) == (True, False)


def test_a_file_that_cannot_be_read_is_refused(speaker: Speaker) -> None:
    file = speaker.folder / "daftar.csv"
    file.write_text("a;b\n1;2\n")
    told = speaker.does("file", str(file), "{}")
    assert (told["error"], told["code"]) == ("Refused", "HEADER_NOT_FOUND")


def test_a_result_that_is_cut_off_is_asked_for_again(speaker: Speaker) -> None:
    file = speaker.folder / "daftar.csv"
    file.write_bytes(a_list(speaker.sandbox))
    whole = speaker.does("file", str(file), '{"dryRun": true}')["bytes"]
    asked = len(speaker.proxy.keys)
    speaker.proxy.mishaps += [PASS] * (asked - 1) + [CUT_OFF]
    assert speaker.does("file", str(file), '{"dryRun": true}')["bytes"] == whole


def test_a_client_signs_with_its_key(speaker: Speaker) -> None:
    key = speaker.folder / "private.pem"
    client_id = signing_client(speaker.sandbox, key)["SIGNING_CLIENT_ID"]
    told, found = speaker.does("signed", str(key), client_id, AUDIENCE=f"{speaker.sandbox.url}/oauth/token")
    [[public], [expected]] = told["keys"], json.loads(public_keys(key.read_text(encoding="utf-8")))["keys"]
    assert (found, public | {"kid": expected["kid"]}) == ("AVAILABLE", expected)


def test_a_signature_for_somebody_else_is_refused(speaker: Speaker) -> None:
    """The client behind the proxy takes the proxy for the registry, unless it is told."""
    key = speaker.folder / "private.pem"
    client_id = signing_client(speaker.sandbox, key)["SIGNING_CLIENT_ID"]
    _, told = speaker.does("signed", str(key), client_id)
    assert (told["error"], told["code"]) == ("Unauthorized", "INVALID_CLIENT")


def imports(sandbox: Sandbox) -> set[str]:
    with sandbox.client() as client:
        nodes = client.execute("{ importJobs(first: 200) { nodes { id } } }")["importJobs"]["nodes"]
    return {node["id"] for node in nodes}


def test_a_batch_is_a_stream_in_order(speaker: Speaker) -> None:
    speaker.proxy.mishaps += [LOST]
    told = speaker.does("stream", speaker.sandbox.nik())
    shown = told.pop("shown")
    assert told == {"atFirst": 1_000, "count": 1_500, "refused": [7, 507, 1007], "inOrder": 1_497}
    assert (len(speaker.proxy.keys), len(set(speaker.proxy.keys))) == (3, 2)
    assert "317103" not in shown


def test_nothing_that_goes_wrong_names_a_nik(speaker: Speaker) -> None:
    nik = speaker.sandbox.nik()
    speaker.proxy.mishaps += [LOST, REFUSED_TOKEN, REFUSED_TOKEN, BUSY]
    told = speaker.does("submit", nik, nik, nik, BAD_NIK, PATIENCE="0")
    assert [one["error"] for one in told] == ["Unreachable", "Unauthorized", "TryLater", "Refused"]
    assert told[-1]["message"].startswith("NIK tidak sah")
    for digits in (nik, BAD_NIK, nik[:12], BAD_NIK[:12]):
        assert digits not in json.dumps(told)


def test_a_change_is_told_until_it_has_been_handled(speaker: Speaker) -> None:
    kept = speaker.folder / "cursor"
    reference = f"FEED-{speaker.language}"
    with speaker.sandbox.client() as client:
        assert speaker.does("follow", str(kept), "9") == []
        client.submit_registrant(speaker.sandbox.person(speaker.sandbox.nik(), reference=reference))  # type: ignore[arg-type]
        client.cancel_registrant({"reference": reference}, "Batal")
    for handled, seen in ((0, ["REGISTERED"]), (0, ["REGISTERED"]), (1, ["REGISTERED", "CANCELLED"])):
        assert [one["to"] for one in speaker.does("follow", str(kept), str(handled))] == seen
    assert [one["to"] for one in speaker.does("follow", str(kept), "9")] == ["CANCELLED"]
    assert speaker.does("follow", str(kept), "9") == []


def test_a_lost_cursor_goes_on_from_the_last_place_that_is_there(speaker: Speaker) -> None:
    kept = speaker.folder / "cursor"
    with speaker.sandbox.client() as client:
        first = next(client.follow(kept, every_seconds=None))
    raw = bytearray(urlsafe_b64decode(first["cursor"] + "=="))
    raw[-9] ^= 1
    kept.write_text(urlsafe_b64encode(bytes(raw)).decode().rstrip("="))
    run = subprocess.run(
        [*speaker.command, "follow", str(kept), "0"],
        env=speaker.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout)[0]["cursor"] == first["cursor"]
    assert "has lost the change of our cursor" in run.stderr


def test_a_webhook_is_verified(speaker: Speaker) -> None:
    body, now, signed = test_words.BODY, test_words.NOW, test_words.signed
    good = [signed(body), signed(body, now - 300), signed(body, now + 300)]
    good.append(signed(body) | {"Webhook-Signature": f"v1,bm9uZQ== v1a,x {signed(body)['Webhook-Signature']}"})
    forged = [case for case in test_words.FORGED if case[1] == body]
    cases = [
        [test_words.SECRET, headers, body.decode(), now] for headers in [*good, *[headers for headers, _ in forged]]
    ]
    cases.append([test_words.SECRET, signed(body), body.decode() + " ", now])
    expected = [*["registrant.forfeited"] * 4, *["BAD_SIGNATURE"] * (len(forged) + 1)]
    assert speaker.does("webhook", json.dumps(cases)) == expected
    assert len(forged) == 9


def test_an_outbox_survives_whatever_is_killed(speaker: Speaker) -> None:
    path, first = str(speaker.folder / "outbox.db"), int(speaker.sandbox.nik())
    niks = [str(first + place) for place in range(30)]
    assert speaker.does("put", path, *niks) == list(range(1, 31))
    told: list[Any] = []
    for _ in range(3):
        with subprocess.Popen(
            [*speaker.command, "send", path, "aloud"], env=speaker.environment(), stdout=subprocess.PIPE, text=True
        ) as sender:
            assert sender.stdout is not None
            told += [json.loads(sender.stdout.readline()) for _ in range(4)]
            sender.kill()
            told += [json.loads(line) for line in sender.stdout if line.startswith("[")]
    told += speaker.does("send", path)
    assert speaker.does("send", path) == []
    assert {replayed for _, replayed in told} == {False}
    assert [id_ for id_, _ in told] == sorted(id_ for id_, _ in told)
    assert set(speaker.does("check", *niks)) == {"REGISTERED"}
    assert speaker.does("outbox", path)["waiting"] == 0
    assert speaker.proxy.keys.count(None) == 1


def test_an_outbox_waits_in_order_and_keeps_what_is_refused(speaker: Speaker) -> None:
    path, nik = str(speaker.folder / "outbox.db"), speaker.sandbox.nik()
    assert speaker.does("put", path, BAD_NIK, nik) == [1, 2]
    speaker.proxy.mishaps += [AWAY]
    assert speaker.does("send", path, PATIENCE="0") == []
    # Nobody passes the one that waits.
    assert (speaker.does("send", path, PATIENCE="0"), len(speaker.proxy.keys)) == ([], 1)
    hours_pass(Path(path))
    speaker.proxy.mishaps += [REFUSED_TOKEN] * 2
    [told] = speaker.does("send", path)
    assert told["error"] == "Unauthorized"
    assert speaker.does("send", path) == [[1, "NIK_INVALID"], [2, False]]
    assert len(set(speaker.proxy.keys)) == 2
    kept = speaker.does("outbox", path)
    assert (kept["waiting"], kept["refused"], BAD_NIK in kept["shown"]) == (0, [[1, BAD_NIK, "NIK_INVALID"]], False)
    speaker.does("again", path, "1", str(int(nik) + 1))
    assert speaker.does("send", path) == [[1, False]]
    assert len(set(speaker.proxy.keys)) == 3
    kept_in = Path(path)
    assert stat.S_IMODE(kept_in.stat().st_mode) == (0o700 if kept_in.is_dir() else 0o600)
    files = [file for file in kept_in.iterdir() if file.is_file()] if kept_in.is_dir() else [kept_in]
    assert nik[:12] not in "".join(file.read_text(encoding="latin-1") for file in files)
