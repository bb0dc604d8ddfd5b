"""Patroni and etcd, as this machine has them. Patroni has an environment of its own: the registry needs none of it."""

from __future__ import annotations

import fcntl
import functools
import shutil
import subprocess
import sys
from pathlib import Path

from app.config import CHECKOUT

LOCK = Path(__file__).parent / "patroni.lock"
HOME = CHECKOUT / ".pemudik" / "patroni"
PATRONI = HOME / "bin" / "patroni"
ETCD = shutil.which("etcd")


@functools.cache
def missing() -> str | None:
    """Why no cluster can be tried here, in one line. None: all is there."""
    if sys.platform != "linux":
        return "the machines of a cluster are addresses of the loopback, which only Linux has"
    if ETCD is None:
        return "etcd is not installed (apt-get install etcd-server)"
    return install()


def install() -> str | None:
    """Once. A second run that was started meanwhile waits, and then finds everything done."""
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (HOME / "done").exists() or (HOME / "done").read_text() != LOCK.read_text():
            if said := failure_of_making():
                return f"Patroni cannot be installed: {said.strip().splitlines()[-1]}"
            (HOME / "done").write_text(LOCK.read_text())
    return None


def failure_of_making() -> str | None:
    shutil.rmtree(HOME, ignore_errors=True)
    pip = [str(HOME / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "--no-input"]
    for words in (
        [sys.executable, "-m", "venv", str(HOME)],
        [*pip, "install", "--no-deps", "--require-hashes", "--requirement", str(LOCK)],
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return done.stderr or done.stdout or f"{words[2]} failed"
    return None
