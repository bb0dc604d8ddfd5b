"""What Prometheus reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_strictly
from prometheus_client.parser import text_string_to_metric_families as parse

from app import metrics
from app.metrics import page
from app.metrics.cells import Cells, Name
from app.metrics.kinds import MOST_LABELS, OTHER, Gauge
from app.requests import in_a_word

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(accept: str = "") -> Samples:
    text = page.render(accept)[0].decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def value(name: str, **labels: str) -> float | None:
    return samples().get((name, tuple(sorted(labels.items()))))


def test_counts_add_up() -> None:
    metrics.VERDICTS.add("nik_check", "AVAILABLE", "djka")
    metrics.VERDICTS.add("nik_check", "AVAILABLE", "djka", by=41)
    metrics.WAITING.add("checks", by=3)
    metrics.WAITING.add("checks", by=-1)
    metrics.POOL_SIZE.set(8, "checks")
    assert value("pemudik_verdicts_total", of="nik_check", code="AVAILABLE", organizer="djka") == 42
    assert value("pemudik_batch_waiting", of="checks") == 2
    assert value("pemudik_pool_connections_max", pool="checks") == 8


def test_a_histogram_is_cumulative_and_a_bound_belongs_below() -> None:
    for seconds in (0.0005, 0.001, 0.3, 0.3, 99):
        metrics.BATCH_SECONDS.add(seconds, "checks")
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
    metrics.count_in(tmp_path / "made")
    other, gone = Cells(tmp_path / "made"), Cells(tmp_path / "made")
    metrics.RETRIES.add("raced", by=2)
    metrics.POOL_IN_USE.add("checks", by=3)
    for cells in (other, gone):
        cells.values[cells.place(Name("pemudik_transaction_retries_total", ("raced",)))] += 10
        cells.values[cells.place(Name("pemudik_pool_connections_in_use", ("checks",), live=True))] += 1
    gone.close()
    assert value("pemudik_transaction_retries_total", reason="raced") == 22
    # What a process held that has ended is free.
    assert value("pemudik_pool_connections_in_use", pool="checks") == 4
    assert value("pemudik_workers") == 2
    other.close()


def test_figures_of_another_version_are_left_out(tmp_path: Path) -> None:
    other = Cells(tmp_path)
    other.values[other.place(Name("pemudik_gone_total", ("a",)))] += 1
    other.values[other.place(Name("pemudik_batch_seconds", ("checks",), width=3))] += 1
    other.values[other.place(Name("pemudik_transaction_retries_total", ()))] += 1
    metrics.count_in(tmp_path)
    assert {name for name, _ in samples() if name.startswith("pemudik_")} == {
        "pemudik_build_info",
        "pemudik_workers",
        "pemudik_metrics_spilt",
        "pemudik_duty_failures_total",
        "pemudik_database_unavailable_total",
    }
    other.close()


@pytest.mark.parametrize(
    "hostile", ["3201010101909001", "", "two words", "a" * 65, "Ünser", 'a"b', "a\nb", "1" * 10, "x,y"]
)
def test_a_label_that_is_no_word_of_ours_is_other(hostile: str) -> None:
    for _ in range(3):
        metrics.RETRIES.add(hostile)
    assert value("pemudik_transaction_retries_total", reason=OTHER) == 3
    assert metrics.RETRIES.places == {}


def test_a_vocabulary_that_a_bug_opens_stays_bounded() -> None:
    for number in range(MOST_LABELS + 500):
        metrics.RETRIES.add(f"word-{number}")
    found = {labels: count for (name, labels), count in samples().items() if name == metrics.RETRIES.name}
    assert len(found) == MOST_LABELS + 1
    assert found[("reason", OTHER),] == 500


def test_each_process_tells_its_size() -> None:
    assert (value("process_open_fds", worker="0") or 0) > 3
    assert (value("process_resident_memory_bytes", worker="0") or 0) > 1e6
    assert (value("process_cpu_seconds_total", worker="0") or 0) > 0
    assert metrics.COUNTS.values[0] == os.getpid()


def test_the_form_is_what_is_asked_for() -> None:
    metrics.RETRIES.add("raced")
    metrics.BATCH_SECONDS.add(0.3, "checks")
    metrics.WAITING.add("checks")
    content, media = page.render("application/openmetrics-text; version=1.0.0")
    assert media.startswith("application/openmetrics-text")
    # It is read strictly.
    names = {family.name for family in parse_strictly(content.decode())}
    assert {"pemudik_transaction_retries", "pemudik_batch_seconds", "pemudik_batch_waiting"} <= names
    assert page.render("")[1].startswith("text/plain")


def test_every_metric_is_told_of_and_none_is_called_like_another() -> None:
    for metric in metrics.COUNTS.metrics.values():
        assert metric.name.startswith("pemudik_")
        assert metric.told.endswith(".")
        assert isinstance(metric, Gauge) or metric.name.endswith(("_total", "_seconds", "_size"))


def test_an_operation_is_one_word() -> None:
    assert [in_a_word(told) for told in ("checkNik", "me,organizers", "export csv", "-")] == [
        "checkNik",
        "several",
        "export_csv",
        "-",
    ]
