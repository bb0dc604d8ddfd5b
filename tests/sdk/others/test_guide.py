"""Every block of the guide for organizers, executed as it is written: on a server, in the order of the pages."""

from __future__ import annotations

import json
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from app.clock import start_of_wib_day, wib_day
from app.config import CHECKOUT
from app.web.guide_pages import FOLDER, ORDER
from tests.patience import PATIENCE_SECONDS
from tests.sdk.conftest import Sandbox
from tests.sdk.others.conftest import needs

HELD_BY_AHM = "3171030505909009"
STEP = re.compile(r"^```(sh|graphql|php)\n(.*?)^```\n(?:```json\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
"""A block, and what stands below it: the answer of commands, the variables of a document."""
COST = re.compile(r',"extensions":\{"cost":\{[^}]*\}\}')
SECRET = "whsec_cmFoYXNpYS15YW5nLWN1a3VwLXBhbmphbmc="
BETWEEN = "<<<>>>"
MADE = {"CLIENT_ID", "CLIENT_SECRET", "ROUTE", "RETURN_ROUTE"}
"""By the first pages."""


def steps(kind: str) -> list[tuple[str, str]]:
    pages = [(FOLDER / "id" / f"{name}.md").read_text(encoding="utf-8") for name in ORDER]
    return [(text, below) for page in pages for found, text, below in STEP.findall(page) if found == kind]


def program(has: str) -> str:
    """The one in PHP that has this in it."""
    [text] = [text for text, _ in steps("php") if has in text]
    return text


def environment(sandbox: Sandbox) -> dict[str, str]:
    """What `make run` prints, and for programs what the first page makes of that."""
    client_id, secret = sandbox.clients["dishub-dki"]
    printed = {"DISHUB_DKI_ID": client_id, "DISHUB_DKI_SECRET": secret}
    return sandbox.environment(CLIENT_ID=client_id, CLIENT_SECRET=secret, **printed)


def test_commands_answer_what_stands_below_them(sandbox: Sandbox, tmp_path: Path) -> None:
    with sandbox.client("ahm") as ahm:
        ahm.submit_registrant({**sandbox.person(HELD_BY_AHM), "routeId": sandbox.routes["ahm"]})  # type: ignore[typeddict-item]
    commands = steps("sh")
    script = "\n".join(f"{text}\nprintf '\\n{BETWEEN}\\n'" for text, _ in commands)
    run = subprocess.run(
        ["sh", "-eu", "-c", script],
        env={name: value for name, value in environment(sandbox).items() if name not in MADE},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stdout
    answers = run.stdout.split(f"\n{BETWEEN}\n")[: len(commands)]
    for (text, below), answer in zip(commands, answers, strict=True):
        pattern = re.escape(below.strip()).replace("…", r"[^\"]+?")
        assert re.fullmatch(pattern, COST.sub("", answer.strip())), (text, answer)


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
    assert len(documents) == 17


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


def refusals(value: Any) -> list[Any]:
    """A `Problem` tells a code and a message, also in a list of them."""
    if isinstance(value, list):
        return [found for one in value for found in refusals(one)]
    if not isinstance(value, dict):
        return []
    own = [value] if {"code", "message"} <= value.keys() else []
    return own + [found for one in value.values() for found in refusals(one)]


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
    said = php(program("new Outbox("), environment=environment(sandbox), folder=tmp_path)
    assert said.splitlines() == ["diterima", "0 menunggu"]


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
