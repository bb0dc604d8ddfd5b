"""`sdk/python` against a real server: its examples, and what it does when answers are lost or the server is busy."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import stat
import subprocess
import sys
import time
import traceback
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pemudik_client import AsyncPemudik, Outbox, Pemudik, Refused, RegistryFailed, TryLater, Unauthorized, Unreachable

from app.config import CHECKOUT
from tests.patience import PATIENCE_SECONDS
from tests.sdk.conftest import Sandbox
from tests.sdk.fourteen import ROWS, a_list, run_examples, run_receiver, signing_client, told
from tests.sdk.outboxes import hours_pass
from tests.sdk.proxy import AWAY, BUSY, CUT_OFF, LOST, NOT_OURS, REFUSED_TOKEN, Proxy, proxied

EXAMPLES = CHECKOUT / "sdk/python/examples"
IMPORTED = {"PYTHONPATH": str(CHECKOUT / "sdk/python/src")}
BAD_NIK = "3171030000009001"
"""Nobody is born on day 0 of month 0."""


@pytest.fixture
def proxy(sandbox: Sandbox) -> Iterator[Proxy]:
    with proxied(sandbox.url) as proxy:
        yield proxy


@pytest.fixture
def client(sandbox: Sandbox, proxy: Proxy) -> Iterator[Pemudik]:
    with sandbox.client(url=proxy.url) as client:
        yield client


def test_the_fourteen_examples_do_what_they_say(sandbox: Sandbox, tmp_path: Path) -> None:
    run_examples(sandbox, lambda name: [sys.executable, str(EXAMPLES / f"{name}.py")], "PY", tmp_path, **IMPORTED)


def test_the_example_of_a_receiver(sandbox: Sandbox, tmp_path: Path) -> None:
    run_receiver(sandbox, lambda _: [sys.executable, str(EXAMPLES / "webhook.py")], tmp_path, **IMPORTED)


def test_the_first_five_lines(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    [lines] = re.findall(r"```python\n(.*?)```", (EXAMPLES.parent / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(told(lines, sandbox), {})  # noqa: S102
    assert capsys.readouterr().out == "AVAILABLE NIK ini dapat didaftarkan untuk arus mudik (penumpang).\n"


# --- answers that are lost, and a server that is busy -----------------------------------------------------------------


def test_a_submission_whose_answer_is_lost_is_done_once(sandbox: Sandbox, proxy: Proxy, client: Pemudik) -> None:
    """The repeat goes under the same key, so it gets the answer of then: nothing says `replayed`."""
    proxy.mishaps += [LOST, CUT_OFF]
    submission = client.submit_registrant(sandbox.person(sandbox.nik()))  # type: ignore[arg-type]
    assert (submission["replayed"], len(proxy.keys), len(set(proxy.keys))) == (False, 3, 1)
    assert len(set(proxy.bodies)) == 1


def test_each_call_has_a_key_of_its_own_and_a_question_has_none(
    sandbox: Sandbox, proxy: Proxy, client: Pemudik
) -> None:
    nik = sandbox.nik()
    client.check_nik(nik)
    client.submit_registrant(sandbox.person(nik))  # type: ignore[arg-type]
    assert client.submit_registrant(sandbox.person(nik))["replayed"] is True  # type: ignore[arg-type]
    assert client.submit_registrant(sandbox.person(nik), key="ours")["replayed"] is True  # type: ignore[arg-type]
    client.execute('# Of the posko.\nmutation { giveBackSeats(hold: "1") { __typename } }')
    question, first, second, ours, behind_a_comment = proxy.keys
    assert (question, ours, first == second, None in {first, second, behind_a_comment}) == (
        None,
        '"ours"',
        False,
        False,
    )


def test_it_comes_back_when_the_registry_says(sandbox: Sandbox, proxy: Proxy, client: Pemudik) -> None:
    client.token()
    proxy.mishaps += [BUSY]
    began = time.monotonic()
    assert client.check_nik(sandbox.nik())["outcome"] == "AVAILABLE"
    assert (time.monotonic() - began >= 1, len(proxy.keys)) == (True, 2)


def test_it_waits_no_longer_than_its_patience(sandbox: Sandbox, proxy: Proxy) -> None:
    proxy.mishaps += [BUSY] * 2
    with sandbox.client(url=proxy.url, patience_seconds=0.5) as client, pytest.raises(TryLater) as caught:
        client.check_nik(sandbox.nik())
    assert (caught.value.code, caught.value.message, caught.value.retry_after) == ("UNAVAILABLE", "m", 1.0)
    assert len(proxy.keys) == 1


def test_what_somebody_else_answers_is_no_refusal(sandbox: Sandbox, proxy: Proxy, client: Pemudik) -> None:
    proxy.mishaps += NOT_OURS
    for answer in NOT_OURS:
        with pytest.raises(RegistryFailed) as caught:
            client.check_nik(sandbox.nik())
        assert (caught.value.code, caught.value.error_id) == (f"HTTP_{answer.status}", None)


def test_a_refused_token_is_asked_for_anew_once(sandbox: Sandbox, proxy: Proxy, client: Pemudik) -> None:
    proxy.mishaps += [REFUSED_TOKEN]
    assert client.check_nik(sandbox.nik())["outcome"] == "AVAILABLE"
    assert (proxy.tokens_asked, len(proxy.keys)) == (2, 2)
    proxy.mishaps += [REFUSED_TOKEN] * 2
    with pytest.raises(Unauthorized) as caught:
        client.check_nik(sandbox.nik())
    assert (caught.value.code, caught.value.status) == ("INVALID_TOKEN", 401)
    assert (proxy.tokens_asked, len(proxy.keys)) == (3, 4)


def test_one_thread_asks_for_a_token_and_the_others_wait(proxy: Proxy, client: Pemudik) -> None:
    with ThreadPoolExecutor(16) as threads:
        tokens = list(threads.map(lambda _: client.token(), range(64)))
    assert (len(set(tokens)), proxy.tokens_asked) == (1, 1)


def test_a_wrong_secret_is_said_at_once(sandbox: Sandbox, proxy: Proxy) -> None:
    client_id, _ = sandbox.clients["dishub-dki"]
    with Pemudik(proxy.url, client_id, "wrong") as client, pytest.raises(Unauthorized) as caught:
        client.token()
    assert (caught.value.code, caught.value.status, proxy.tokens_asked) == ("INVALID_CLIENT", 401, 1)


def test_a_file_whose_answer_is_lost_is_one_import(
    sandbox: Sandbox, proxy: Proxy, client: Pemudik, tmp_path: Path
) -> None:
    (tmp_path / "daftar.csv").write_bytes(a_list(sandbox))
    proxy.mishaps += [LOST, CUT_OFF]
    sent = client.import_file(tmp_path / "daftar.csv", dry_run=True, mode="SNAPSHOT", covers=["dishub-dki"])
    [first, second, third] = proxy.keys
    assert (first == second == third, first is None) == (True, False)
    again = client.import_file(tmp_path / "daftar.csv", dry_run=True, mode="SNAPSHOT", covers=["dishub-dki"])
    assert again["id"] != sent["id"]
    assert client.import_over(sent["id"], every_seconds=0.1)["rowsDone"] == ROWS
    proxy.mishaps += [CUT_OFF]
    assert client.import_result(sent["id"]).count(b"\n") == ROWS + 1


def test_a_file_that_cannot_be_read_is_refused(client: Pemudik, tmp_path: Path) -> None:
    (tmp_path / "daftar.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(Refused) as caught:
        client.import_over(client.import_file(tmp_path / "daftar.csv")["id"], every_seconds=0.1)
    assert caught.value.code == "HEADER_NOT_FOUND"
    with pytest.raises(Refused) as caught:
        client.import_result("none")
    assert caught.value.code == "NOT_FOUND"


def test_a_client_signs_with_its_key(sandbox: Sandbox, proxy: Proxy, tmp_path: Path) -> None:
    """Behind a proxy it says for whom its signature is. Each request for a token has another one."""
    client_id = signing_client(sandbox, tmp_path / "private.pem")["SIGNING_CLIENT_ID"]
    key, audience = (tmp_path / "private.pem").read_text(encoding="utf-8"), f"{sandbox.url}/oauth/token"
    with Pemudik(proxy.url, client_id, private_key=key, audience=audience) as client:
        proxy.mishaps += [REFUSED_TOKEN]
        assert (client.check_nik(sandbox.nik())["outcome"], proxy.tokens_asked) == ("AVAILABLE", 2)
    with Pemudik(proxy.url, client_id, private_key=key) as client, pytest.raises(Unauthorized):
        client.token()
    with pytest.raises(ValueError, match="secret or a private key"):
        Pemudik(proxy.url, client_id, "s", private_key=key)


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_is_a_stream_in_order(sandbox: Sandbox, proxy: Proxy, client: Pemudik) -> None:
    """No more than 1,000 are taken before their verdicts are told. A lost answer of a batch changes nothing."""
    taken: list[str] = []
    first = int(sandbox.nik())

    def people() -> Iterator[Any]:
        for place in range(1_500):
            taken.append(BAD_NIK if place % 500 == 7 else str(first + place))
            yield sandbox.person(taken[-1])

    proxy.mishaps += [LOST]
    verdicts = client.submit_registrants(people())
    told = [next(verdicts)]
    assert (len(taken), len(proxy.keys)) == (1_000, 2)
    told += verdicts
    assert [verdict.input["nik"] for verdict in told] == taken
    refused = [place for place, verdict in enumerate(told) if verdict.problem]
    assert refused == [7, 507, 1007]
    assert {verdict.answer["replayed"] for verdict in told if verdict.answer} == {False}
    assert [len(proxy.keys), len(set(proxy.keys))] == [3, 2]
    assert [check["outcome"] for check in client.check_niks(taken[6:9])] == ["REGISTERED", "INVALID", "REGISTERED"]


def test_an_async_stream_and_a_sync_one_are_alike(sandbox: Sandbox, proxy: Proxy) -> None:
    first = int(sandbox.nik())

    async def people() -> AsyncIterator[Any]:
        for place in range(1_001):
            yield sandbox.person(str(first + place))

    async def submit() -> list[bool]:
        async with AsyncPemudik(proxy.url, *sandbox.clients["dishub-dki"]) as client:
            tokens = await asyncio.gather(*[client.token() for _ in range(16)])
            assert (len(set(tokens)), proxy.tokens_asked) == (1, 1)
            proxy.mishaps += [BUSY, REFUSED_TOKEN, LOST]
            again = client.submit_registrants([sandbox.person(str(first))])  # type: ignore[list-item]
            answers = [verdict.answer async for verdict in client.submit_registrants(people())]
            return [answer["replayed"] for answer in [*answers, *[verdict.answer async for verdict in again]] if answer]

    assert asyncio.run(submit()) == [*[False] * 1_001, True]
    assert (len(proxy.keys), len(set(proxy.keys))) == (6, 3)


def test_both_clients_have_the_same_methods() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(Pemudik) == public(AsyncPemudik)
    assert len(public(Pemudik)) == 25


def test_seats_that_are_held_are_taken_by_the_submission(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        hold = client.hold_seats(sandbox.routes["dishub-dki"], seats=2, minutes=5)
        assert hold["seats"] == 2
        client.submit_registrant(sandbox.person(sandbox.nik(), hold=hold["id"]))  # type: ignore[arg-type]
        assert client.give_back_seats(hold["id"])["seats"] == 0
        with pytest.raises(Refused) as caught:
            client.hold_seats(sandbox.routes["dishub-dki"], seats=11)
    assert (caught.value.code, caught.value.field) == ("INVALID_VALUE", "seats")


# --- refusals, and what they must not say -----------------------------------------------------------------------------


def test_a_refusal_says_what_the_registry_said(sandbox: Sandbox) -> None:
    with sandbox.client() as client, sandbox.client("ahm", language="en") as ahm:
        nik = sandbox.nik()
        client.submit_registrant(sandbox.person(nik))  # type: ignore[arg-type]
        with pytest.raises(Refused) as caught:
            ahm.submit_registrant({**sandbox.person(nik), "routeId": sandbox.routes["ahm"]})  # type: ignore[typeddict-item]
    refused = caught.value
    assert refused.message.startswith("This NIK is already registered with Dishub Prov. DKI Jakarta")
    assert refused.standing is not None
    assert (refused.code, refused.standing["own"]) == ("NIK_ALREADY_REGISTERED", False)


def test_a_document_that_does_not_fit_is_refused_by_its_code(client: Pemudik) -> None:
    with pytest.raises(Refused) as caught:
        client.execute("{ nothing }")
    assert caught.value.code == "GRAPHQL_VALIDATION_FAILED"


def test_nothing_that_goes_wrong_names_a_nik(
    sandbox: Sandbox, proxy: Proxy, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    nik = sandbox.nik()
    caplog.set_level(logging.DEBUG)
    told = [str(Refused("X", f"The NIK {nik} of 3171.0301.0190.8000 and 12345")), repr(Refused("X", nik))]
    assert told[0] == "The NIK ************8000 of ************8000 and 12345"
    with sandbox.client(url=proxy.url, patience_seconds=0) as client:
        proxy.mishaps += [LOST, REFUSED_TOKEN, REFUSED_TOKEN, BUSY]
        for kind in (Unreachable, Unauthorized, TryLater, Refused, Refused):
            with pytest.raises(kind) as caught:
                client.submit_registrant(sandbox.person(nik if kind is not Refused else nik[:-1]))  # type: ignore[arg-type]
            told += ["".join(traceback.format_exception(caught.value)), repr(caught.value)]
        verdicts = list(client.submit_registrants([sandbox.person(nik)]))  # type: ignore[list-item]
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.put("submitRegistrant", input=sandbox.person(BAD_NIK))
    with sandbox.client() as client:
        told += [repr(list(outbox.send(client))), repr(outbox.refused()), repr(verdicts)]
    for digits in (nik, nik[:-1], BAD_NIK):
        assert digits not in "\n".join([*told, caplog.text])
    assert len(caplog.records) > 10


# --- the feed ---------------------------------------------------------------------------------------------------------


def test_a_change_is_told_until_it_has_been_handled(sandbox: Sandbox, tmp_path: Path) -> None:
    kept, reference = tmp_path / "cursor", "FEED-1"
    with sandbox.client() as client:
        assert list(client.follow(kept, every_seconds=None, from_now=True)) == []
        client.submit_registrant(sandbox.person(sandbox.nik(), reference=reference))  # type: ignore[arg-type]
        client.cancel_registrant({"reference": reference}, "Batal")
        for handled in (0, 0, 1):
            # It is killed while it handles: what it was told comes again.
            changes = client.follow(kept, every_seconds=None)
            seen = [next(changes)["to"] for _ in range(handled + 1)]
            assert seen == ["REGISTERED", "CANCELLED"][: handled + 1]
            changes.close()  # type: ignore[attr-defined]
        assert [change["to"] for change in client.follow(kept, every_seconds=None)] == ["CANCELLED"]
        assert list(client.follow(kept, every_seconds=None)) == []
    assert [file.name for file in tmp_path.iterdir()] == ["cursor"]


def test_a_lost_cursor_goes_on_from_the_last_place_that_is_there(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = tmp_path / "cursor"
    with sandbox.client() as client:
        changes = client.follow(kept, every_seconds=None)
        first = next(changes)
        raw = bytearray(urlsafe_b64decode(first["cursor"] + "=="))
        raw[-9] ^= 1
        kept.write_text(urlsafe_b64encode(bytes(raw)).decode().rstrip("="))
        assert next(client.follow(kept, every_seconds=None))["cursor"] == first["cursor"]
    assert "has lost the change of our cursor" in caplog.text


def test_a_follower_that_waits_hears_of_what_happens(sandbox: Sandbox, tmp_path: Path) -> None:
    kept = tmp_path / "cursor"

    async def follow() -> str:
        async with AsyncPemudik(sandbox.url, *sandbox.clients["dishub-dki"]) as client:
            changes = client.follow(kept, every_seconds=0.05)
            heard = asyncio.ensure_future(anext(changes))
            await asyncio.sleep(0.2)
            await client.submit_registrant(sandbox.person(sandbox.nik(), reference="FEED-2"))  # type: ignore[arg-type]
            change = await asyncio.wait_for(heard, PATIENCE_SECONDS)
            return str(change["registrant"]["reference"])

    with sandbox.client() as client:
        assert list(client.follow(kept, every_seconds=None, from_now=True)) == []
    assert asyncio.run(follow()) == "FEED-2"


# --- the outbox -------------------------------------------------------------------------------------------------------

SENDER = """
import sys
from pemudik_client import Outbox, Pemudik
url, client_id, secret, path = sys.argv[1:]
for sent in Outbox(path).send(Pemudik(url, client_id, secret)):
    print(sent.id, sent.answer["replayed"], flush=True)
