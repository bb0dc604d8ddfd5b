"""Every block of the guide for organizers, executed as it is written: on a server, in the order of the pages."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from app.clock import start_of_wib_day, wib_day
from app.config import CHECKOUT
from tests.guide import is_said, refusals, steps
from tests.patience import PATIENCE_SECONDS
from tests.sdk.conftest import Sandbox
from tests.sdk.others.conftest import needs

SECRET = "whsec_cmFoYXNpYS15YW5nLWN1a3VwLXBhbmphbmc="
BETWEEN = "<<<>>>"
MADE = {"PEMUDIK_CLIENT_ID", "PEMUDIK_CLIENT_SECRET", "ROUTE", "RETURN_ROUTE"}
"""By the first pages, of what programs are told."""


def program(has: str) -> str:
    """The one in PHP that has this in it."""
    [text] = [text for text, _ in steps("php") if has in text]
    return text


def printed(sandbox: Sandbox) -> dict[str, str]:
    """What `make run` prints."""
    kept = {name: value for name, value in sandbox.environment().items() if name not in MADE}
    for organizer in ("dishub-dki", "ahm"):
        name = organizer.upper().replace("-", "_")
        kept[f"{name}_ID"], kept[f"{name}_SECRET"] = sandbox.clients[organizer]
    return kept


def test_commands_answer_what_stands_below_them(sandbox: Sandbox, tmp_path: Path) -> None:
    commands = steps("sh")
    script = "\n".join(f"{text}\nprintf '\\n{BETWEEN}\\n'" for text, _ in commands)
    answers = shell(script, printed(sandbox), tmp_path).split(f"\n{BETWEEN}\n")[: len(commands)]
    for (text, below), answer in zip(commands, answers, strict=True):
        assert is_said(below, answer), (text, answer)


def test_the_examples_of_the_clients_run_after_what_the_guide_exports(sandbox: Sandbox, tmp_path: Path) -> None:
    for language in ("php", "node"):
        needs(language, "the guide")
    (tmp_path / "sdk").symlink_to(CHECKOUT / "sdk")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    exports = [text for text, _ in (*steps("sh", ["prasyarat"]), *steps("sh", ["teknis"])[-1:])]
    [(example, below)] = steps("sh klien")
    said = shell("\n".join([*exports, f"echo '{BETWEEN}'", example]), printed(sandbox), tmp_path)
    assert said.partition(f"{BETWEEN}\n")[2] == below


def test_documents_are_answered_without_an_error_or_a_refusal(sandbox: Sandbox) -> None:
    meant = {"ID-RUTE": sandbox.routes["dishub-dki"]}
    documents = steps("graphql")
    for text, below in documents:
        variables = below
        for word, value in meant.items():
            variables = variables.replace(word, value)
        answer = asked(sandbox, text, json.loads(variables))
        assert "errors" not in answer, (text, answer)
        assert refusals(answer["data"]) == [], (text, answer)
        if saved := answer["data"].get("saveWebhook"):
            meant["ID-WEBHOOK"] = saved["webhook"]["id"]
    assert len(documents) == 18


def asked(sandbox: Sandbox, query: str, variables: dict[str, Any]) -> Any:
    token = httpx.post(
        f"{sandbox.url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=sandbox.clients["dishub-dki"],
        trust_env=False,
    ).json()["access_token"]
    answer = httpx.post(
        f"{sandbox.url}/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    )
    return answer.json()


def test_the_check_of_a_signature_knows_ours_and_no_other() -> None:
    checks = program("function sah(")
    now, body = int(time.time()), '{"type": "registrant.forfeited"}'
    signed = Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(now, UTC), body)
    headers = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(now), "Webhook-Signature": f"v1,AAAA {signed}"}
    told = []
    for secret, given, content, at in (
        (SECRET, headers, body, now),
        (SECRET, headers, body, now + 301),
        (SECRET, headers, f"{body} ", now),
        (SECRET, {**headers, "Webhook-Id": "msg_2"}, body, now),
        (SECRET, {**headers, "Webhook-Timestamp": "x"}, body, now),
        (SECRET, {}, body, now),
        ("whsec_bGFpbg==", headers, body, now),
    ):
        arguments = json.dumps([secret, given or {"x": "y"}, content, at])
        told.append(php(f"{checks}\necho sah(...json_decode($argv[1], true)) ? 'ya' : 'tidak';", arguments))
    assert told == ["ya", *["tidak"] * 6]


def test_the_checksum_of_a_list_is_that_of_the_registry(sandbox: Sandbox) -> None:
    day = wib_day(datetime.now(UTC))
    began = start_of_wib_day(day)
    where = {
        "organizer": "dishub-dki",
        "status": ["REGISTERED", "VERIFIED", "DEPARTED"],
        "registeredFrom": began.isoformat(),
        "registeredTo": (began + timedelta(days=1)).isoformat(),
    }
    with sandbox.client() as client:
        client.submit_registrant(sandbox.person(sandbox.nik()))  # type: ignore[arg-type]
        found = [*client.registrants(where, fields="nik direction service statusCode")]
        told = client.execute("query ($day: Date!) { consolidation(date: $day) { checksum } }", {"day": str(day)})
    names = {"nik": "nik", "direction": "arah", "service": "layanan", "statusCode": "kode"}
    ours = [{names[name]: value for name, value in one.items() if name in names} for one in found]
    # Others may have registered thousands on this day: too many for an argument.
    reading = "echo sidik(json_decode(stream_get_contents(STDIN), true));"
    said = php(f"{program('function sidik(')}\n{reading}", typed=json.dumps(ours))
    assert said == told["consolidation"]["checksum"]


def test_the_queue_sends_what_was_put_into_it(sandbox: Sandbox, tmp_path: Path) -> None:
    said = php(program("new Outbox("), environment=sandbox.environment(), folder=tmp_path)
    assert said.splitlines() == ["diterima", "0 menunggu"]


def shell(script: str, environment: dict[str, str], folder: Path) -> str:
    run = subprocess.run(
        ["sh", "-eu", "-c", script],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stdout
    return run.stdout


def php(
    program: str, *arguments: str, environment: dict[str, str] | None = None, folder: Path = CHECKOUT, typed: str = ""
) -> str:
    run = subprocess.run(
        [needs("php", "the guide"), "-d", f"include_path={CHECKOUT / 'sdk' / 'php'}", "-r", program, "--", *arguments],
        env=environment,
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stdout
    return run.stdout
