"""Export and import: dead letters out and in again with every byte, and files that are refused whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from redis import Redis

from shipper.envelope import seal
from shipper.errors import EventNotFoundError, LedgerFullError
from shipper.inspector import BrokenExportError, Change, Filter, ImportCutError, Inspector, TrailFilter
from shipper.keyring import new_key
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import enqueue, forget
from shipper.ledger.pool import make_pool
from shipper.outcome import State
from shipper.settings import Settings
from tests.inspector.conftest import PATIENCE_MS
from tests.inspector.story import ACCEPTED, HOUR, LOST, REFUSED, SETTINGS, Answer, Story
from tests.ledger.book import Book, read
from tests.support.servers import RedisServer, StartServer
from tests.support.waiting import until

CANARIES = ("canary@example.com", "+201001234567")
QUOTING = Answer(verdict=REFUSED.verdict, outcome=REFUSED.outcome, answer=f"{CANARIES[0]} is taken ü\n\x00")
OTHER = Settings(accounts=("shop-2",), pace_per_second=0, pace_per_30_seconds=0)


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough here: the script has its table on both."""
    return redis7


@pytest.fixture
def elsewhere(private_server: StartServer) -> Iterator[tuple[Redis, Ledger]]:
    """Another Redis, which knows nothing."""
    other = private_server()
    pool = make_pool(other.url, budget_ms=PATIENCE_MS)
    with other.client() as client:
        yield client, Ledger(pool, budget_ms=PATIENCE_MS)
    pool.disconnect()


@pytest.fixture
def letters(story: Story) -> list[str]:
    """Three letters: refused with contacts and a hook; of two names, solo, with a key; unclear."""
    contacts = {"email": CANARIES[0], "mobile": CANARIES[1]}
    ids = [story.enqueue("c-1", events={"visit": {"page": "/ü", "n": 1.5}}, hook="told", **contacts)]
    story.calls(QUOTING)
    story.passes(HOUR)
    ids.append(story.enqueue("c-2", "a", "b", idempotency_key="key-2", solo=True))
    story.calls(REFUSED)
    story.passes(HOUR)
    ids.append(story.enqueue("c-3", "visit", on_unclear="park"))
    story.calls(LOST)
    story.passes(HOUR)
    return ids


def now_of(redis: Redis) -> int:
    """Return Redis' own time, in ms."""
    seconds, micros = redis.time()
    return int(seconds) * 1000 + int(micros) // 1000


def exported(inspector: Inspector, wanted: Any = None, **given: Any) -> bytes:
    return b"".join(inspector.letters.export(inspector.letters.choose(wanted or Filter()), **given))


def kept(redis: Redis, account: str = "default") -> Book:
    """Return of a ledger what belongs to its letters."""
    book = read(redis, account)
    why = {
        event_id: [line for line in lines if line.get("outcome") != "imported"]
        for event_id, lines in book.why.items()
    }
    return Book(
        **{name: getattr(book, name) for name in ("rec", "st", "dead", "uncl", "dx", "groups", "idem")},
        why=why,
        people=book.people,
        fields=book.fields,
        kinds=book.kinds,
    )


def test_letters_come_back_in_another_redis_as_they_were(
    letters: list[str], inspector: Inspector, redis: Redis, elsewhere: tuple[Redis, Ledger]
) -> None:
    file = BytesIO(exported(inspector))
    client, ledger = elsewhere
    theirs = Inspector(ledger, SETTINGS)

    head, count = theirs.letters.check_export(file)
    file.seek(0)
    handled = theirs.letters.import_export(file)

    assert (head.account, head.masked, count) == ("default", False, 3)
    assert (handled.done, handled.left) == (3, {})
    assert kept(client) == kept(redis)
    assert read(client).n == {"accepted": 3, "dead": 2, "unclear": 1, "restored": 3} | {
        "bytes": read(redis).n["bytes"]
    }
    assert theirs.audit().sound
    timelines = [theirs.event(i).timeline for i in letters]
    assert [timeline[:-1] for timeline in timelines] == [inspector.event(i).timeline for i in letters]
    assert {timeline[-1].what for timeline in timelines} == {"imported"}


