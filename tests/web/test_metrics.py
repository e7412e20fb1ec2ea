"""The exposition: Prometheus' own parser reads it, and its names are as Prometheus wants them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from shipper.inspector import Inspector, Metrics
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import observe, pause
from shipper.ledger.pool import Pool, make_pool
from shipper.web.metrics import PAUSES, exposition
from tests.inspector.story import ACCEPTED, REFUSED, SETTINGS, Story
from tests.support.servers import RedisServer

ROOT: Final = Path(__file__).parents[2]
DASHBOARD: Final = json.loads((ROOT / "deploy/grafana/shipper.json").read_text())
ALERTS: Final = YAML(typ="safe").load(ROOT / "deploy/prometheus/alerts.yml")
PAGE: Final = (ROOT / "docs/metrics.md").read_text()
NAME: Final = re.compile(r"\bshipper_[a-z0-9_]+")
UNITS: Final = ("_seconds", "_bytes", "_ratio", "_total")
OTHER_UNITS: Final = re.compile(r"_(ms|milliseconds|minutes|hours|kb|mb|percent|count|bucket|sum|info)(_|$)")


@pytest.fixture
def seen(redis7: RedisServer) -> list[Metrics]:
    """Two accounts: one with a story, one of which nothing is known."""
    pool = make_pool(redis7.url, budget_ms=15_000)
    with redis7.client() as client:
        client.flushall()
    found = _tell(pool)
    pool.disconnect()
    return found


def _tell(pool: Pool) -> list[Metrics]:
    story = Story(Ledger(pool, "default"))
    for answer in (ACCEPTED, REFUSED):
        story.enqueue("ann", "a")
        story.calls(answer)
    story.enqueue("bob", "b")
    story.ledger.run(pause())
    told = {"call 50": 1, "call inf": 2, "call sum": 40_060, "retried busy": 4}
    story.ledger.run(observe(told))
    Ledger(pool, "idle").run(pause(until=1))
    return [Inspector(Ledger(pool, name), SETTINGS).metrics() for name in ("default", "idle")]


@pytest.fixture
def families(seen: list[Metrics]) -> dict[str, Any]:
    text = exposition(seen).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Any], name: str, **labels: str) -> float:
    (found,) = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return float(found)


def test_every_account_has_its_numbers(families: dict[str, Any]) -> None:
    assert value(families, "shipper_events_accepted_total", account="default") == 3
    assert value(families, "shipper_events_accepted_total", account="idle") == 0
    assert value(families, "shipper_events_delivered_total", account="default") == 1
    assert value(families, "shipper_dead_letters", account="default", reason="refused") == 1
    assert value(families, "shipper_dead_letters", account="default", reason="aged") == 0
    assert value(families, "shipper_events_waiting", account="default") == 1
    assert value(families, "shipper_retries_total", account="default", verdict="busy") == 4
    assert value(families, "shipper_paused", account="idle", reason="breaker") == 0


def test_a_hold_is_told_while_it_holds(families: dict[str, Any]) -> None:
    assert value(families, "shipper_paused", account="default", reason="operator") == 1
    assert value(families, "shipper_paused", account="idle", reason="operator") == 0


def test_buckets_are_cumulative_and_in_seconds(families: dict[str, Any]) -> None:
    name = "shipper_call_duration_seconds"

    assert value(families, f"{name}_bucket", account="default", le="0.025") == 0
    assert value(families, f"{name}_bucket", account="default", le="0.05") == 1
    assert value(families, f"{name}_bucket", account="default", le="15.0") == 1
    assert value(families, f"{name}_bucket", account="default", le="+Inf") == 3
    assert value(families, f"{name}_count", account="default") == 3
    assert value(families, f"{name}_sum", account="default") == 40.06


def test_names_are_as_promtool_wants_them(families: dict[str, Any]) -> None:
    assert len(families) > 30
    for name, family in families.items():
        assert re.fullmatch(r"shipper_[a-z][a-z0-9_]*[a-z0-9]", name), name
        assert family.documentation.endswith("."), f"{name} has no help"
        assert OTHER_UNITS.search(name) is None, f"{name} is in no base unit"
        assert not name.endswith(("_gauge", "_counter", "_histogram")), f"{name} tells its type"
        if family.type == "counter":
            assert {sample.name for sample in family.samples} <= {f"{name}_total"}
        else:
            assert not name.endswith("_total"), f"{name} is no counter"
        if family.type == "histogram" or re.search(r"age|lag|duration|latency", name):
            assert name.endswith("_seconds"), f"{name} has no unit"
        assert all("account" in sample.labels for sample in family.samples), name


def exported(families: dict[str, Any]) -> set[str]:
    """Return every name that may stand in a query."""
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    return {f"{name}{suffix}" for name, family in families.items() for suffix in suffixes[family.type]}


def queries_of(panels: list[dict[str, Any]]) -> list[str]:
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def test_the_dashboard_asks_for_nothing_that_is_not_exported(families: dict[str, Any]) -> None:
    queries = queries_of(DASHBOARD["panels"])

    assert len(queries) > 20
    assert {name for query in queries for name in NAME.findall(query)} <= exported(families)
    assert all('account=~"$account"' in query for query in queries)


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    panels = DASHBOARD["panels"]

    assert DASHBOARD["schemaVersion"] >= 39
    assert (DASHBOARD["id"], DASHBOARD["uid"]) == (None, "gameball-shipper")
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["type"] for panel in panels} <= {"row", "timeseries", "stat", "heatmap"}
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert panel["type"] == "row" or panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [each["name"] for each in DASHBOARD["templating"]["list"]] == ["datasource", "account"]


def test_the_alerts_ask_for_nothing_that_is_not_exported(families: dict[str, Any]) -> None:
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]

    assert {name for rule in rules for name in NAME.findall(rule["expr"])} <= exported(families)
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 10


def test_the_alerts_are_rules_that_prometheus_loads() -> None:
    for group in ALERTS["groups"]:
        assert set(group) == {"name", "rules"}
        for rule in group["rules"]:
            assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
            assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["alert"])
            assert re.fullmatch(r"\d+[smhd]", rule["for"])
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert set(rule["annotations"]) == {"summary", "description"}
            assert rule["expr"].count("(") == rule["expr"].count(")")
            told = re.findall(r"\bshipper (\w+)", rule["annotations"]["description"])
            assert told or "worker" in rule["annotations"]["description"], f"{rule['alert']}: what to do?"


def holds_of(alert: str) -> set[str]:
    """Return the reasons of a hold that an alert's rule is about."""
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]
    (expr,) = [rule["expr"] for rule in rules if rule["alert"] == alert]
    ((sign, pattern),) = re.findall(r'shipper_paused\{reason(=|!~)"([^"]+)"\}', expr)
    return {why for why in PAUSES if (re.fullmatch(pattern, why) is not None) is (sign == "=")}


def test_every_hold_but_a_persons_pause_pages_somebody() -> None:
    held, silent = holds_of("ShipperHeld"), holds_of("ShipperEventsLate")

    assert held == {"breaker", "credentials", "refusals"}
    assert silent == {"operator"}
    assert holds_of("ShipperForgottenPause") == {"operator"}


def test_the_page_tells_of_every_metric_and_of_no_other(families: dict[str, Any]) -> None:
    kinds = {"counter": "_total", "gauge": "", "histogram": ""}
    names = {f"{name}{kinds[family.type]}" for name, family in families.items()}

    assert set(re.findall(r"^\| `(shipper_\w+)`", PAGE, re.MULTILINE)) == names
