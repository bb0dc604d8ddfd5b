"""A program: `unprivileged.py UID COMMAND…` runs a command as another user than root, since PostgreSQL refuses root.

It enters a user namespace of one uid: there the command has the uid `UID`, while its files stay the caller's own on
disk, and no system user or permission has to change. It is a program of its own and not a `preexec_fn`, since code
between fork and exec is not safe in a process with threads.
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000


def enter_namespace(uid: int) -> None:
    """From here on this process has the uid `uid` in its own eyes. Raises OSError where the kernel refuses that."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {user} 1"), ("gid_map", f"{uid} {group} 1")):
        Path(f"/proc/self/{name}").write_text(line)


if __name__ == "__main__":
    enter_namespace(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - a shell would only misread paths
