"""Envelopes corrupted by hand, or written by another version: kept, reported, mended, never looped over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from shipper.inspector import Inspector
from shipper.ledger.keys import key_of
from shipper.ledger.operations import pause, resume
from shipper.outcome import Reason
from shipper.settings import Settings
from tests.faults.batch import Batch
from tests.faults.campaign import RETRY, Campaign, Ground
from tests.faults.expecting import expecting
from tests.faults.field import Field, first
from tests.faults.load import Wish
from tests.faults.row import Row
from tests.faults.side import Shipper

REC: Final = key_of("default", "rec")
IN_A_LANE: Final = 3
LOOK_S: Final = 3.0
"""How long nothing may happen to what is quarantined."""

Corrupt = Callable[[bytes], bytes]


def field_to(number: int, value: bytes) -> Corrupt:
    """Return what replaces one field of the header."""

    def corrupt(record: bytes) -> bytes:
        header, _, body = record.partition(b"\0")
        fields = header.split(b"|")
        fields[number] = value
        return b"|".join(fields) + b"\0" + body

    return corrupt


UNREADABLE: Final = MappingProxyType(
    {
        **{f"field {number} is empty": field_to(number, b"") for number in (0, 1, 2, 4, 5, 6, 7, 9)},
        **{f"field {number} is garbage": field_to(number, b"\xff|\x00") for number in range(10)},
        "its version is no number": field_to(0, b"x"),
        "an older version wrote it": field_to(0, b"0"),
        "its time is no number": field_to(2, b"12x"),
        "its head's length is negative": field_to(9, b"-1"),
        "it is empty": lambda record: b"",
        "its first byte is left": lambda record: record[:1],
        "its header is cut": lambda record: record[: record.index(b"\0") - 1],
        "its header ends at its NUL": lambda record: record.replace(b"\0", b"", 1),
        "it is other bytes": lambda record: bytes(range(256)),
        "it is a JSON": lambda record: record.partition(b"\0")[2],
        "it is ten megabytes": lambda record: b"x" * 10_000_000,
    }
)
NEWER: Final = MappingProxyType(
    {
        "a newer version wrote it": field_to(0, b"2"),
        "a much newer version wrote it": field_to(0, b"17"),
        "a newer version wrote it, with more fields": lambda record: (
            b"2|" + record[2:].replace(b"\0", b"|more\0", 1)
        ),
    }
)
READABLE: Final = MappingProxyType(
    {
        "its lane is another's": field_to(1, b"AAAAAAAAAAAAAAAAAAAAAA"),
        "its key is another": field_to(3, b"AAAAAAAAAAA"),
        "its fingerprint is another": field_to(4, b"AAAAAAAAAAA"),
        "its names are others": field_to(5, b"AAAAAAAAAAA,BBBBBBBBBBB"),
        "its merge signature is another": field_to(6, b"AAAAAAAAAAA"),
        "its head's length is beyond the body": field_to(9, b"99999"),
        "its head's length is nothing": field_to(9, b"0"),
    }
)
"""What is worth less than the event, or nothing: it is delivered all the same."""
CUT_BODY: Final[Corrupt] = lambda record: record[: record.index(b"\0") + 20]  # noqa: E731 - as those above


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A customer of whose three events one is corrupted."""

    customer: str
    how: str
    kind: str
    """`unreadable`, `newer`, `readable` or `cut`; `sound` for one of whom nothing is."""
    corrupt: Corrupt
    place: int
    mixed: bool
    """Whether its events have different names, so that they could share a call."""

    @property
    def names(self) -> tuple[str, str, str]:
        """Return the names of its events."""
        return ("visit", "like", "buy") if self.mixed else ("visit", "visit", "visit")

    @property
    def references(self) -> list[str]:
        return [f"{self.customer}-{i}" for i in range(IN_A_LANE)]


def lanes(copies: int) -> list[Lane]:
    """Return each kind of damage at each place of a lane, `copies` times, and as many sound lanes."""
    damages = [
        *(("unreadable", how, corrupt) for how, corrupt in UNREADABLE.items()),
        *(("newer", how, corrupt) for how, corrupt in NEWER.items()),
        *(("readable", how, corrupt) for how, corrupt in READABLE.items()),
        ("cut", "its body is cut", CUT_BODY),
    ]
    found = [
        Lane(
            customer=f"{kind}-{i}-{place}-{copy}-{mixed}",
            how=how,
            kind=kind,
            corrupt=corrupt,
            place=place,
            mixed=mixed,
        )
        for i, (kind, how, corrupt) in enumerate(damages)
        for place in range(IN_A_LANE)
        for copy in range(copies)
        for mixed in (False, True)
    ]
    sound = [
        Lane(customer=f"sound-{i}", how="", kind="sound", corrupt=bytes, place=0, mixed=False)
        for i in range(len(found))
    ]
    return found + sound


