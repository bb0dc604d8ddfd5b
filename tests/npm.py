"""Packages of npm that tests use: installed once, into the folder of their `package.json`, which git ignores."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory


def install(folder: Path) -> None:
    """Once; a second run that was started meanwhile waits, and then finds everything done."""
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
            return
        # Only this folder is written: no cache in the home folder.
        with TemporaryDirectory() as cache:
            run = subprocess.run(
                ["npm", "ci"],
                cwd=folder,
                env={**os.environ, "npm_config_cache": cache},
                check=False,
                capture_output=True,
                text=True,
            )
        assert run.returncode == 0, run.stderr
