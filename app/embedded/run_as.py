"""As which user the embedded PostgreSQL runs: it refuses root, and initdb refuses a user without a name.

First choice: `unprivileged` starts a command in a user namespace, where root or a nameless user has another uid, and
files stay our own on disk. Where the kernel refuses namespaces, root becomes the user `nobody`.
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

NOBODY_UID = 65534
"""Of `nobody` on nearly every system, for a machine whose list of users is empty."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """How a command of PostgreSQL is started, so that it runs neither as root nor as a user without a name."""

    prefix: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    owner: int | None = None
    """The files must belong to this user. None: they stay ours."""


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
        return next((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0), NOBODY_UID)


def has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def group_of(uid: int) -> int:
    return pwd.getpwuid(uid).pw_gid if has_name(uid) else uid
