"""What `/metrics` answers: the sum of what all processes of this server counted, and each process's own size."""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from app import __version__
from app.metrics.cells import PID, Name, Slot
from app.metrics.kinds import COUNTS, Counter, Gauge, Histogram

Sums = dict[str, dict[tuple[str, ...], list[float]]]


class Page(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> list[Metric]:
        return self._families


def render(accept: str, more: Iterable[Metric] = ()) -> tuple[bytes, str]:
    """The page in the form that is wanted, and its media type."""
    encode, media = choose_encoder(accept)
    return encode(Page([*of_processes(), *more])), media


def of_processes() -> Iterator[Metric]:
    slots = COUNTS.cells.slots()
    sums = _sums(slots)
    for metric in COUNTS.metrics.values():
        yield _family(metric, sums.get(metric.name, {}))
    yield _number("pemudik_build_info", "The version that answers.", 1, version=__version__, python=_PYTHON)
    yield _number("pemudik_workers", "Processes that serve.", sum(slot.alive for slot in slots))
    yield _number(
        "pemudik_metrics_spilt",
        "What was counted and found no room: nothing, unless there is a bug.",
        sum(slot.spilt for slot in slots),
    )
    yield from _sizes([slot for slot in slots if slot.alive])


def _sums(slots: Iterable[Slot]) -> Sums:
    sums: Sums = defaultdict(dict)
    for slot in slots:
        for name, block in slot.blocks():
            if (name.live and not slot.alive) or not _is_ours(name):
                continue
            standing = sums[name.metric].get(name.labels)
            whole = block if standing is None else [a + b for a, b in zip(standing, block, strict=True)]
            sums[name.metric][name.labels] = whole
    return sums


def _is_ours(name: Name) -> bool:
    """Another version may have left figures in the folder that mean something else."""
    metric = COUNTS.metrics.get(name.metric)
    return metric is not None and (metric.width, len(metric.labels)) == (name.width, len(name.labels))


def _family(metric: Counter | Gauge | Histogram, sums: dict[tuple[str, ...], list[float]]) -> Metric:
    if isinstance(metric, Histogram):
        histogram = HistogramMetricFamily(metric.name, metric.told, labels=metric.labels)
        bounds = [*map(floatToGoString, metric.bounds), "+Inf"]
        for labels, block in sums.items():
            buckets = list(zip(bounds, accumulate(block[:-1]), strict=True))
            histogram.add_metric(labels, buckets, sum_value=block[-1])
        return histogram
    kind = CounterMetricFamily if isinstance(metric, Counter) else GaugeMetricFamily
    family: CounterMetricFamily | GaugeMetricFamily = kind(metric.name, metric.told, labels=metric.labels)
    for labels, [value] in sums.items():
        family.add_metric(labels, value)
    return family


def _number(name: str, told: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, told, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _sizes(slots: Iterable[Slot]) -> Iterator[Metric]:
    """Memory, processor time and open files of each process, where the system tells (Linux)."""
    families: dict[str, Metric] = {}
    for slot in slots:
        pid = str(int(slot.values[PID]))
        for family in ProcessCollector(pid=partial(str, pid), registry=None).collect():
            whole = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                whole.add_sample(sample.name, {"worker": slot.number}, sample.value)
    yield from families.values()


_PYTHON = platform.python_version()
