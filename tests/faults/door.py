"""Door: start a worker, or a part of one, with its boundaries watched. The product knows nothing of it.

`python -m tests.faults.door -A workers worker` is `celery -A workers worker` with what the environment asks
for: FAULTS_STRIKE (`killed after:7`, `answer lost:1:post`; several with commas between) and FAULTS_TRACE (a
file).
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, Final, NoReturn
from unittest.mock import patch

from shipper.clock import now_ms
from shipper.ledger import ledger
from shipper.ledger.failure import ReplicasBehindError, ReplyLostError
from shipper.ledger.operations import Operation
from shipper.ledger.scripts import Script
from shipper.settings import Settings
from tests.faults.boundaries import Boundaries, Deed, Strike
from workers import completion, flight
from workers.flight import Boarding
from workers.gameball import Gameball
from workers.verdict import Answer, Loss
from workers.wire import LostError, Wire

STRIKE: Final = "FAULTS_STRIKE"
TRACE: Final = "FAULTS_TRACE"

PLAIN: Final = {"BLPOP": "bell"}
LOST: Final = "lost by the test"

Moved = Callable[[str], int]
"""How far an account's clock was moved, in ms."""


def watch_redis(boundaries: Boundaries) -> None:
    """Put a boundary around every command of a ledger, and one around hearing of replicas."""
    ask, aask = ledger._ask, ledger._aask
    hear, ahear = ledger._hear_replicas, ledger._ahear_replicas

    def asked(connection: Any, command: tuple[Any, ...], until: int, replicas: int = 0) -> Any:
        name = name_of(command)
        return boundaries.cross(
            name, lambda: ask(connection, command, until, replicas), lost=_reply_lost, idle=_idle(name)
        )

    async def aasked(connection: Any, command: tuple[Any, ...], until: int, replicas: int) -> Any:
        return await boundaries.across(
            name_of(command), lambda: aask(connection, command, until, replicas), lost=_reply_lost
        )

    def heard(connection: Any, wanted: int, answer: Any, until: int) -> None:
        boundaries.cross("wait", lambda: hear(connection, wanted, answer, until), lost=_replicas_lost(answer))

    async def aheard(connection: Any, wanted: int, answer: Any, until: int) -> None:
        await boundaries.across(
            "wait", lambda: ahear(connection, wanted, answer, until), lost=_replicas_lost(answer)
        )

    ledger._ask, ledger._aask = asked, aasked
    ledger._hear_replicas, ledger._ahear_replicas = heard, aheard


def watch_posts(boundaries: Boundaries) -> None:
    """Put a boundary around every POST: before its first byte, after its answer."""
    post, load, unload = Gameball.post, Gameball.load, Gameball.unload
    under_way: dict[Wire, set[Deed]] = {}

    def posted(self: Gameball, body: bytes, *, timeout_ms: int) -> Answer:
        return boundaries.cross("post", lambda: post(self, body, timeout_ms=timeout_ms), lost=_timed_out)

    def loaded(self: Gameball, body: bytes, *, timeout_ms: int) -> Wire | Answer:
        deeds = boundaries.reach("post")
        found = load(self, body, timeout_ms=timeout_ms)
        if isinstance(found, Answer):
            return boundaries.leave("post", deeds, found, lost=_timed_out)
        under_way[found] = deeds
        return found

    def unloaded(self: Gameball, wire: Wire, lost: LostError | None) -> Answer:
        deeds = under_way.pop(wire)
        return boundaries.leave("post", deeds, unload(self, wire, lost), lost=_timed_out)

    Gameball.post = posted  # type: ignore[method-assign]
    Gameball.load = loaded  # type: ignore[method-assign]
    Gameball.unload = unloaded  # type: ignore[method-assign]


def watch_hooks(boundaries: Boundaries) -> None:
    """Put a boundary around every completion hook."""
    find = vars(completion)["find"]

    def found(name: str) -> Any:
        hook = find(name)
        return hook and (lambda *ending: boundaries.cross("hook", lambda: hook(*ending)))

    patch.object(completion, "find", found).start()


