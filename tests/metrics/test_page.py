"""What Prometheus reads."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_strictly
from prometheus_client.parser import text_string_to_metric_families as parse

from app import metrics
from app.metrics import OTHER, minute, page
from app.request_log import in_a_word
from tests.test_monitoring import counted

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]

COUNTING = """
import subprocess, sys
from app import metrics
metrics.start()
metrics.RETRIES.labels("raced").inc(10)
metrics.POOL_IN_USE.labels("checks").inc(3)
metrics.BATCH_SECONDS.labels("checks").observe(0.3)
# What it starts counts for itself.
subprocess.run([sys.executable, "-c", "from app import metrics; metrics.RETRIES.labels('raced').inc(1000)"], check=True)
print("counted", flush=True)
sys.stdin.read()
"""
NOBODY = 5_000_000
"""A process with such a number cannot be."""


def samples(folder: Path | None = None, *, name: str = "") -> Samples:
    """All of the page, or those of one name: a page of a whole run is long, and takes the parser long."""
    text = page.render("", folder)[0].decode()
    wanted = "\n".join(line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))) + "\n"
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(wanted if name else text)
        for sample in family.samples
    }


def value(name: str, folder: Path | None = None, **labels: str) -> float | None:
    return samples(folder, name=name).get((name, tuple(sorted(labels.items()))))


@contextmanager
def counting(folder: Path) -> Iterator[int]:
    """A process that has counted there, and is killed afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING],
        env={"PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "counted\n"
        yield process.pid
        process.kill()


def test_counts_add_up() -> None:
    metrics.VERDICTS.labels("nik_check", "AVAILABLE", "djka").inc()
    metrics.VERDICTS.labels("nik_check", "AVAILABLE", "djka").inc(41)
    metrics.WAITING.labels("checks").inc(3)
    metrics.WAITING.labels("checks").dec()
    metrics.POOL_SIZE.labels("checks").set(8)
    assert value("pemudik_verdicts_total", of="nik_check", code="AVAILABLE", organizer="djka") == 42
    assert value("pemudik_batch_waiting", of="checks") == 2
    assert value("pemudik_pool_connections_max", pool="checks") == 8


def test_nothing_that_is_done_for_a_test_registry_is_counted() -> None:
    def count() -> None:
        for metric in counted():
            one = metric.labels(*("checks" for _ in metric._labelnames)) if metric._labelnames else metric
            match one:
                case metrics.Histogram():
                    one.observe(1)
                case metrics.Gauge():
                    one.set(4_711)
                    one.inc()
                    one.dec()
                case metrics.Counter():
                    one.inc()

    before = samples()
    of_test = copy_context()
    of_test.run(minute.minute.set, minute.Minute())
    of_test.run(count)
    assert samples() == before
    count()
    assert len(samples()) > len(before)


def test_a_histogram_is_cumulative_and_a_bound_belongs_below() -> None:
    for seconds in (0.0005, 0.001, 0.3, 0.3, 99):
        metrics.BATCH_SECONDS.labels("checks").observe(seconds)
    found = {
        dict(labels)["le"]: count
        for (name, labels), count in samples().items()
        if name == "pemudik_batch_seconds_bucket" and ("of", "checks") in labels
    }
    assert found["0.001"] == 2
    assert (found["0.25"], found["0.5"], found["30.0"], found["+Inf"]) == (2, 4, 4, 5)
    assert value("pemudik_batch_seconds_count", of="checks") == 5
    assert value("pemudik_batch_seconds_sum", of="checks") == pytest.approx(99.6015)


def test_the_processes_of_a_folder_are_one(tmp_path: Path) -> None:
    began = time.time()
    with counting(tmp_path) as one:
        with counting(tmp_path) as other:
            assert {file.name for file in tmp_path.iterdir()} == {
                f"{kind}_{pid}.db"
                for kind in ("counter", "histogram", "gauge_livesum", "gauge_livemax", "gauge_max")
                for pid in (one, other)
            }
            both = samples(tmp_path)
        alone = samples(tmp_path)
    for found, processes in ((both, 2), (alone, 1)):
        assert found["pemudik_transaction_retries_total", (("reason", "raced"),)] == 20
        assert found["pemudik_batch_seconds_count", (("of", "checks"),)] == 2
        assert began < found["pemudik_started_seconds", ()] < time.time()
        # What a process held that has ended is free.
        assert found["pemudik_pool_connections_in_use", (("pool", "checks"),)] == 3 * processes
        assert found["pemudik_workers", ()] == processes
    assert both["pemudik_started_seconds", ()] == alone["pemudik_started_seconds", ()]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="knows it by /proc")
