"""`shipper metrics` as a person or node_exporter calls it."""

from __future__ import annotations

import builtins
import json
import sys
from typing import Any

import pytest

from shipper.ledger.alarms import look_for_alarms
from shipper.settings import Settings
from tests.cli.conftest import Run
from tests.inspector.story import REFUSED, Story


def test_metrics_are_prometheus_text_of_every_account(run: Run, story: Story) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)

    told = run("metrics", SHIPPER_ACCOUNTS="default,other").stdout

    assert 'shipper_events_accepted_total{account="default"} 1.0' in told
    assert 'shipper_events_accepted_total{account="other"} 0.0' in told
    assert 'shipper_dead_letters{account="default",reason="refused"} 1.0' in told


def test_metrics_in_json_are_one_object_an_account(run: Run) -> None:
    lines = run("metrics", "--json", SHIPPER_ACCOUNTS="default,other").stdout.splitlines()

    assert [json.loads(line)["standing"]["account"] for line in lines] == ["default", "other"]


def test_without_the_extra_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **given: Any) -> Any:
        if name.startswith("prometheus_client"):
            raise ImportError(name)
        return real(name, *args, **given)

    monkeypatch.delitem(sys.modules, "shipper.web.metrics", raising=False)
    monkeypatch.setattr(builtins, "__import__", missing)

    result = run("metrics", code=1)

    assert "install gameball-shipper[web]" in result.stderr


def test_so_does_the_sandbox_and_its_help_needs_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "shipper.sandbox.server", raising=False)

    helped, result = run("sandbox", "--help"), run("sandbox", code=1)

    assert "--per-second" in helped.stdout
    assert "pip install 'gameball-shipper[web]'" in result.stderr


def test_status_shows_an_alarm_that_is_raised(run: Run, story: Story) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    look_for_alarms(story.ledger, Settings(alarm_dead=1))

    shown = run("status").stdout

    assert "alarm dead: 1 reached 1 since " in shown
    assert all(len(line) <= 80 for line in shown.splitlines() if line.startswith("alarm"))
