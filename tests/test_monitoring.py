"""What is in `docs/monitoring` can be imported, and names nothing that is not in `/metrics`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase

from app import metrics
from app.changes.log.backlog import FIGURES
from app.config import CHECKOUT
from app.metrics import page
from app.registry.clients.scopes import SCOPES

MONITORING = CHECKOUT / "docs" / "monitoring"
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
ALERTS = (MONITORING / "alerts.yml").read_text()
PROMETHEUS = (MONITORING / "prometheus.yml").read_text()
BY_PROMETHEUS = {"instance", "job", "le"}
PROMTOOL = shutil.which("promtool")


def known() -> dict[str, set[str]]:
    """The labels of each metric, as its samples are called."""
    labels = {"up": set(), "pemudik_database_up": set(), "pemudik_build_info": {"version", "python"}}
    labels |= {figure.name: {figure.label} if figure.label else set() for figure in FIGURES}
    for metric in counted():
        ends = ("_bucket", "_sum", "_count") if metric._type == "histogram" else ("",)
        labels |= {f"{metric._original_name}{end}": set(metric._labelnames) for end in ends}
    return labels


def counted() -> list[MetricWrapperBase]:
    return [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]


def of_dashboard() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


def of_alerts() -> list[str]:
    """Each `expr:`, in one line or folded; nothing else in the file is indented deeper."""
    return [
        re.sub(r"\s+", " ", one).strip()
        for one in re.findall(r"^        expr: (?:>-)?(.*(?:\n {10}.*)*)", ALERTS, re.MULTILINE)
    ]


def selectors(expression: str) -> list[tuple[str, list[str]]]:
    """Each metric of an expression with the labels that it is asked for."""
    found = re.findall(r"\b(pemudik_\w+|process_\w+|up)\b(?:\{([^}]*)\})?", re.sub(r'"[^"]*"', '""', expression))
    return [(name, re.findall(r"(\w+)\s*[=!~]", given)) for name, given in found]


@pytest.mark.parametrize("expressions", [list(of_dashboard()), of_alerts()], ids=["dashboard", "alerts"])
def test_only_metrics_that_there_are_are_asked_for(expressions: list[str]) -> None:
    labels, asked = known(), set()
    for expression in expressions:
        assert expression.count("(") == expression.count(")")
        names = selectors(expression)
        assert names, expression
        for name, given in names:
            assert set(given) <= labels[name] | BY_PROMETHEUS, expression
            asked.add(name)
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            there = set().union(*(labels[name] for name, _ in names)) | BY_PROMETHEUS
            assert {word.strip() for word in grouped.split(",")} <= there, expression
    assert len(asked) > 15


def test_the_page_has_every_metric_by_its_name() -> None:
    told = page.render("")[0].decode()
    for metric in counted():
        assert f"# HELP {metric._original_name} {metric._documentation}\n" in told


def test_every_figure_that_there_is_is_shown_or_watched() -> None:
    asked = {name for expression in [*of_dashboard(), *of_alerts()] for name, _ in selectors(expression)}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    every = {figure.name for figure in FIGURES} | {metric._original_name for metric in counted()}
    assert every - shown == set()


def test_alerts_have_what_an_alert_needs() -> None:
    rules = re.split(r"^      - alert: ", ALERTS, flags=re.MULTILINE)[1:]
    names = [rule.partition("\n")[0] for rule in rules]
    assert len(names) == len(set(names)) == len(of_alerts())
    readme = (MONITORING / "README.md").read_text()
    for name, rule in zip(names, rules, strict=True):
        assert re.fullmatch(r"Pemudik[A-Za-z]+", name)
        assert re.search(r"^        labels: \{severity: (page|ticket)\}$", rule, re.MULTILINE), name
        assert re.search(r'^          summary: "[^"]+"$', rule, re.MULTILINE), name
        assert name in {"PemudikDown", "PemudikWorkersRestart"} or name[7:] in readme, name


def test_prometheus_asks_as_a_client_may() -> None:
    [scopes] = re.findall(r"scopes: \[(.*)\]", PROMETHEUS)
    assert {scope.strip('"') for scope in scopes.split(", ")} <= SCOPES.keys()
    assert "/oauth/token" in PROMETHEUS


def test_the_dashboard_can_be_imported() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(ids) == len(set(ids))
    for panel in panels:
        assert panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == {"datasource", "instance"}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (apt-get install prometheus)")
def test_prometheus_takes_the_rules_and_the_configuration() -> None:
    for words in (("check", "rules", "alerts.yml"), ("check", "config", "--syntax-only", "prometheus.yml")):
        done = subprocess.run([str(PROMTOOL), *words], cwd=MONITORING, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
