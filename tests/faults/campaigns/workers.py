"""Workers under fire: killed, restarted, and stopped at the worst moments to wake up as zombies."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from shipper.ledger import scripts
from tests.faults.campaign import RETRY, Campaign, beside
from tests.faults.field import Field
from tests.faults.history import Tally
from tests.faults.row import PEER
from tests.faults.side import Shipper
from tests.faults.soak.plumbing import children_of
from tests.support.proxy import Proxy
from tests.support.waiting import until
from tests.support.worker import Worker

SLOW: Final = {"latency_ms": 20}
SLOWER: Final = {"latency_ms": 300}
LEASE_S: Final = 6.0
"""As in the settings of every worker here; plain Celery's visibility timeout is 5 s."""
SWEEP_S: Final = 1.0
BEYOND_S: Final = LEASE_S + 2 * SWEEP_S
"""Until somebody else has surely taken over."""
GRACE_S: Final = 5.0
"""Longest end of a worker that was asked to: its calls end within a second."""
SOON_S: Final = 15.0
HELD_S: Final = 0.08
"""How long a worker that will be stopped waits for Redis, each way."""

CELERYS_OWN: Final = "a child killed while its worker starts ends the worker: Celery has it so"

TOLD: Final = "told.txt"
HOOKS: Final = f"""
from pathlib import Path
from shipper import completion_hook

@completion_hook("noted")
def noted(response, error):
    with Path(__file__).with_name("{TOLD}").open("a") as file:
        file.write(f"{{(response or error).event_id}} {{'delivered' if response else 'failed'}}\\n")
"""


def kill_workers(field: Field) -> str:
    """Kill children of a prefork pool and whole workers in turn, at random, every second or two."""
    seconds, events, least = (10, 1500, 1) if field.quick else (120, 20_000, 10)
    threaded = [field.side.worker() for _ in range(2)]
    prefork = field.side.worker("-P", "prefork", "-c", "4")
    load = field.start_load(events=events, customers=500, per_second=events / seconds)

    killed: Counter[str] = Counter()
    while load.sent < events:
        field.pass_time(field.random.uniform(1.0, 2.5))
        if killed["workers"] < killed["pool children"]:
            field.kill(field.random.choice([*threaded, prefork]))
            killed["workers"] += 1
        else:
            kill_a_child(field, prefork)
            killed["pool children"] += 1
    field.healed()
    if min(killed["workers"], killed["pool children"]) < least:
        field.wrong(f"fewer than {least} workers, or pool children, were killed")
    field.recover_within_s = 20
    return f"{killed['workers']} workers and {killed['pool children']} pool children killed"


def restart_in_turn(field: Field) -> str:
    """Restart one of two workers after the other (SIGTERM), as a rolling deploy does."""
    restarts = 3 if field.quick else 12
    workers = [field.side.worker() for _ in range(2)]
    load = field.start_load(events=restarts * 1500, customers=300, per_second=100)

    took_s = []
    for number in range(restarts):
        field.pass_time(field.random.uniform(0.5, 1.5))
        took_s.append(field.end(workers[number % 2]))
        field.begin(workers[number % 2])
    load.stop()
    field.healed()
    if max(took_s) > GRACE_S:
        field.wrong(f"a worker took {max(took_s):.1f} s to end")
    field.check(without_cause(field))
    return f"{restarts} restarts, the longest end {max(took_s):.1f} s"


