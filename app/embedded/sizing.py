"""How much of its machine the embedded PostgreSQL takes: a quarter of the memory for its buffers, and at most 2 GB.

PostgreSQL itself would take 128 MB of any machine, and write a checkpoint for each gigabyte of its log.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEGABYTE = 2**20
SHARE_OF_MEMORY = 4
LEAST_BUFFERS_MB, MOST_BUFFERS_MB = 16, 2_048
SHARE_OF_FREE_DISK = 20
LEAST_WAL_MB, MOST_WAL_MB = 128, 4_096
"""Between two checkpoints, each page that changes is written whole once. After a crash all of this is read again."""

LIMITS_OF_CONTAINERS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def of_this_machine(folder: Path) -> dict[str, str]:
    """The settings of a cluster in `folder`."""
    return sized(memory_bytes(), shutil.disk_usage(folder).free)


def sized(memory: int, free_disk: int) -> dict[str, str]:
    buffers = _within(memory // SHARE_OF_MEMORY // MEGABYTE, LEAST_BUFFERS_MB, MOST_BUFFERS_MB)
    wal = _within(free_disk // SHARE_OF_FREE_DISK // MEGABYTE, LEAST_WAL_MB, MOST_WAL_MB)
    return {"shared_buffers": f"{buffers}MB", "max_wal_size": f"{wal}MB"}


def memory_bytes() -> int:
    """Of this machine, or of the container that this process is in."""
    of_the_machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([of_the_machine, *limits(LIMITS_OF_CONTAINERS)])


def limits(files: tuple[Path, ...]) -> list[int]:
    """A container without a limit says `max`, or a number that no machine has."""
    texts = [file.read_text().strip() for file in files if file.exists()]
    return [int(text) for text in texts if text.isdigit()]


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))