def corrupted(ground: Ground) -> Iterator[Row]:
    """Corrupt a waiting event in each of many lanes; look what is left, mend, and bring the newer version."""
    given = lanes(1 if ground.quick else 4)
    with ground.field(RETRY) as there:
        assert isinstance(there.side, Shipper)
        there.side.stage.ledger.run(pause())
        wishes = [
            Wish(reference=reference, customer=lane.customer, name=lane.names[i])
            for lane in given
            for i, reference in enumerate(lane.references)
        ]
        batch = Batch(there.side.send, wishes, threads=1)
        there.send(batch)
        batch.finish()
        ids = {attempt.reference: attempt.event_id for attempt in batch.attempts}
        whole = damage(there, given, ids)
        wrongs = deliver_around(there, given)
        wrongs += mend(there, given, ids, whole)
        there.healed()
        row = there.row("Envelopes corrupted by hand", f"{len(whole)} corrupted envelopes", may_die=True)
        assert row.tally is not None
        dead = sum(lane.kind in {"unreadable", "cut"} for lane in given)
        yield expecting(
            row,
            {
                f"{row.tally.dead} events are dead, {dead} had to be": row.tally.dead == dead,
            },
            wrongs=wrongs,
            note=f"{dead} that nobody can read are dead letters, and the rest arrived",
        )


def damage(there: Field, given: Sequence[Lane], ids: dict[str, str]) -> dict[str, bytes]:
    """Corrupt one event a lane; return what it was, by id."""
    whole: dict[str, bytes] = {}
    with there.server.client() as redis:
        for lane in given:
            if lane.kind != "sound":
                event_id = ids[lane.references[lane.place]]
                stored: Any = redis.hget(REC, event_id)
                whole[event_id] = stored
                redis.hset(REC, event_id, lane.corrupt(stored))
    return whole


def deliver_around(there: Field, given: Sequence[Lane]) -> list[str]:
    """Let workers deliver what can be; damaged lanes must then lie still, delivered up to the damage."""
    assert isinstance(there.side, Shipper)
    stage = there.side.stage
    for _ in range(2):
        there.side.worker()
    stage.ledger.run(resume())
    there.until(lambda: not {"due", "lease"} & busy(stage.status().sizes), why="lanes are still worked on")
    before = there.sandbox.stats()["calls"]
    there.pass_time(LOOK_S)
    again = there.sandbox.stats()["calls"] - before
    arrived, quarantined = set(there.arrived()), stage.status().sizes["broken"]
    held = sum(lane.kind in {"unreadable", "newer"} for lane in given)
    wrongs = [f"{again} calls were made for what lies still"] if again else []
    wrongs += [f"{quarantined} lanes are in quarantine, {held} had to be"] if quarantined != held else []
    wrongs += [f"{there.exits} workers ended"] if there.exits else []
    for lane in given:
        stops = lane.place if lane.kind in {"unreadable", "newer"} else IN_A_LANE
        wanted = {reference for i, reference in enumerate(lane.references[:stops])}
        if lane.kind == "cut":
            wanted.discard(lane.references[lane.place])
        if wanted != arrived & set(lane.references):
            wrongs.append(f"{lane.customer} ({lane.how}): {len(arrived & set(lane.references))} arrived")
    return first(wrongs)


def busy(sizes: dict[str, int]) -> set[str]:
    """Name the sizes that are not 0."""
    return {name for name, size in sizes.items() if size}


def mend(there: Field, given: Sequence[Lane], ids: dict[str, str], whole: dict[str, bytes]) -> list[str]:
    """Mend as an operator would, then again with the newer version's events read, and look at what it did."""
    assert isinstance(there.side, Shipper)
    stage = there.side.stage
    inspector = Inspector(stage.ledger, Settings(redis_url=there.server.url))
    newer = [ids[lane.references[lane.place]] for lane in given if lane.kind == "newer"]
    wrongs = [] if inspector.audit().findings else ["the audit found nothing"]
    unreadable = sum(lane.kind == "unreadable" for lane in given)
    done = inspector.mend()
    if done.unreadable != unreadable:
        wrongs.append(f"{done.unreadable} events were unreadable, {unreadable} had to be")
    if len(done.left) < len(newer):
        wrongs.append(f"{len(done.left)} of {len(newer)} lanes of a newer version were left")
    with there.server.client() as redis:
        for event_id in newer:
            redis.hset(REC, event_id, whole[event_id])
    inspector.mend()
    for lane in given:
        shown = stage.show(ids[lane.references[lane.place]])
        if lane.kind == "unreadable" and shown.tried.reason != Reason.UNREADABLE:
            wrongs.append(f"{lane.customer} ({lane.how}) is {shown.state.value}")
    return first(wrongs)


CAMPAIGNS: Final = (
    Campaign(
        name="envelopes",
        tells="Stored events are corrupted by hand in every field, cut, replaced, or of an older or newer"
        " version: their lanes wait in quarantine, all others go on, nothing is dropped or looped over;"
        " `shipper mend` makes dead letters of what nobody can read and lets the rest go on.",
        run=corrupted,
        minutes=1,
    ),
)
