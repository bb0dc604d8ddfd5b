"""As whom the embedded PostgreSQL runs: it refuses root, and its initdb whoever has no name on this machine.

In a user namespace of one uid both are somebody, and files stay our own on disk. Where the kernel refuses that, root
becomes `nobody`.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.embedded import unprivileged

NOBODY = 65534


@dataclass(frozen=True, slots=True)
class RunAs:
    """How a command of PostgreSQL is started, so that it does not find itself root or nameless."""

    prefix: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    owner: int | None = None
    """Whom the files must belong to, when not to us."""


def who_runs(data: Path) -> RunAs:
    if os.geteuid() != 0:
        return RunAs() if has_name(os.geteuid()) else namespaced() or RunAs()
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return somebody(owner)
    return namespaced() or somebody(nobody())


def namespaced() -> RunAs | None:
    """None where the kernel, or a container's rules, refuse user namespaces."""
    prefix = (sys.executable, "-I", "-S", unprivileged.__file__, str(nobody()))
    probe = subprocess.run([*prefix, sys.executable, "-I", "-S", "-c", ""], capture_output=True, check=False)  # noqa: S603
    return RunAs(prefix) if probe.returncode == 0 else None


def somebody(uid: int) -> RunAs:
    return RunAs(options={"user": uid, "group": group_of(uid), "extra_groups": []}, owner=uid)


def nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return next((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0), NOBODY)


def has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def group_of(uid: int) -> int:
    return pwd.getpwuid(uid).pw_gid if has_name(uid) else uid