def watch_celery(boundaries: Boundaries) -> None:
    """Put a boundary around every message that a Dispatcher publishes."""
    from workers import app  # noqa: PLC0415 - Celery is there only where a real worker runs

    publish = app._publish

    def published(*message: Any) -> None:
        boundaries.cross("publish", lambda: publish(*message))

    patch.object(app, "_publish", published).start()


def move_clock(moved: Moved) -> None:
    """Let the ledger's scripts run at a moved time; the argument is theirs, for tests. Claims age with it."""
    evalsha, body_to_send = ledger.evalsha, vars(flight)["_body_to_send"]

    def later(script: Script, account: str, operation: Operation[Any]) -> tuple[Any, ...]:
        by = moved(account)
        if by and operation.args[0] == "":
            operation = replace(operation, args=(now_ms() + by, *operation.args[1:]))
        return evalsha(script, account, operation)

    def aged(boarding: Boarding, started: int, settings: Settings) -> bytes | Answer:
        waited_ms = max(started - boarding.asked_at, now_ms() + moved(boarding.account) - boarding.claimed_at)
        found: bytes | Answer = body_to_send(
            replace(boarding, asked_at=started - waited_ms), started, settings
        )
        return found

    ledger.evalsha = later
    patch.object(flight, "_body_to_send", aged).start()


def name_of(command: tuple[Any, ...]) -> str:
    """Name a command: by its script, `bell` for the wait on it, else by its own word."""
    verb = str(command[0])
    if verb.startswith("EVALSHA"):
        return _NAMES[command[1]]
    if verb.startswith("EVAL"):
        return _NAMES[hashlib.sha1(command[1].encode(), usedforsecurity=False).hexdigest()]
    return PLAIN.get(verb, verb.lower())


_NAMES: Final[dict[str, str]] = {}
"""SHA-1 of a script → its name."""


def know_scripts() -> None:
    """Learn the scripts by their hashes, as this build has them."""
    files = (resources.files("shipper.ledger") / "lua").iterdir()
    names = [file.name.removesuffix(".lua") for file in files if not file.name.startswith("_")]
    load = vars(ledger)["load"]  # a broken build has put its own there
    _NAMES.update({load(name).sha: name for name in names})


def _idle(name: str) -> Callable[[Any], bool]:
    """Tell by the answer whether a claim brought nothing to do."""
    if name == "claim":
        return lambda answer: answer[0] != b"calls"
    if name == "hook_claim":
        return lambda answer: not answer or answer == [b"retired"]
    return lambda answer: False


def _reply_lost(_answer: Any) -> NoReturn:
    raise ReplyLostError(f"Redis took the request, and its answer did not come: {LOST}")


def _replicas_lost(answer: Any) -> Callable[[None], None]:
    def lost(_heard: None) -> None:
        raise ReplicasBehindError(f"whether any replica has it is not known: {LOST}", answer=answer)

    return lost


def _timed_out(_answer: Answer) -> Answer:
    return Answer(lost=Loss.DEADLINE, detail=LOST)


def strikes_of(text: str) -> list[Strike]:
    """Read FAULTS_STRIKE."""
    parts = [part.split(":") for part in text.split(",") if part]
    return [Strike(deed=Deed(deed), at=int(at), name=name[0] if name else "") for deed, at, *name in parts]


def main() -> None:
    """Run Celery's command line with the boundaries watched."""
    know_scripts()
    trace = os.environ.get(TRACE)
    boundaries = Boundaries(strikes_of(os.environ.get(STRIKE, "")), Path(trace) if trace else None)
    watch_redis(boundaries)
    watch_posts(boundaries)
    watch_hooks(boundaries)
    watch_celery(boundaries)
    from celery.__main__ import main as celery  # noqa: PLC0415 - after all is in its place

    sys.exit(celery())


if __name__ == "__main__":
    main()
