"""The files of `deploy/`: what can run here runs, the rest is read. Which is which stands in docs/operations.md."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from app import migration
from app.config import CHECKOUT, Settings
from app.version import VERSION
from app.web import client_files
from app.web.guide_pages import ORDER
from tests.patience import patience

DEPLOY = CHECKOUT / "deploy"
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def needs(program: str) -> pytest.MarkDecorator:
    missing = shutil.which(program, path=PATH) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed")


def call(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={"PATH": PATH, "HOME": "/tmp"})  # noqa: S108
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


# --- systemd ----------------------------------------------------------------------------------------------------------


@needs("systemd-analyze")
def test_systemd_knows_every_line_of_the_units(tmp_path: Path) -> None:
    """The program stands elsewhere here, and nothing else of the units is changed."""
    for unit in (DEPLOY / "systemd").iterdir():
        text = unit.read_text().replace("/opt/pemudik/.venv/bin/pemudik", str(CHECKOUT / ".venv/bin/pemudik"))
        (tmp_path / unit.name).write_text(
            text.replace("User=pemudik\n", "User=daemon\n").replace("Group=pemudik\n", "")
        )
    assert call("systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())) == ""


def test_the_units_set_only_what_there_is() -> None:
    known = {f"PEMUDIK_{name.upper()}" for name in Settings.model_fields} | {"DATABASE_URL"}
    for unit in (DEPLOY / "systemd").glob("*.service"):
        for line in unit.read_text().splitlines():
            if line.startswith("Environment="):
                assert line.removeprefix("Environment=").partition("=")[0].removesuffix("_FILE") in known, line


# --- proxies ----------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@asynccontextmanager
async def backend(seen: list[str]) -> AsyncIterator[int]:
    """Answers each request that has come whole with 200, and notes its head."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = re.search(r"content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            seen.append(head)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def caddy(folder: Path, to: int) -> AsyncIterator[str]:
    port, admin = free_port(), free_port()
    text = (DEPLOY / "Caddyfile").read_text()
    assert text.count("pemudik.example {") == text.count("127.0.0.1:8000 127.0.0.1:8001") == 1
    text = text.replace("pemudik.example {", f"http://127.0.0.1:{port} {{")
    text = text.replace("127.0.0.1:8000 127.0.0.1:8001", f"127.0.0.1:{to}")
    text = text.replace("{\n\tservers", f"{{\n\tadmin 127.0.0.1:{admin}\n\tservers", 1)
    (folder / "Caddyfile").write_text(text)
    program = str(shutil.which("caddy", path=PATH))
    running = await asyncio.create_subprocess_exec(
        program,
        *("run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"),
        stderr=subprocess.DEVNULL,
        env={"PATH": PATH, "HOME": str(folder)},
    )
    try:
        async with patience(), httpx.AsyncClient() as client:
            while True:
                try:
                    if (await client.get(f"http://127.0.0.1:{port}/")).status_code == 200:
                        break
                except httpx.ConnectError:
                    pass
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        await running.wait()


@needs("caddy")
def test_caddy_takes_its_file() -> None:
    assert "Valid configuration" in call(
        "caddy", "validate", "--config", DEPLOY / "Caddyfile", "--adapter", "caddyfile"
    )


@needs("caddy")
@pytest.mark.anyio
async def test_caddy_bounds_what_comes_and_says_who_called(tmp_path: Path) -> None:
    seen: list[str] = []
    async with backend(seen) as port, caddy(tmp_path, port) as url, httpx.AsyncClient(base_url=url) as client:
        forged = {"X-Forwarded-For": "203.0.113.7"}
        assert (await client.post("/graphql", content=b"{}", headers=forged)).text == "ok"
        assert "x-forwarded-for: 127.0.0.1\r\n" in seen[-1]
        assert "203.0.113.7" not in seen[-1]
        count = len(seen)
        assert (await client.get("/metrics")).status_code == 404
        assert (await client.get("/", headers={"X-Large": "x" * 40_000})).status_code == 431
        with suppress(httpx.NetworkError):  # Caddy may let go of the connection before it is all sent.
            assert (await client.post("/import", content=b"x" * (33 * 1024 * 1024))).status_code in {413, 502}
        assert not [one for one in seen[count:] if re.match("get /metrics|post /import", one) or "x-large" in one]


