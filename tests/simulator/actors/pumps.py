"""Pumps: workers that claim calls, post them and settle them, or die on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shipper.ledger import operations
from shipper.ledger.operations import Claim, ClaimedCall, Operation, SettledCall, SettledEvent
from shipper.outcome import Free, Verdict
from shipper.refusal import NO_FIELD, NO_KIND
from shipper.settings import Settings
from tests.simulator import rules
from tests.simulator.answers import ACCEPTED, CODES, answer, outcome_of
from tests.simulator.mix import SETTINGS
from tests.simulator.world import Post, World

WORKER: Final = "w"
HOLD_MS: Final = 500
LATE_MS: Final = 400
SLOW_ONES: Final = 5
"""Of so many claims one is of a worker that found Redis slow, whose calls may leave later."""
FORGOTTEN_AFTER_MS: Final = 60_000
"""How long the ledger remembers tokens that were given back."""
REFUSED: Final = {1: "total", 2: "email"}
KINDS: Final = {1: "kind-1", 0: "-"}
"""What an answer says depends on how often the event was tried: an event may die of several."""
ASK_AGAIN_MS: Final = 5000
"""How long a worker may ask again for a claim whose answer was lost."""


def claim(world: World, *, sound: bool = False) -> Claim:
    """Claim for one to four slots; sometimes the answer is lost, or the request arrives twice."""
    tokens = [f"t{world.number()}" for _ in range(world.random.randint(1, 4))]
    void = list(world.void) if world.chance(0.7) else []
    ticket = world.random.choice(["", "", "", *world.tickets[-2:]]) if not sound else ""
    asked_at, gate = world.now, world.found.gate
    late_ms = LATE_MS if world.numbered % SLOW_ONES == 0 and not sound else 0
    claimed = world.ask(
        operations.claim,
        rules.claim,
        tokens,
        SETTINGS,
        worker=WORKER,
        ticket=ticket,
        void=void,
        late_ms=late_ms,
        now=world.now,
    )
    world.seen[f"claim {claimed.word}"] += 1
    _check_gate({} if gate.get("probe") in void else gate, world, claimed)
    world.void = [token for token in world.void if token not in void]
    world.given_back |= dict.fromkeys(void, world.now)
    if claimed.calls and not sound and world.chance(0.1):
        _ask_again(world, tokens)
    if claimed.calls and not sound and world.chance(0.1):
        world.seen["claim lost"] += 1
        world.lost.append((tokens, asked_at))
    else:
        _take(world, claimed.calls, asked_at, late_ms)
    return claimed


def _check_gate(gate: dict[str, str], world: World, claimed: Claim) -> None:
    """A gate that holds lets one probe through once its time is over, and no second before that one's end."""
    if gate and claimed.calls:
        assert world.now >= int(gate["until"]), f"a claim went through {gate}"
        probe = claimed.calls[0].token
        assert len(claimed.calls) == 1, f"{len(claimed.calls)} calls went through {gate}"
        assert world.found.gate.get("probe") == probe, (
            f"{probe} is the probe, not noted in {world.found.gate}"
        )
        assert world.now >= int(gate.get("pend", 0)), f"{probe} is a second probe: {gate}"


def claim_again(world: World) -> None:
    """Ask again for a claim that was never heard of, or give its calls back with the next, or forget it."""
    if not world.lost:
        return
    tokens, asked_at = world.lost.pop()
    if world.now - asked_at < ASK_AGAIN_MS and world.chance(0.5):
        world.seen["claim again"] += 1
        _take(world, _ask_again(world, tokens).calls, asked_at)
    elif world.chance(0.7):
        world.void += tokens