def test_what_came_in_is_exported_as_the_same_letters_which_came_in(
    letters: list[str], inspector: Inspector, elsewhere: tuple[Redis, Ledger]
) -> None:
    first = exported(inspector)
    theirs = Inspector(elsewhere[1], SETTINGS)
    theirs.letters.import_export(BytesIO(first))

    second = exported(theirs)

    was, came = ([json.loads(line) for line in file.splitlines()[1:-1]] for file in (first, second))
    lines = [letter["history"].pop() for letter in came]
    assert {(line["outcome"], line["by"]) for line in lines} == {("imported", theirs.operator)}
    assert [letter | {"sha256": ""} for letter in came] == [letter | {"sha256": ""} for letter in was]


def test_what_came_in_is_sent_again_and_its_producers_retry_is_a_duplicate(
    letters: list[str], inspector: Inspector, elsewhere: tuple[Redis, Ledger]
) -> None:
    theirs = Inspector(elsewhere[1], SETTINGS)
    theirs.letters.import_export(BytesIO(exported(inspector)))
    retry = seal(
        {"customerId": "c-2", "events": {"a": {}, "b": {}}},
        settings=SETTINGS,
        idempotency_key="key-2",
        solo=True,
    )

    (admission,) = elsewhere[1].run(enqueue([retry], SETTINGS))
    done = theirs.letters.redrive(theirs.letters.choose(letters[:2]), may_duplicate=False)

    assert (admission.word, admission.event_id) == ("dup", letters[1])
    assert done.done == 2
    assert theirs.event(letters[0]).state is State.WAITING
    assert theirs.audit().sound


def test_what_is_known_is_left_and_told(letters: list[str], inspector: Inspector, redis: Redis) -> None:
    file = exported(inspector)
    inspector.letters.discard(inspector.letters.choose([letters[0]]))
    before = kept(redis)

    handled = inspector.letters.import_export(BytesIO(file))

    assert (handled.done, handled.left) == (0, {"known": 3})
    assert [left.event_id for left in handled.examples] == letters
    assert kept(redis) == before


@pytest.mark.parametrize("at", ["here", "elsewhere"])
def test_what_was_delivered_since_is_not_brought_back_though_its_id_is_forgotten(
    at: str, story: Story, inspector: Inspector, redis: Redis, elsewhere: tuple[Redis, Ledger]
) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    file = exported(inspector)
    if at == "elsewhere":
        story.ledger = elsewhere[1]
        inspector = Inspector(story.ledger, SETTINGS)
        inspector.letters.import_export(BytesIO(file))
    inspector.letters.redrive(inspector.letters.choose([event_id]), may_duplicate=False)
    story.now = now_of(redis) + HOUR
    story.calls(ACCEPTED)

    story.ledger.run(forget(SETTINGS, now=story.now + 7 * HOUR))
    handled = inspector.letters.import_export(BytesIO(file))

    with pytest.raises(EventNotFoundError):
        inspector.event(event_id)
    assert (handled.done, handled.left) == (0, {"known": 1})


def test_what_was_discarded_comes_back_once_its_id_is_forgotten(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    file = exported(inspector)
    inspector.letters.discard(inspector.letters.choose([event_id]))
    at_once = inspector.letters.import_export(BytesIO(file))

    story.ledger.run(forget(SETTINGS, now=now_of(redis) + 7 * HOUR))
    later = inspector.letters.import_export(BytesIO(file))

    assert (at_once.done, at_once.left) == (0, {"known": 1})
    assert (later.done, inspector.event(event_id).state) == (1, State.DEAD)


def test_a_masked_export_is_no_reason_to_remember(
    letters: list[str], inspector: Inspector, redis: Redis
) -> None:
    exported(inspector, masked=True)

    assert read(redis).exported == {}


def test_an_import_that_a_full_redis_cuts_short_says_how_far_it_came(
    story: Story, inspector: Inspector, elsewhere: tuple[Redis, Ledger]
) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(45)])
    while story.calls(REFUSED):
        story.passes(HOUR)
    file = exported(inspector)
    client, ledger = elsewhere
    theirs = Inspector(ledger, SETTINGS)

    def fill(_: int) -> None:
        client.config_set("maxmemory", 1)

    with pytest.raises(ImportCutError) as caught:
        theirs.letters.import_export(BytesIO(file), told=fill)
    with pytest.raises(LedgerFullError):
        theirs.letters.import_export(BytesIO(file))
    client.config_set("maxmemory", 0)
    again = theirs.letters.import_export(BytesIO(file))

    assert (caught.value.line, caught.value.done) == (22, 20)
    assert str(caught.value) == (
        "the import broke off at line 22, with 20 letter(s) taken in; Redis is full: free memory or raise "
        "maxmemory. Import the same file again: what was taken in is known, and left"
    )
    assert (again.done, again.left) == (25, {"known": 20})