@needs("nginx")
def test_nginx_takes_its_file(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    call(
        "openssl",
        *["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x"],
        "-keyout",
        certificate,
        "-out",
        tmp_path / "c",
    )
    certificate.write_text(certificate.read_text() + (tmp_path / "c").read_text())
    text = (DEPLOY / "nginx.conf").read_text()
    for name in ("fullchain.pem", "privkey.pem"):
        assert text.count(f"/etc/ssl/pemudik/{name}") == 1
        text = text.replace(f"/etc/ssl/pemudik/{name}", str(certificate))
    (tmp_path / "site.conf").write_text(text)
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; include {tmp_path}/site.conf; }}"
    )
    assert "test is successful" in call("nginx", "-t", "-c", whole)


# --- what is only read ------------------------------------------------------------------------------------------------


def test_the_container_is_not_root_and_is_looked_after() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    steps = [line.partition(" ")[0] for line in lines if line and not line.startswith("#")]
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]
    assert {"HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT"} <= set(steps)
    assert steps.index("USER") < steps.index("ENTRYPOINT")
    copied = {
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    }
    assert copied == {name for name in copied if (CHECKOUT / name).exists()}
    assert any("--require-hashes -r requirements.lock" in line for line in lines)
    assert not [line for line in lines if line.startswith("FROM") and (":" not in line or ":latest" in line)]


def test_what_the_containerfile_copies_is_enough_to_build_and_to_run(tmp_path: Path) -> None:
    """Its last step of the build, outside of a container. What the lock has is here already."""
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    for name in {
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    }:
        there = CHECKOUT / name
        if there.is_dir():
            shutil.copytree(there, tmp_path / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (tmp_path / "source").mkdir(exist_ok=True)
            shutil.copy(there, tmp_path / "source")
    [step] = [line for line in lines if line.endswith("--no-build-isolation .")]
    words = step.removeprefix("RUN /opt/pemudik/bin/pip ").split()
    built = tmp_path / "built"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", *words[:-1], "--target", str(built), "."]
    subprocess.run(pip, cwd=tmp_path / "source", check=True, capture_output=True)
    program = (
        "import sys; sys.path[:0] = [sys.argv.pop(1)]; from app import cli, migration;"
        "from app.web import client_files, guide_pages; print(migration.FOLDER, migration.newest(), guide_pages.FOLDER,"
        " len(guide_pages.pages('id'))); print(client_files.FOLDER, *client_files.FILES); cli.app(['--version'])"
    )
    said = subprocess.run(
        [sys.executable, "-P", "-c", program, str(built)], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    told, clients, version = said.splitlines()
    assert told == f"{built}/app/_migrations {migration.newest()} {built}/app/_panduan {len(ORDER)}"
    assert clients.partition(" ")[0] == f"{built}/app/_sdk"
    assert set(clients.split()[1:]) == client_files.FILES.keys()
    assert version == f"pemudik {VERSION}"


@pytest.mark.anyio
async def test_the_container_is_healthy_while_the_server_is_ready() -> None:
    [line] = [one for one in (DEPLOY / "Containerfile").read_text().splitlines() if one.startswith("HEALTHCHECK")]
    _, *words = json.loads(line.partition("CMD ")[2])
    assert words[-1].count("127.0.0.1:8000/readyz") == 1

    async def healthy(port: int) -> bool:
        asked = words[-1].replace(":8000/", f":{port}/")
        running = await asyncio.create_subprocess_exec(sys.executable, "-c", asked, stderr=subprocess.DEVNULL)
        return await running.wait() == 0

    seen: list[str] = []
    async with backend(seen) as port:
        assert await healthy(port)
    assert [one.partition("\r\n")[0] for one in seen] == ["get /readyz http/1.1"]
    assert not await healthy(free_port())


def test_patroni_is_synchronous_and_quick() -> None:
    text = (DEPLOY / "patroni.yml").read_text()
    said = {name: int(value) for name, value in re.findall(r"^    (\w+): (\d+)$", text, re.MULTILINE)}
    assert "    synchronous_mode: true\n" in text
    # What Patroni asks of its times.
    assert said["loop_wait"] + 2 * said["retry_timeout"] <= said["ttl"] == 20
