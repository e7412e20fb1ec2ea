"""Which alarms are passed, and who may be a hook of them."""

from __future__ import annotations

import pytest

from shipper.alarm import Alarm, alarm_hook, alarm_hooks, marks_of, passed
from shipper.errors import SettingsError
from shipper.settings import Settings


def test_a_mark_is_passed_when_the_number_reaches_it_and_never_without_one() -> None:
    values = {"dead": 10, "unclear": 0, "oldest_due_ms": 9, "pause_ms": 11}

    assert passed(values, {"dead": 10, "unclear": 0, "oldest_due_ms": 10, "pause_ms": 10}) == {
        "dead",
        "pause_ms",
    }


def test_no_alarm_is_on_unless_somebody_sets_its_mark() -> None:
    assert set(marks_of(Settings()).values()) == {0}
    assert marks_of(Settings(alarm_pause_ms=7))["pause_ms"] == 7


def test_a_hook_stays_callable_and_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipper.alarm._hooks", {})

    @alarm_hook
    def ring(alarm: Alarm) -> str:
        return alarm.name

    told = Alarm(account="default", name="dead", raised=True, value=1, mark=1, at=0)
    assert ring(told) == "dead"
    assert list(alarm_hooks().values()) == [ring]


def test_a_function_that_takes_no_alarm_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot be called with an alarm"):
        alarm_hook(lambda: None)  # type: ignore[type-var]


def test_an_async_function_is_refused() -> None:
    async def ring(alarm: Alarm) -> None: ...

    with pytest.raises(SettingsError, match="would never await it"):
        alarm_hook(ring)