def test_an_import_waits_for_replicas_and_says_when_they_are_behind(
    letters: list[str], inspector: Inspector, elsewhere: tuple[Redis, Ledger]
) -> None:
    file = exported(inspector)
    client, lonely = elsewhere
    theirs = Inspector(lonely, Settings(wait_replicas=1, pace_per_second=0, pace_per_30_seconds=0))

    with ThreadPoolExecutor(1) as thread:
        importing = thread.submit(theirs.letters.import_export, BytesIO(file))
        until(lambda: _gives_up_waiting(client))
        with pytest.raises(ImportCutError, match="some from there on may be too: 0 of 1 replica"):
            importing.result()

    assert theirs.letters.choose(Filter()).count == 3


def _gives_up_waiting(redis: Redis) -> bool:
    """Let a WAIT under way end as if its time had run out: that comes too close to the end of the budget."""
    blocked = [client["id"] for client in redis.client_list() if "b" in client["flags"]]
    return any(redis.client_unblock(int(client)) for client in blocked)


def test_ids_and_filters_say_what_is_exported(letters: list[str], inspector: Inspector) -> None:
    by_ids = exported(inspector, [letters[2], letters[0]])
    by_filter = exported(inspector, Filter(event_name="a"))

    ids = [[json.loads(line)["event_id"] for line in file.splitlines()[1:-1]] for file in (by_ids, by_filter)]
    assert ids == [[letters[0], letters[2]], [letters[1]]]


def test_encrypted_letters_are_written_in_the_clear_and_encrypted_again(
    ledger: Ledger, redis: Redis, elsewhere: tuple[Redis, Ledger]
) -> None:
    ours, theirs = (Settings(encryption_keys=f"{name}:{new_key()}") for name in ("k1", "k2"))
    story = Story(ledger, settings=ours)
    event_id = story.enqueue("c-1", events={"visit": {"page": "/secret"}})
    story.calls(REFUSED)
    inspector = Inspector(ledger, ours)
    inspector.letters.redrive_edited(
        inspector.letters.propose(event_id, Change(sets={"visit.page": "/other"}))
    )
    seconds, _ = redis.time()
    story.now = seconds * 1000 + HOUR
    story.calls(REFUSED)

    file = exported(inspector, [event_id])
    Inspector(elsewhere[1], theirs).letters.import_export(BytesIO(file))

    stored: Any = elsewhere[0].hget("{shipper:default}:rec", event_id)
    history: Any = elsewhere[0].hget("{shipper:default}:why", event_id)
    assert b"/other" in file
    assert b"visit.page" in file
    assert b"\0\x01\x02k2" in stored
    assert b"visit" not in history
    seen = Inspector(elsewhere[1], theirs).event(event_id)
    assert seen.events == {"visit": {"page": "/other"}}


