"""The soak: its plan, its judges of memory and hooks, and one as short as it can be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import shipper
from tests.faults.campaign import Ground
from tests.faults.campaigns.soak import TROUBLES, noting, soak_for
from tests.faults.soak.hooks import Telling, told_twice, untold
from tests.faults.soak.memory import NOISE_KIB, Sample, growth
from tests.faults.soak.plan import GAP_S, NOBODY, Trouble, plan
from tests.faults.soak.shop import WAYS, Shop

# The plan


def test_a_seed_gives_the_same_plan_and_another_seed_another() -> None:
    first = plan(TROUBLES, seed=7, seconds=100, every_s=1)

    again = plan(TROUBLES, seed=7, seconds=100, every_s=1)
    other = plan(TROUBLES, seed=8, seconds=100, every_s=1)

    assert first == again
    assert first != other
    assert 70 < len(first) < 130


def test_every_trouble_comes_in_a_long_plan_and_none_outlasts_it() -> None:
    steps = plan(TROUBLES, seed=1, seconds=600, every_s=1.5)

    assert {step.trouble.name for step in steps} == {trouble.name for trouble in TROUBLES}
    assert max(step.ends_s for step in steps) <= 600


def test_troubles_of_one_target_never_overlap_and_those_of_others_do() -> None:
    steps = plan(TROUBLES, seed=1, seconds=600, every_s=1.0)

    pairs = [(a, b) for a in steps for b in steps if a.at_s < b.at_s < a.ends_s + GAP_S]
    assert [(a, b) for a, b in pairs if a.trouble.target == b.trouble.target != NOBODY] == []
    assert len(pairs) > 100


def test_kinds_of_one_target_come_equally_often() -> None:
    troubles = [Trouble(name=name, begin=lambda scene, dice: None, target="redis") for name in "abc"]

    steps = plan(troubles, seed=1, seconds=300, every_s=1)

    counts = Counter(step.trouble.name for step in steps)
    assert max(counts.values()) - min(counts.values()) <= 1


# Memory


def samples(rss_kib: list[int], *, pid: int = 1, events_each: int = 0) -> list[Sample]:
    return [Sample(at_s=i / 2, pid=pid, rss_kib=rss, ended=i * events_each) for i, rss in enumerate(rss_kib)]


def test_memory_that_stays_where_it_was_after_the_start_is_no_leak() -> None:
    grown = growth(samples([40_000 + 1000 * i for i in range(50)] + [90_000] * 150))

    assert grown is not None
    assert (grown.from_kib, grown.to_kib, grown.grown_kib) == (90_000, 90_000, 0)
    assert abs(grown.slope_kib) < 1


def test_memory_that_grows_by_what_was_handled_is_a_leak() -> None:
    grown = growth(samples([90_000 + 200 * i for i in range(200)], events_each=50))

    # 400 KiB a second for 100 events: 4 KiB each, over the hundred samples between both quarters.
    assert grown is not None
    assert (grown.grown_kib, grown.events) == (20_000, 5_000)
    assert grown.allowed_kib == NOISE_KIB + 5_000
    assert grown.grown_kib > grown.allowed_kib
    assert round(grown.slope_kib) == 24_000


def test_noise_of_some_megabytes_is_allowed_in_a_run_of_few_events() -> None:
    grown = growth(samples([90_000] * 100 + [94_000] * 100))

    assert grown is not None
    assert grown.grown_kib == 4_000 < grown.allowed_kib


def test_only_the_longest_life_of_a_worker_is_judged() -> None:
    grown = growth([*samples([50_000] * 30, pid=1), *samples([90_000] * 60, pid=2)])

    assert grown is not None
    assert grown.from_kib == 90_000


@pytest.mark.parametrize("few", [[], samples([90_000] * 39)])
def test_few_samples_judge_nothing(few: list[Sample]) -> None:
    assert growth(few) is None


# Hooks


def telling(event_id: str, *, at: float, error: str = "NoneType") -> Telling:
    return Telling(event_id=event_id, hook="noted", error=error, at=at)


def test_a_hook_told_once_a_life_is_told_as_promised() -> None:
    told = [telling("e", at=1, error="UnclearError"), telling("e", at=9)]

    assert told_twice(told, {"e": [1.1, 9.1]}, {}) == (0, [])


def test_a_hook_told_again_after_a_try_that_was_cut_off_is_counted() -> None:
    told = [telling("e", at=1), telling("e", at=3)]

    assert told_twice(told, {"e": [3.1]}, {}) == (1, [])


def test_a_hook_told_again_though_it_had_been_told_is_named() -> None:
    told = [telling("e", at=1), telling("e", at=3)]

    repeats, wrongs = told_twice(told, {"e": [1.1, 3.1]}, {})

    assert repeats == 1
    assert wrongs == ["e: its hook was told 2 times, 0 of them cut off"]


def test_a_redrive_begins_a_life_that_is_told_too() -> None:
    told = [telling("e", at=1, error="RefusedError"), telling("e", at=3, error="RefusedError")]

    assert told_twice(told, {"e": [1.1, 3.1]}, {"e": 1}) == (0, [])


def test_an_ending_that_no_hook_was_told_is_named() -> None:
    states = {
        "told": "delivered",
        "not": "delivered",
        "error": "delivered",
        "parked": "unclear",
        "x": "expunged",
    }
    told = [telling("told", at=1), telling("error", at=1, error="UnclearError")]

    assert list(untold(states, told)) == [
        "not was delivered, and its hook not told so",
        "error was delivered, and its hook not told so",
        "parked is unclear, and its hook not told so",
    ]


# What goes wrong with the run itself


def test_what_is_waited_for_in_vain_is_a_problem_of_the_row() -> None:
    problems: list[str] = []

    def wait_in_vain() -> None:
        raise AssertionError("not so after 180.0 s: events still wait\nworker-1:\nits log")

    with noting(problems):
        wait_in_vain()

    assert problems == ["not so after 180.0 s: events still wait"]


def test_a_producer_that_ends_early_is_told_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("as nobody expects")

    for name in ("enqueue_event", "enqueue_events", "aenqueue_event"):
        monkeypatch.setattr(shipper, name, broken)
    shop = Shop(events=40, customers=8, per_second=1000)

    shop.start()
    shop.finish()

    assert shop.wrongs == ["a producer ended early: ValueError('as nobody expects')"] * len(WAYS)
    assert shop.sent == 0


# All of it


def test_a_short_soak_loses_nothing_and_explains_every_copy(tmp_path: Path) -> None:
    said: list[str] = []
    ground = Ground(folder=tmp_path, seed=5, quick=True, say=said.append)

    row = soak_for(ground, seconds=8, every_s=0.4, per_second=60, customers=80)

    assert row.wrongs == (), "\n".join([*said, row.note])
    assert row.tally is not None
    assert row.tally.lost == row.tally.waiting == row.tally.dead == 0
    assert row.tally.delivered > 100
    assert len(said) > 10