def claim_late(world: World) -> None:
    """Let a claim be under way for so long that its tokens are given back, or arrive at last, unheard."""
    if not world.under_way or world.chance(0.5):
        tokens = [f"t{world.number()}" for _ in range(world.random.randint(1, 3))]
        world.under_way.append(tokens)
        world.void += tokens
        return
    tokens = world.under_way.pop(world.random.randrange(len(world.under_way)))
    given_back_at = world.given_back.get(tokens[0])
    claimed = world.ask(operations.claim, rules.claim, tokens, SETTINGS, worker=WORKER, now=world.now)
    if given_back_at is not None and world.now - given_back_at < FORGOTTEN_AFTER_MS:
        world.seen["claim after its void"] += 1
        assert not claimed.calls, f"{tokens} were given back, and lease {claimed.calls}"


def _ask_again(world: World, tokens: list[str]) -> Claim:
    return world.ask(_claim_by_lane, rules.claim, tokens, SETTINGS, worker=WORKER, now=world.now)


def _claim_by_lane(
    tokens: list[str], settings: Settings, *, worker: str, now: int | None = None
) -> Operation[Claim]:
    """Ask for a claim; calls that are told again come in no order, so sort them."""
    asked = operations.claim(tokens, settings, worker=worker, now=now)

    def read(reply: list[object]) -> Claim:
        claimed = asked.read(reply)
        return replace(claimed, calls=tuple(sorted(claimed.calls, key=lambda call: call.lane)))

    return Operation(asked.script, asked.args, read)


def _take(world: World, calls: tuple[ClaimedCall, ...], asked_at: int, late_ms: int = 0) -> None:
    for call in calls:
        for event in call.events:
            known = world.ghosts[event.event_id].known
            assert not known, f"10: {event.event_id} was claimed, and its success is known"
        size = sum(len(world.found.records[event.event_id]) for event in call.events)
        small = len(call.events) <= SETTINGS.coalesce_max and size <= SETTINGS.coalesce_bytes
        assert small or len(call.events) == 1, f"{len(call.events)} events of {size} bytes in one call"
        world.seen["call of several" if len(call.events) > 1 else "call of one"] += 1
        lease_end = world.book.lease[call.lane]
        world.posts.append(Post(call=call, asked_at=asked_at, lease_end=lease_end, late_ms=late_ms))


def advance(world: World, *, sound: bool = False) -> None:
    """Let one call make its next step: be sent, or be answered."""
    underway = [post for post in world.posts if post.settled is None]
    if underway:
        post = world.random.choice(underway)
        if post.sent:
            _be_answered(world, post)
        else:
            _send(world, post, sound=sound)


def _send(world: World, post: Post, *, sound: bool) -> None:
    late = world.now - post.asked_at > SETTINGS.pace_margin_ms + post.late_ms
    if late and (sound or not world.chance(world.mix.zombies)):
        post.verdict = Verdict.UNSENT
        _be_answered(world, post)
        return
    if world.now >= post.lease_end:
        world.seen["post by a zombie"] += 1
    for other in world.posts:
        overlaps = other.sent and other.settled is None and other.call.lane == post.call.lane
        if overlaps and min(other.lease_end, post.lease_end) > world.now:
            raise AssertionError(f"7: two calls of lane {post.call.lane} at a time")
    if not late:
        _arrive(world)
    came = ACCEPTED if sound else answer(world.random, world.mix)
    ghosts = [world.ghosts[event.event_id] for event in post.call.events]
    if came is ACCEPTED and all(ghost.copies for ghost in ghosts) and world.chance(0.3):
        post.verdict = Verdict.ALREADY_APPLIED
    else:
        post.verdict = came.verdict
        for ghost in ghosts:
            ghost.copies += came.applied
    post.sent = True


def _arrive(world: World) -> None:
    world.arrivals.append(world.now)
    for window, limit in ((1000, SETTINGS.pace_per_second), (30_000, SETTINGS.pace_per_30_seconds)):
        arrived = sum(at > world.now - window for at in world.arrivals[-2 * limit :])
        assert arrived <= limit, f"8: {arrived} calls arrived within {window} ms"