def test_letters_go_into_another_account_and_those_that_none_can_open_do_not(
    ledger: Ledger, redis: Redis
) -> None:
    ours = Settings(encryption_keys=f"k1:{new_key()}")
    story = Story(ledger, settings=ours)
    locked = story.enqueue("c-1", "visit")
    story.settings = SETTINGS
    open_ = story.enqueue("c-2", "visit")
    story.calls(REFUSED)
    file = exported(Inspector(ledger, SETTINGS))

    again = Inspector(Ledger(ledger.pool, "shop-2"), OTHER).letters.import_export(BytesIO(file))

    assert (again.done, again.left) == (1, {"sealed": 1})
    assert again.examples[0].event_id == locked
    assert Inspector(Ledger(ledger.pool, "shop-2"), OTHER).event(open_).event_names == ("visit",)
    assert json.loads(file.splitlines()[1])["sealed"] is True


def test_a_letter_that_no_version_can_read_is_carried_as_it_is(
    letters: list[str], inspector: Inspector, redis: Redis, elsewhere: tuple[Redis, Ledger]
) -> None:
    redis.hset("{shipper:default}:rec", letters[0], b"2|newer\xff")
    redis.hset("{shipper:default}:rec", letters[1], b"1|l|1||f|n|s|r||3\0\xff not json")

    handled = Inspector(elsewhere[1], SETTINGS).letters.import_export(BytesIO(exported(inspector)))

    assert handled.done == 3
    assert kept(elsewhere[0]).rec == kept(redis).rec


def test_a_masked_export_tells_no_contact_and_cannot_be_imported(
    letters: list[str], inspector: Inspector
) -> None:
    file = exported(inspector, masked=True)

    assert not any(canary.encode() in file for canary in CANARIES)
    assert b"c***@***" in file
    with pytest.raises(BrokenExportError, match="line 1 says that it is masked"):
        inspector.letters.check_export(BytesIO(file))


def test_what_left_and_what_came_stands_on_the_audit_log(
    letters: list[str], ledger: Ledger, elsewhere: tuple[Redis, Ledger]
) -> None:
    ours, theirs = (Inspector(each, SETTINGS, operator="ann") for each in (ledger, elsewhere[1]))
    theirs.letters.import_export(BytesIO(exported(ours, Filter(reason="refused"))))

    (left,) = ours.trail(TrailFilter())
    (came,) = theirs.trail(TrailFilter())

    assert (left.operator, left.action, left.count, left.ids) == ("ann", "export", 2, tuple(letters[:2]))
    assert left.about.startswith("reason=refused")
    assert (came.operator, came.action, came.count, came.ids) == ("ann", "import", 2, tuple(letters[:2]))


def test_a_large_export_is_written_and_read_without_holding_it(
    story: Story, inspector: Inspector, elsewhere: tuple[Redis, Ledger]
) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(170)])
    while story.calls(REFUSED):
        story.passes(HOUR)
    told: list[int] = []

    lines = inspector.letters.export(inspector.letters.choose(Filter()), told=told.append)
    first = [next(lines), next(lines)]
    asked = list(told)
    file = b"".join([*first, *lines])
    done = Inspector(elsewhere[1], SETTINGS).letters.import_export(BytesIO(file), told=told.append)

    assert asked == []
    assert told == [*[20] * 8, 10] * 2
    assert done.done == 170


def resealed(line: bytes, **changed: Any) -> bytes:
    """Return a line that says something else under a checksum that fits."""
    said = {**json.loads(line), **changed}
    del said["sha256"]
    text = json.dumps(said, separators=(",", ":")).encode()
    return text[:-1] + b',"sha256":"' + sha256(text).hexdigest().encode() + b'"}\n'


def whole(lines: list[bytes]) -> bytes:
    """Return a file whose last line fits all others: what only somebody who means it would make."""
    before = b"".join(lines[:-1])
    return before + resealed(lines[-1], letters=len(lines) - 2, all_sha256=sha256(before).hexdigest())


