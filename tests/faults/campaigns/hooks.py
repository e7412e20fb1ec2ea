"""Completion hooks that misbehave in every way, in a worker of their own and among the deliveries."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import shipper
from tests.faults.campaign import RETRY, Campaign, Ground
from tests.faults.expecting import expecting
from tests.faults.field import Field, first
from tests.faults.history import Answer
from tests.faults.load import Load, Wish
from tests.faults.row import Row
from tests.faults.side import Shipper

HOOKS: Final = '''
import ctypes, json, os, resource, signal, sys, time
from pathlib import Path
from shipper import completion_hook

TOLD = Path(__file__).with_name("told.jsonl")
CHUNK = 32 * 1024 * 1024

def hook(name):
    """Write down that it was told, before it behaves or does not."""
    def decorate(then):
        @completion_hook(name)
        def told(response, error):
            with TOLD.open("a") as file:
                file.write(json.dumps([name, (response or error).event_id]) + "\\n")
            then()
    return decorate

@hook("behaves")
def behaves():
    pass

@hook("raises")
def raises():
    raise RuntimeError("as it was written to")

@hook("exits")
def exits():
    sys.exit(3)

@hook("leaves")
def leaves():
    os._exit(1)

@hook("kills")
def kills():
    os.kill(os.getpid(), signal.SIGKILL)

@hook("hangs")
def hangs():
    time.sleep(600)

@hook("eats")
def eats():
    """Take memory until there is none: a limit of the process stands in for the machine's."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 8 * CHUNK, limits[1]))
    try:
        taken = [bytearray(CHUNK)]
        while True:
            taken.append(bytearray(CHUNK))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)

@hook("blocks")
def blocks():
    """Hold the interpreter's lock for two seconds: PyDLL does not let it go."""
    ctypes.PyDLL(None).sleep(2)
'''
FAILING: Final = ("raises", "exits", "leaves", "kills", "hangs", "eats")
"""These are given up in the end; one that blocks may be told, for it does end."""
KINDS: Final = (*FAILING, "blocks")
EVERY: Final = 20
"""One event in so many has a hook that misbehaves, as long as there are any left."""
SETTINGS: Final = {"hook_timeout_ms": 1000, "hook_tries": 3}
PER_SECOND: Final = 100


def apart(ground: Ground) -> Iterator[Row]:
    """Let a prefork worker tell the hooks, and another worker deliver: nothing else may even notice."""
    each = 1 if ground.quick else 8
    with ground.field(RETRY, settings=SETTINGS) as there:
        there.side.worker("-Q", "shipper.hooks", "-P", "prefork", "-c", "4", hooks=HOOKS)
        delivering = there.side.worker("-Q", "shipper.deliver")
        row, most = tell(there, "Hooks misbehave in a worker of their own", each)
        told = tellings(there)
        twice = [event for event, count in told["behaves"].items() if count != 1]
        yield expecting(
            row,
            {
                f"{there.exits} workers ended": there.exits == 0 and delivering.running,
                f"{most} events waited": most <= 3 * PER_SECOND,
                **{f"{event} was told {told['behaves'][event]} times": False for event in twice[:3]},
            },
            note=f"never more than {most} events waited for their delivery; hooks that behave told once each",
        )


def among(ground: Ground) -> Iterator[Row]:
    """Let plain workers do both: a hook may take its whole worker down, and a supervisor starts it again."""
    each = 1 if ground.quick else 3
    with ground.field(RETRY, settings=SETTINGS) as there:
        for _ in range(2):
            there.side.worker(hooks=HOOKS)
        row, most = tell(there, "Hooks misbehave among the deliveries", each)
        again = sum(count - 1 for count in tellings(there)["behaves"].values())
        yield expecting(
            row,
            {f"{again} hooks told again, {there.exits} workers ended": again <= there.exits * 4 + each * 2},
            note=f"at most {most} events waited for their delivery; {again} hooks that behave told twice,"
            " cut off with their worker",
        )


def tell(there: Field, fault: str, each: int) -> tuple[Row, int]:
    """Send events of which some have such a hook, until all was told; return also how many waited at most."""
    bad = len(KINDS) * each
    events = bad * EVERY + 400
    names = {f"r-{i * EVERY}": KINDS[i % len(KINDS)] for i in range(bad)}
    there.send(Load(sender(there, names), events=events, customers=200, per_second=PER_SECOND, threads=2))
    most = [0]

    def all_told() -> bool:
        assert isinstance(there.side, Shipper)
        status = there.side.stage.status()
        most[0] = max(most[0], status.counters.get("waiting", 0) + status.counters.get("in_flight", 0))
        ended = status.counters.get("hooks_told", 0) + status.counters.get("hooks_failed", 0)
        return ended == events

    there.until(all_told, within_s=300, why="hooks are still to be told")
    there.healed()
    row = there.row(fault, f"{bad} misbehaving hooks")
    return expecting(row, {}, wrongs=first(untold(there, names))), most[0]


def sender(there: Field, names: dict[str, str]) -> Callable[[Wish], tuple[Answer, str]]:
    """Return what enqueues an event with the hook that it is to have."""

    def send(wish: Wish) -> tuple[Answer, str]:
        receipt = shipper.enqueue_event(
            wish.event, hook=names.get(wish.reference, "behaves"), on_unclear=there.side.policy
        )
        return Answer.YES, receipt.event_id

    return send


def tellings(there: Field) -> dict[str, Counter[str]]:
    """Count how often each hook noted each event."""
    found: dict[str, Counter[str]] = {name: Counter() for name in ("behaves", *KINDS)}
    for worker in there.side.workers:
        path = worker.folder / "told.jsonl"
        for line in path.read_text().splitlines() if path.exists() else []:
            with suppress(json.JSONDecodeError):  # torn by a kill
                name, event_id = json.loads(line)
                found[name][event_id] += 1
    return found


def untold(there: Field, names: dict[str, str]) -> Iterator[str]:
    """Name each event whose hook was not called, or called too often, or not given up as it had to be."""
    assert there.load is not None
    assert isinstance(there.side, Shipper)
    told, failing = tellings(there), 0
    for attempt in there.load.attempts:
        name = names.get(attempt.reference, "behaves")
        count = told[name][attempt.event_id]
        failing += name in FAILING
        if not 1 <= count <= SETTINGS["hook_tries"]:
            yield f"{attempt.reference}: the hook that {name} was called {count} times"
        if name in {"raises", "exits", "eats"} and count != SETTINGS["hook_tries"] and not there.exits:
            yield f"{attempt.reference}: the hook that {name} was called {count} times"
    failed = there.side.stage.count("hooks_failed")
    if not failing <= failed <= failing + sum(name == "blocks" for name in names.values()):
        yield f"{failed} hooks were given up, {failing} never worked"


CAMPAIGNS: Final = (
    Campaign(
        name="hooks-apart",
        tells="Completion hooks raise, exit, kill their process, hang, eat memory, hold the interpreter's"
        " lock; a prefork worker of its own tells them, as `make demo`, `up` and compose have it: their"
        " events stay delivered, deliveries do not notice, and each hook that behaves is told once.",
        run=apart,
        minutes=2.5,
    ),
    Campaign(
        name="hooks-among",
        tells="The same in plain workers that deliver too: such a hook may end its worker, as any code may;"
        " what follows is a worker's crash, and the hook is given up after its tries.",
        run=among,
        minutes=2,
    ),
)
