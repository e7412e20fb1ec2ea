"""When the gate closes, and who may open it. Its fields are strings, as Redis has them."""

from __future__ import annotations

from typing import Final

from shipper.outcome import Verdict
from shipper.settings import Settings
from tests.simulator.book import Book
from tests.simulator.rules.events import ring

FOR_EVER: Final = 9_007_199_254_740_991
MOST_RECENT: Final = 100
UP: Final = (Verdict.ACCEPTED, Verdict.ALREADY_APPLIED, Verdict.PERMANENT, Verdict.VAGUE)
DOWN: Final = (Verdict.UNCLEAR, Verdict.NOT_SENT, Verdict.REFUSED_FOR_NOW)
HOLD: Final = (Verdict.THROTTLED, Verdict.CREDENTIALS)


def pause(book: Book, *, until: int | None = None, now: int | None = None) -> int:
    """Hold the account whatever held it before."""
    del now
    moment = FOR_EVER if until is None else until
    _close(book, "operator", until=moment, step=1000, need=1)
    return moment


def resume(book: Book, *, now: int | None = None) -> str | None:
    """Lift any hold."""
    del now
    why = book.gate.get("why")
    _open(book)
    ring(book)
    return why


def restart_gate(book: Book, hold_ms: int, now: int) -> None:
    """Hold the account while living workers settle what a new process of Redis may not know."""
    if int(book.gate.get("until", 0)) < now + hold_ms:
        _close(book, "restarted", until=now + hold_ms, step=1000, need=1)


def clear_probe(book: Book, token: str) -> None:
    """Let another call be the probe, if this one was it."""
    if book.gate.get("probe") == token:
        del book.gate["probe"], book.gate["pend"]


def weigh(
    book: Book, lane: str, token: str, verdict: Verdict, hold_ms: int, *, settings: Settings, now: int
) -> None:
    """Hear of a call's end. While the gate holds, only the probe counts, and refusals in a row."""
    if book.gate:
        if book.gate.get("probe") == token:
            _hear_probe(book, verdict, hold_ms, settings, now)
    elif verdict in HOLD:
        wait = hold_ms if verdict is Verdict.THROTTLED else settings.pause_step_ms
        _close(book, verdict, until=now + wait, step=wait, need=1)
    elif verdict in UP or verdict in DOWN:
        book.recent = [f"{now} {int(verdict in DOWN)}", *book.recent][:MOST_RECENT]
        if verdict in DOWN and _is_failing(book, settings, now):
            wait = settings.pause_step_ms
            _close(book, "breaker", until=now + wait, step=wait, need=3)
    _weigh_refusals(book, lane, verdict, settings)


def _hear_probe(book: Book, verdict: Verdict, hold_ms: int, settings: Settings, now: int) -> None:
    need = int(book.gate["need"])
    if verdict in UP and need == 1:
        _open(book)
    elif verdict in HOLD or verdict in DOWN:
        wait = min(int(book.gate["step"]) * 2, settings.pause_max_ms)
        wait = hold_ms if verdict is Verdict.THROTTLED else wait
        why = verdict if verdict in HOLD else "breaker"
        _close(book, why, until=now + wait, step=wait, need=need)
    else:
        book.gate["need"] = str(need - 1 if verdict in UP else need)
        del book.gate["probe"], book.gate["pend"]


def _is_failing(book: Book, settings: Settings, now: int) -> bool:
    entries = [entry.split(" ") for entry in book.recent]
    lately = [down == "1" for at, down in entries if int(at) > now - settings.breaker_window_ms]
    return len(lately) >= settings.breaker_calls and sum(lately) * 2 >= len(lately)


def _weigh_refusals(book: Book, lane: str, verdict: Verdict, settings: Settings) -> None:
    if verdict is Verdict.ACCEPTED:
        book.burst.clear()
    if verdict is Verdict.PERMANENT:
        book.burst.add(lane)
        if len(book.burst) > settings.refusal_burst and book.gate.get("why") != "operator":
            _close(book, "refusals", until=FOR_EVER, step=0, need=1)


def _close(book: Book, why: str, *, until: int, step: int, need: int) -> None:
    book.gate = {"why": str(why), "until": str(until), "step": str(step), "need": str(need)}


def _open(book: Book) -> None:
    book.gate = {}
    book.recent = []
    book.burst = set()