def _be_answered(world: World, post: Post) -> None:
    assert post.verdict is not None
    random, alone = world.random, len(post.call.events) == 1
    code = CODES.get(post.verdict)
    events = [
        SettledEvent(
            event_id=event.event_id,
            outcome=outcome_of(post.verdict, event, alone=alone, random=random),
            code=code,
            field=REFUSED.get(event.number % 3, NO_FIELD),
            kind=KINDS.get(event.number % 2, NO_KIND),
            line=f'{{"number":{event.number}}}'.encode() if world.chance(0.8) else b"",
        )
        for event in post.call.events
    ]
    if post.verdict in (Verdict.UNSENT, Verdict.NOT_SENT) and not alone and world.chance(0.2):
        events.pop()  # a worker that names not all of its events
    strangers = sorted(world.ghosts.keys() - {event.event_id for event in post.call.events})
    if post.verdict is Verdict.BUSY and strangers and world.chance(0.5):  # or one that is not of its call
        stranger = random.choice(strangers)
        events.append(SettledEvent(event_id=stranger, outcome=Free(delay_ms=5000)))
    post.settled = SettledCall(
        lane=post.call.lane,
        token=post.call.token,
        verdict=post.verdict,
        events=tuple(events),
        hold_ms=random.randint(100, 1500) if post.verdict is Verdict.THROTTLED else 0,
    )


def settle(world: World, *, sound: bool = False) -> None:
    """Settle a few answered calls; when the reply is lost they will be settled again."""
    answered = [post for post in world.posts if post.settled]
    if not answered:
        return
    world.random.shuffle(answered)
    batch = answered[: world.random.randint(1, 4)]
    calls = [post.settled for post in batch if post.settled]
    for call in calls:
        if call.verdict in (Verdict.ACCEPTED, Verdict.ALREADY_APPLIED):
            for event in call.events:
                world.ghosts[event.event_id].known = True
    for word in world.ask(operations.settle, rules.settle, calls, SETTINGS, now=world.now):
        world.seen[f"settle {word}"] += 1
    for post in batch:
        if sound or not world.chance(0.12):
            world.posts.remove(post)
        else:
            world.seen["settle lost"] += 1


def crash(world: World) -> None:
    """Let a worker die, with one call or with the tokens that it would give back."""
    if world.void and world.chance(0.3):
        world.void.clear()
    elif world.posts:
        world.posts.remove(world.random.choice(world.posts))


def retire(world: World) -> None:
    """End a pump, which gives its ticket up; some tickets are given up twice."""
    if world.tickets:
        ticket = world.random.choice(world.tickets[-3:])
        world.ask(operations.retire, rules.retire, ticket, now=world.now)


def sweep(world: World, *, sound: bool = False) -> None:
    """Sweep as a Dispatcher does, asking for two pumps at most."""
    tickets = [f"p{world.number()}" for _ in range(2)]
    swept = world.ask(
        operations.sweep,
        rules.sweep,
        SETTINGS,
        tickets=tickets,
        most_pumps=1,
        hold_ms=HOLD_MS,
        worker=world.random.choice(("", "w1", "w2")),
        limit=500 if sound else world.random.choice((1, 10)),
        backoff_ms=world.random.randint(0, 1000),
        now=world.now,
    )
    world.tickets += tickets[: swept.pumps]
    world.seen["lease expired"] += swept.expired
    alive = len(world.found.pumps)
    assert alive <= 2, f"{alive} pumps are alive or asked for; two workers want one each"


def forget(world: World, *, sound: bool = False) -> None:
    """Forget what is past its retention, all of it or a little."""
    limit = 1000 if sound else world.random.choice((1, 3, 1000))
    ids, keys, _ = world.ask(operations.forget, rules.forget, SETTINGS, limit=limit, now=world.now)
    world.seen["forgotten"] += ids
    world.seen["key forgotten"] += keys
