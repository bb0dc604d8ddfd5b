"""The fourteen examples that each client has under the same names, and what each of them says."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from pemudik_client import Pemudik
from pemudik_client.assertions import public_keys

from tests.patience import PATIENCE_SECONDS
from tests.sdk.conftest import DELIVERIES, SAVE_WEBHOOK, TEST_WEBHOOK, Sandbox, end_of_feed, free_port

Command = Callable[[str], Sequence[str]]
"""By the name of an example how it is run."""

ROWS = 3
ISSUE = """mutation ($keys: String) {
    issueClient(organizer: "dishub-dki", scopes: ["nik:check"], publicKeys: $keys) { secret client { id } } }"""
MAKES_A_KEY = ("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out")

SAID = {
    "access_token": ["3"],
    "check_nik": ["AVAILABLE"],
    "submit_registrant": ["REGISTERED new"],
    "submit_booking": ["3 people, 3 with a way back"],
    "submit_registrants": ["accepted 1000", "NIK_INVALID 1"],
    "refusal": ["NIK_ALREADY_REGISTERED AHM (Honda)"],
    "correct": ["REGISTERED"],
    "look_up": ["REGISTERED Warga Contoh Sekali"],
    "posko": [*["VERIFIED"] * 3, *["DEPARTED"] * 3, "CANCELLED"],
    "follow": ["REGISTRANT_MOVED REGISTERED", "REGISTRANT_CORRECTED -", "REGISTRANT_MOVED CANCELLED"],
    "outbox": ["accepted", "NIK_INVALID", "0 waiting"],
    "import_file": [f"{ROWS} rows, 0 refused", "hasil;keterangan"],
    "private_key": ["AVAILABLE"],
}
"""In this order: some need what those before them did."""
RECEIVER = "webhook"
"""The fourteenth stays until it is ended."""


def run_examples(sandbox: Sandbox, command: Command, language: str, folder: Path, **more: str) -> None:
    nik = sandbox.nik()
    held = str(int(nik) + 50)
    with sandbox.client("ahm") as ahm, sandbox.client() as client:
        ahm.submit_registrant({**sandbox.person(held), "routeId": sandbox.routes["ahm"]})  # type: ignore[typeddict-item]
        end_of_feed(client, folder / "pemudik.cursor")
    told = {"NIK": nik, "REFERENCE": f"KLIEN-{language}", "NIK_OF_ANOTHER": held, "LIST": str(folder / "daftar.csv")}
    told |= signing_client(sandbox, folder / "private.pem")
    (folder / "daftar.csv").write_bytes(a_list(sandbox))
    environment = sandbox.environment(**told, **more)
    for name, said in SAID.items():
        run = subprocess.run(
            command(name),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert (name, run.returncode, run.stderr, run.stdout.splitlines()) == (name, 0, "", said)


def signing_client(sandbox: Sandbox, file: Path) -> dict[str, str]:
    """Of the organizer: a client with a private key, which openssl has made, and whose public half Hubdat is given."""
    subprocess.run([*MAKES_A_KEY, str(file)], check=True, capture_output=True)
    with sandbox.client("hubdat") as hubdat:
        issued = hubdat.execute(ISSUE, {"keys": public_keys(file.read_text(encoding="utf-8"))})["issueClient"]
    assert issued["secret"] is None
    return {"SIGNING_CLIENT_ID": issued["client"]["id"], "PRIVATE_KEY": str(file)}


def a_list(sandbox: Sandbox) -> bytes:
    """The first rows of what the registry exports."""
    with sandbox.client() as client:
        headers = {"Authorization": f"Bearer {client.token()}"}
    answer = httpx.get(f"{sandbox.url}/export.csv", headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)
    return b"".join(answer.content.splitlines(keepends=True)[: ROWS + 1])


def run_receiver(sandbox: Sandbox, command: Callable[[int], Sequence[str]], folder: Path, **more: str) -> None:
    """The registry itself sends a webhook to the example. One that somebody changed on the way is refused."""
    port = free_port()
    with sandbox.client() as client:
        saved = client.execute(SAVE_WEBHOOK, {"url": f"http://127.0.0.1:{port}/webhook"})["saveWebhook"]
        environment = sandbox.environment(WEBHOOK_SECRET=saved["secret"], PORT=str(port), **more)
        with _running(command(port), environment, port, folder):
            client.execute(TEST_WEBHOOK, {"id": saved["webhook"]["id"]})
            assert _delivered(client, saved["webhook"]["id"]) == 204
            headers = {
                "webhook-id": "a",
                "webhook-timestamp": str(int(time.time())),
                "webhook-signature": "v1,bm9uZQ==",
            }
            forged = httpx.post(f"http://127.0.0.1:{port}/webhook", content=b"{}", headers=headers, trust_env=False)
            assert forged.status_code == 400


def told(lines: str, sandbox: Sandbox) -> str:
    """The first lines of a README, with the address and the client that are meant."""
    client_id, secret = sandbox.clients["dishub-dki"]
    for word, meant in (("https://pemudik.example", sandbox.url), ("CLIENT_ID", client_id), ("CLIENT_SECRET", secret)):
        lines = lines.replace(word, meant)
    return lines


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str], port: int, folder: Path) -> Iterator[None]:
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _await(port, process)
            yield
        finally:
            process.kill()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("It does not listen.")


def _delivered(client: Pemudik, webhook: str) -> int | None:
    """The status that the receiver answered."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        [of_it] = [one for one in client.execute(DELIVERIES)["webhooks"] if one["id"] == webhook]
        for delivery in of_it["deliveries"]["nodes"]:
            if delivery["state"] == "DELIVERED":
                status: int = delivery["attempts"][-1]["status"]
                return status
        time.sleep(0.1)
    raise AssertionError("Nothing arrived.")
