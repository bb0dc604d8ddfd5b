"""The files for Prometheus are YAML, and say what `tests.test_monitoring` reads in them."""

from __future__ import annotations

import re

from tests.contract.conftest import Node
from tests.test_monitoring import MONITORING, of_alerts


def test_alerts_and_scraping_are_yaml(node: Node) -> None:
    alerts = node.answer("yaml.mjs", str(MONITORING / "alerts.yml"))
    [group] = alerts["groups"]
    assert [re.sub(r"\s+", " ", rule["expr"]) for rule in group["rules"]] == of_alerts()
    assert {frozenset(rule) - {"for"} for rule in group["rules"]} == {
        frozenset({"alert", "expr", "labels", "annotations"})
    }
    [job] = node.answer("yaml.mjs", str(MONITORING / "prometheus.yml"))["scrape_configs"]
    assert job["oauth2"]["scopes"] == ["dashboard:read"]