BROKEN: dict[str, tuple[Callable[[list[bytes]], bytes], str]] = {
    "empty": (lambda _: b"", "line 1 is missing: the file is torn"),
    "torn between two lines": (lambda f: b"".join(f[:3]), "line 4 is missing: the file is torn"),
    "torn within a line": (lambda f: b"".join(f)[:-9], "line 5 is no whole line"),
    "a byte changed": (lambda f: b"".join(f).replace(b"c-2", b"c-9"), "line 3 was changed"),
    "a line taken out": (lambda f: b"".join([*f[:2], *f[3:]]), "line 4 says 3 letters, and there are 2"),
    "two lines swapped": (
        lambda f: b"".join([f[0], f[2], f[1], *f[3:]]),
        "line 5 does not fit the lines before it",
    ),
    "a line twice": (lambda f: b"".join([*f[:3], *f[2:]]), "line 6 says 3 letters, and there are 4"),
    "the head taken out": (lambda f: b"".join(f[1:]), "line 1 is not where its kind belongs"),
    "something behind": (lambda f: b"".join([*f, f[1]]), "line 6 stands behind the last one"),
    "a file of events": (lambda _: b'{"customerId":"c"}\n', "line 1 is no whole line of an export"),
    "a later format": (lambda f: whole([resealed(f[0], format=2), *f[1:]]), "line 1 is no head of an export"),
    "a time beyond all calendars": (
        lambda f: whole([resealed(f[0], exported_at=10**30), *f[1:]]),
        "line 1 is of a time beyond the years",
    ),
    "no id": (lambda f: whole([f[0], resealed(f[1], event_id="x"), *f[2:]]), "line 2 has no event id"),
    "a waiting event": (
        lambda f: whole([f[0], resealed(f[1], state="waiting"), *f[2:]]),
        "line 2 has no state and time of a dead letter",
    ),
    "an end after all that sort": (
        lambda f: whole([f[0], resealed(f[1], ended_at=10**13), *f[2:]]),
        "line 2 has no state and time of a dead letter",
    ),
    "another customer's lane": (
        lambda f: whole([f[0], resealed(f[1], body='{"customerId":"x","events":{}}'), *f[2:]]),
        "line 2 has a header that does not fit its body",
    ),
    "a header with a key in it": (
        lambda f: whole([f[0], resealed(f[1], header="1|a b|1||f|n|s|r||3"), *f[2:]]),
        "line 2 has a header that is none",
    ),
    "a birth beyond all calendars": (
        lambda f: whole([f[0], resealed(f[1], header="1|l|253402300800000||f|n|s|r||3"), *f[2:]]),
        "line 2 has a header that is none",
    ),
    "numbers of another kind": (
        lambda f: whole([f[0], resealed(f[1], numbers={"number": -1}), *f[2:]]),
        "line 2 has numbers that are none",
    ),
    "an unknown reason": (
        lambda f: whole([f[0], resealed(f[1], numbers={"reason": "a b"}), *f[2:]]),
        "line 2 has a reason that is none of its state",
    ),
    "a history that is none": (
        lambda f: whole([f[0], resealed(f[1], history=["x"]), *f[2:]]),
        "line 2 has a history that is none: what stands there as number 1",
    ),
    "a history without a time": (
        lambda f: whole([f[0], resealed(f[1], history=[{"at": 1}, {"outcome": "redriven"}]), *f[2:]]),
        "line 2 has a history that is none: what stands there as number 2",
    ),
    "a history of a time that is no number": (
        lambda f: whole([f[0], resealed(f[1], history=[{"at": "yesterday"}]), *f[2:]]),
        "line 2 has a history that is none",
    ),
    "a history beyond all calendars": (
        lambda f: whole([f[0], resealed(f[1], history=[{"at": 253_402_300_800_000}]), *f[2:]]),
        "line 2 has a history that is none",
    ),
    "a history with siblings that are none": (
        lambda f: whole([f[0], resealed(f[1], history=[{"at": 1, "number": 1, "with": [2]}]), *f[2:]]),
        "line 2 has a history that is none",
    ),
}


@pytest.mark.parametrize(("spoil", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_is_not_whole_is_refused_with_its_line(
    spoil: Callable[[list[bytes]], bytes], problem: str, letters: list[str], inspector: Inspector
) -> None:
    file = exported(inspector).splitlines(keepends=True)

    with pytest.raises(BrokenExportError) as caught:
        inspector.letters.check_export(BytesIO(spoil(file)))

    assert problem in str(caught.value)
    assert f"line {caught.value.line} " in str(caught.value)