def wake_zombies(field: Field, rounds: int = 0) -> str:
    """Stop a worker (SIGSTOP) in its calls, beyond its lease, and let it go on (SIGCONT).

    In the first and every other round its calls have been answered when it stops, and it could not write that
    down, for it was cut off from Redis; Gameball then throttles, so it comes back in time to be believed.
    """
    rounds = rounds or (2 if field.quick else 6)
    line = field.proxy()
    zombie = field.side.worker(*no_hooks(field), redis_url=line.url)
    rescuer = field.side.worker(hooks=HOOKS)
    rescuer.freeze()  # before there is work: it is there at once when the zombie must be replaced
    load = field.start_load(events=2400 * rounds, customers=400, per_second=60)

    for number in range(rounds):
        if number:
            field.end(rescuer)  # so that what is under way is the zombie's
        field.until(lambda: field.side.under_way() > 8, within_s=20, why="nothing is under way")
        if number % 2:
            zombie.freeze()
            outlive(field, zombie, rescuer)
        else:
            cut_off_and_stop(field, zombie, line, rescuer)
    load.stop()
    field.healed()
    field.check(hooks_told_once(field))
    if not field.side.promised:
        return f"{rounds} stops of {BEYOND_S:g} s"
    if not comes_about(field, lambda: words_of(zombie)["adopted"]):
        field.wrong(f"none of the zombie's successes was adopted: {dict(words_of(zombie))}")
    if rounds > 1 and not comes_about(field, lambda: refused_of(zombie)):
        field.wrong(f"none of the zombie's failures was refused: {dict(words_of(zombie))}")
    said, refused = words_of(zombie), refused_of(zombie)
    return (
        f"{rounds} stops of {BEYOND_S:g} s; of what the zombie had to tell, {refused} failures were refused,"
        f" {said['adopted']} successes adopted, {said['already']} known already"
    )


def words_of(worker: Worker) -> Counter[str]:
    """Count the words of what a worker settled: ok, adopted, already, stale, gone."""
    return Counter(word for fact in worker.told("delivery.settled") for word in fact["settled"])


def refused_of(worker: Worker) -> int:
    """Count what a worker settled in vain."""
    return words_of(worker)["stale"] + words_of(worker)["gone"]


def comes_about(field: Field, condition: Callable[[], object]) -> bool:
    """Tell whether something is so, or soon is: a worker that was just woken logs when it gets its turn."""
    try:
        field.until(condition, within_s=SOON_S)
    except AssertionError:
        return False
    return True


def stop_before_the_post(field: Field) -> str:
    """Stop a worker that was given work and has not begun; let it go on when others have done it."""
    rounds = 1 if field.quick else 4
    load = field.start_load(events=rounds * 1600, customers=300, per_second=40)
    line = field.proxy()
    field.until(lambda: load.sent > 40, why="nothing is sent")
    victim, rescuer = None, None

    held = 0
    for _ in range(rounds):
        # With nobody else at work: what is under way is what the victim was just given.
        line.latency_s = HELD_S
        if victim is None:
            victim = field.side.worker(ready=False, redis_url=line.url)
        else:
            field.begin(victim, ready=False)
        until(field.side.under_way, why=lambda: "the worker takes nothing")
        victim.freeze()
        held += field.side.under_way()
        if rescuer is None:
            rescuer = field.side.worker()
        else:
            field.begin(rescuer)
        field.pass_time(BEYOND_S)
        line.latency_s = 0.0
        victim.thaw()
        field.pass_time(1.0)
        field.end(victim)
        field.end(rescuer)
    assert rescuer is not None
    load.stop()
    field.healed()
    field.begin(rescuer)
    field.check(without_copies)
    return f"{rounds} stops of {BEYOND_S:g} s, {held} events claimed and not begun"


def kill_a_child(field: Field, worker: Worker) -> None:
    """Kill one child of a worker's pool, as soon as it has any."""

    def killed() -> bool:
        children = children_of(worker.pid)
        with suppress(ProcessLookupError):
            if children:
                os.kill(field.random.choice(children), signal.SIGKILL)
                return True
        return False

    field.until(killed, why="the pool has no children")


def outlive(field: Field, frozen: Worker, rescuer: Worker) -> None:
    """Let another worker take over from a frozen one; then let that go on."""
    causes = field.side.causes()
    try:
        if rescuer in field.gone:
            field.begin(rescuer, ready=False)
        else:
            rescuer.thaw()
        field.pass_time(BEYOND_S)
        if causes is not None:
            field.until(lambda: (field.side.causes() or 0) > causes, why="nobody takes over")
    finally:
        frozen.thaw()


