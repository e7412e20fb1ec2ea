from __future__ import annotations

import signal

import pytest

from shipper.local.ending import SIGNALS, Ending, InterruptedRunError, asked_by_signals


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_asks_to_end_and_a_second_one_to_be_quick(number: signal.Signals) -> None:
    with asked_by_signals() as ending:
        signal.raise_signal(number)
        after_one = ending.asked.is_set(), ending.hurried.is_set()
        signal.raise_signal(number)
        after_two = ending.asked.is_set(), ending.hurried.is_set()

    assert after_one == (True, False)
    assert after_two == (True, True)


def test_afterwards_signals_are_as_they_were() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]

    with asked_by_signals():
        pass

    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_wait_ends_as_soon_as_the_run_is_asked_to() -> None:
    ending = Ending()
    ending.wait(1)

    ending.ask()

    with pytest.raises(InterruptedRunError):
        ending.wait(86_400_000)
