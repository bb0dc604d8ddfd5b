"""What `/metrics` answers: the counts of all processes of this server, added up by prometheus_client."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from app import metrics
from app.version import VERSION


class _Families(Collector):
    """Metrics that were collected already, for prometheus_client to write."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> list[Metric]:
        return self._families


def render(accept: str, folder: Path | None = None, more: Iterable[Metric] = ()) -> tuple[bytes, str]:
    """The page in the form that `accept` asks for, and its media type.

    `folder` is where several processes count together. `more` is added to what they counted.
    """
    encode, media = choose_encoder(accept)
    counted = metrics.REGISTRY.collect() if folder is None else _of_all(folder)
    build = GaugeMetricFamily("pemudik_build_info", "The version that answers.", labels=["version", "python"])
    build.add_metric([VERSION, platform.python_version()], 1)
    return encode(_Families([*counted, build, *more])), media


def _of_all(folder: Path) -> Iterable[Metric]:
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not _lives(pid):
            # Another process that is asked at this moment may remove the file first.
            with suppress(FileNotFoundError):
                mark_process_dead(pid, folder)
    families: Iterable[Metric] = MultiProcessCollector(None, folder).collect()
    return families


def _lives(pid: int) -> bool:
    """Whether a process runs. A killed process keeps its pid until its supervisor has noticed; it does not run."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2]
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        # This system has no /proc.
        return True
    return not state.startswith("Z")