def cut_off_and_stop(field: Field, worker: Worker, line: Proxy, rescuer: Worker) -> None:
    """Cut a worker off from Redis until its calls were answered, then stop it; others are throttled."""
    ours, before = field.side.promised, len(line.swallowed)
    line.swallow_requests = line.swallow_replies = True
    if ours:
        settle, adopted = scripts.load("settle").sha.encode(), words_of(worker)["adopted"]
        field.until(lambda: settle in b"".join(line.swallowed[before:]), why="no call was answered")
    field.pass_time(0.8)
    worker.freeze()
    throttle = field.sandbox.add_fault({"status": 429, "retry_after": 1})
    line.heal()
    line.reset()
    outlive(field, worker, rescuer)
    field.pass_time(1.5)
    if ours:
        comes_about(field, lambda: words_of(worker)["adopted"] > adopted)
    field.sandbox.remove_fault(throttle)


def no_hooks(field: Field) -> tuple[str, ...]:
    """Let our zombie call no hooks: one that it tells when it stops may rightly be told again."""
    return ("-Q", "shipper.deliver") if field.side.promised else ()


def hooks_told_once(field: Field) -> Callable[[Tally], Iterator[str]]:
    """Return the check that each event that ended well was told so exactly once."""

    def check(_: Tally) -> Iterator[str]:
        side = field.side
        if not isinstance(side, Shipper):
            return
        field.until(lambda: side.stage.status().sizes["hooks"] == 0, why="hooks wait")
        paths = [worker.folder / TOLD for worker in side.workers]
        told = Counter(line for path in paths if path.exists() for line in path.read_text().splitlines())
        twice = [line for line, times in told.items() if times > 1]
        if twice:
            yield f"{len(twice)} endings were told twice, the first: {twice[0]}"
        well = sum(1 for line in told if line.endswith("delivered"))
        delivered = side.stage.count("delivered")
        if well != delivered:
            yield f"{well} hooks heard of a delivery, and {delivered} events were delivered"

    return check


def without_cause(field: Field) -> Callable[[Tally], Iterator[str]]:
    """Return the check that nothing arrived twice, and that no lease ran out."""

    def check(tally: Tally) -> Iterator[str]:
        yield from without_copies(tally)
        if causes := field.side.causes():
            yield f"{causes} leases ran out, or calls were in doubt"

    return check


def without_copies(tally: Tally) -> Iterator[str]:
    """Complain of any copy."""
    if tally.duplicated:
        yield f"{tally.duplicated} duplicates, and none was called for"


CAMPAIGNS: Final = (
    Campaign(
        name="worker-kill",
        tells="Whole workers, threaded and prefork, and children of prefork pools are killed (SIGKILL) in"
        " turn, each at random, for two minutes under 20,000 events. All must be ended within 20 s of the"
        " last kill.",
        run=beside("workers and pool children killed", kill_workers, sandbox=SLOW, note=CELERYS_OWN),
        minutes=7,
    ),
    Campaign(
        name="worker-rolling",
        tells="Two workers are restarted in turn (SIGTERM) under load, as by a rolling deploy. Each must end"
        " within 5 s, no lease may run out, and nothing may arrive twice.",
        run=beside("rolling restarts", restart_in_turn, sides=(RETRY, PEER), sandbox=SLOW),
        minutes=2,
    ),
    Campaign(
        name="worker-zombie",
        tells="A worker is stopped (SIGSTOP) in its calls, beyond its lease, and continued. Another must take"
        " over; what failed for the zombie must be refused, what succeeded adopted, each hook told once.",
        run=beside(
            "stopped in the call, then continued", wake_zombies, sandbox=SLOWER, settings={"hook": "noted"}
        ),
        minutes=4,
    ),
    Campaign(
        name="worker-late",
        tells="A worker is stopped between being given work and sending it, until others have done it."
        " When it goes on it must not send.",
        run=beside("stopped before the call, then continued", stop_before_the_post, sides=(RETRY, PEER)),
        minutes=2.5,
    ),
)