def test_a_killed_one_holds_nothing_though_nobody_took_note_of_it(tmp_path: Path) -> None:
    with counting(tmp_path) as pid:
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        found = samples(tmp_path)
    assert found["pemudik_transaction_retries_total", (("reason", "raced"),)] == 10
    assert not {"pemudik_workers", "pemudik_pool_connections_in_use"} & {name for name, _ in found}


def test_all_may_find_the_dead_at_once(tmp_path: Path) -> None:
    with counting(tmp_path) as pid:
        for number in range(200):
            shutil.copy(tmp_path / f"gauge_livesum_{pid}.db", tmp_path / f"gauge_livesum_{NOBODY + number}.db")
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda _: value("pemudik_workers", tmp_path), range(16)))
        assert found[-1] == 1
        left = {file.name for file in tmp_path.glob("gauge_live*")}
        assert left == {f"gauge_livesum_{pid}.db", f"gauge_livemax_{pid}.db"}


def test_what_should_never_happen_stands_at_0() -> None:
    assert {name for name, _ in samples()} == {
        "pemudik_build_info",
        "pemudik_workers",
        "pemudik_started_seconds",
        "pemudik_clock_apart_seconds",
        "pemudik_duty_failures_total",
        "pemudik_database_unavailable_total",
        "pemudik_turns_waiting",
        *(f"pemudik_transaction_seconds_{end}" for end in ("bucket", "count", "sum")),
    }
    assert value("pemudik_workers") == 1
    for reason in ("away", "pool"):
        assert value("pemudik_database_unavailable_total", reason=reason) == 0


@pytest.mark.parametrize(
    "hostile", ["3201010101909001", "", "two words", "a" * 65, "Ünser", 'a"b', "a\nb", "1" * 10, "x,y"]
)
def test_a_label_that_is_no_word_of_ours_is_other(hostile: str) -> None:
    for _ in range(3):
        metrics.RETRIES.labels(hostile).inc()
    found = {
        labels: count for (name, labels), count in samples().items() if name == "pemudik_transaction_retries_total"
    }
    assert found == {(("reason", OTHER),): 3}


def test_the_form_is_what_is_asked_for() -> None:
    metrics.RETRIES.labels("raced").inc()
    metrics.BATCH_SECONDS.labels("checks").observe(0.3)
    metrics.WAITING.labels("checks").inc()
    content, media = page.render("application/openmetrics-text; version=1.0.0")
    assert media.startswith("application/openmetrics-text")
    # It is read strictly.
    names = {family.name for family in parse_strictly(content.decode())}
    assert {"pemudik_transaction_retries", "pemudik_batch_seconds", "pemudik_batch_waiting"} <= names
    assert page.render("")[1].startswith("text/plain")


def test_every_metric_is_told_of_and_none_is_called_like_another() -> None:
    for family in metrics.REGISTRY.collect():
        assert family.name.startswith("pemudik_")
        assert family.documentation.endswith(".")
        assert family.type != "histogram" or family.name.endswith(("_seconds", "_size"))


def test_an_operation_is_one_word() -> None:
    assert [in_a_word(told) for told in ("checkNik", "me,organizers", "export csv", "-")] == [
        "checkNik",
        "several",
        "export_csv",
        "-",
    ]