"""


def test_an_outbox_survives_whatever_is_killed(sandbox: Sandbox, tmp_path: Path) -> None:
    """A sender is killed three times. Everybody is registered once, by the first request that arrived."""
    path, first = tmp_path / "outbox.db", int(sandbox.nik())
    outbox = Outbox(path)
    ids = [outbox.put("submitRegistrant", input=sandbox.person(str(first + place))) for place in range(40)]
    command = [sys.executable, "-c", SENDER, sandbox.url, *sandbox.clients["dishub-dki"], str(path)]
    told: list[str] = []
    for _ in range(3):
        with subprocess.Popen(
            command, env=sandbox.environment(**IMPORTED), stdout=subprocess.PIPE, text=True
        ) as sender:
            assert sender.stdout is not None
            told += [sender.stdout.readline() for _ in range(5)]
            sender.kill()
            told += sender.stdout
    with sandbox.client() as client:
        told += [f"{sent.id} {sent.answer['replayed']}\n" for sent in outbox.send(client) if sent.answer]
        assert list(outbox.send(client)) == []
        # One that was killed between the answer and its own line had written the answer down.
        assert {line.split()[1] for line in told} == {"False"}
        assert [int(line.split()[0]) for line in told] == sorted(int(line.split()[0]) for line in told)
        assert {check["outcome"] for check in client.check_niks(str(first + place) for place in range(40))} == {
            "REGISTERED"
        }
    assert (outbox.waiting(), outbox.refused(), len(ids)) == (0, [], 40)
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT DISTINCT state, variables, json_extract(answer, '$.replayed') FROM outbox")
        assert rows.fetchall() == [("ACCEPTED", None, 0)]


def test_an_outbox_waits_in_order_and_keeps_what_is_refused(sandbox: Sandbox, proxy: Proxy, tmp_path: Path) -> None:
    outbox, nik = Outbox(tmp_path / "outbox.db"), sandbox.nik()
    bad, good = (outbox.put("submitRegistrant", input=sandbox.person(one)) for one in (BAD_NIK, nik))
    with sandbox.client(url=proxy.url, patience_seconds=0) as client:
        proxy.mishaps += [AWAY]
        assert list(outbox.send(client)) == []
        # Nobody passes the one that waits.
        assert (list(outbox.send(client)), len(proxy.keys), outbox.waiting()) == ([], 1, 2)
        hours_pass(tmp_path / "outbox.db")
        proxy.mishaps += [REFUSED_TOKEN] * 2
        with pytest.raises(Unauthorized):
            list(outbox.send(client))
        sent = list(outbox.send(client))
        assert [(one.id, one.problem and one.problem["code"]) for one in sent] == [(bad, "NIK_INVALID"), (good, None)]
        assert len(set(proxy.keys)) == 2
        [refused] = outbox.refused()
        assert (refused.id, refused.variables["input"]["nik"], refused.problem["field"]) == (bad, BAD_NIK, "nik")
        outbox.again(bad, input=sandbox.person(str(int(nik) + 1)))
        [mended] = outbox.send(client)
        assert (mended.id, mended.problem, len(set(proxy.keys)), outbox.refused()) == (bad, None, 3, [])
    assert stat.S_IMODE((tmp_path / "outbox.db").stat().st_mode) == 0o600
    assert nik.encode() not in (tmp_path / "outbox.db").read_bytes()


def test_two_senders_never_send_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    outbox, nik = Outbox(tmp_path / "outbox.db"), int(sandbox.nik())
    for place in range(3):
        outbox.put("submitRegistrant", input=sandbox.person(str(nik + place)))

    async def the_rest() -> list[int]:
        async with AsyncPemudik(sandbox.url, *sandbox.clients["dishub-dki"]) as client:
            return [sent.id async for sent in Outbox(tmp_path / "outbox.db").send_async(client)]

    with sandbox.client() as client:
        first = outbox.send(client)
        assert next(first).id == 1
        assert list(Outbox(tmp_path / "outbox.db").send(client)) == []
        first.close()  # type: ignore[attr-defined]
    assert asyncio.run(the_rest()) == [2, 3]
