"""What the ledger packs into strings, and that Lua and Python read the same."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from redis import Redis

from shipper.envelope import seal
from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import (
    Attempt,
    CallOnRecord,
    Fate,
    Record,
    Tried,
    read_call,
    read_fate,
    read_history,
    read_job,
    read_record,
    read_tried,
    write_attempt,
)
from shipper.outcome import Retry, Verdict
from tests.ledger.book import put, read, write_call, write_fate, write_record, write_tried
from tests.ledger.builders import NOW, event, in_flight, settings_of, settled, waiting

STORED = b'1|ann|1790000000000|key|fp|view,buy|sig|ps|review_sent|9\0{"customerId":"c"}'
RECORD = Record(
    lane="ann",
    accepted_at=1790000000000,
    key_hash="key",
    fingerprint="fp",
    names=("view", "buy"),
    signature="sig",
    park=True,
    solo=True,
    hook="review_sent",
    head_len=9,
    body=b'{"customerId":"c"}',
)
CONTEXT = "request_id=r-1&path=%2Fa%7Cb%00~_."
WITH_CONTEXT = STORED.replace(b"|9\0", f"|9|{CONTEXT}\0".encode())


def test_a_record_is_read_field_by_field() -> None:
    record = read_record(STORED)

    assert record == RECORD
    assert record is not None
    assert record.event == {"customerId": "c"}


def test_a_record_with_a_context_is_read_with_it() -> None:
    assert read_record(WITH_CONTEXT) == replace(RECORD, context=CONTEXT)


def test_a_record_shows_no_body() -> None:
    assert "customerId" not in repr(RECORD)


UNREADABLE = {
    "a newer format": STORED.replace(b"1|", b"2|", 1),
    "nothing": b"",
    "no body": STORED.partition(b"\0")[0],
    "a field too few": STORED.replace(b"|sig", b""),
    "a field too many": STORED.replace(b"|sig", b"|sig|sig"),
    "a time that is no number": STORED.replace(b"1790000000000", b"yesterday"),
    "a time below zero": STORED.replace(b"1790000000000", b"-5"),
    "a time in another script": STORED.replace(b"1790000000000", "١٢".encode()),
    "a head length that is no number": STORED.replace(b"|9\0", b"|\0"),
    "no lane": STORED.replace(b"|ann|", b"||"),
    "no fingerprint": STORED.replace(b"|fp|", b"||"),
    "no names": STORED.replace(b"|view,buy|", b"||"),
    "no signature": STORED.replace(b"|sig|", b"||"),
    "no flags": STORED.replace(b"|ps|", b"||"),
    "a context that is empty": STORED.replace(b"|9\0", b"|9|\0"),
    "a context and one more field": WITH_CONTEXT.replace(b"r-1", b"r|1"),
    "a context of other characters": WITH_CONTEXT.replace(b"r-1", b"r 1"),
    "a context in another script": WITH_CONTEXT.replace(b"r-1", "é".encode()),
    "a context without a body": WITH_CONTEXT.partition(b"\0")[0],
    "a context of a line break": WITH_CONTEXT.replace(b"~_.", b"~_.\n"),
    "a header that ends too early": b"1|ann|1\0|fp|v|s|r|h|h|9\0{}",
    "a header cut by a NUL in a field": STORED.replace(b"|sig|", b"|s\0g|"),
}


@pytest.mark.parametrize("stored", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("server", ["redis7"], indirect=True)
def test_what_python_cannot_read_lua_quarantines(stored: bytes, ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "E1").but(rec={"E1": stored}))

    answer = ledger.run(operations.claim(["t1"], settings_of(), worker="w1", now=NOW))

    assert read_record(stored) is None
    assert answer.word == "idle"
    assert read(redis).broken == {"ann"}


@pytest.mark.parametrize(
    "record",
    [
        event("E1"),
        event("E1", names=tuple("abcdefgh"), key="K", hook="a.b-c_d"),
        event("E1", park=True, solo=True),
        RECORD,
        replace(RECORD, context=CONTEXT),
        replace(RECORD, context=CONTEXT, body=b"|9\0"),
    ],
)
def test_a_record_survives_being_written(record: Record) -> None:
    assert read_record(write_record(record)) == record


@pytest.mark.parametrize("body", [b"{}", b"|9\0{}", b"\0|a=b\0"])
@pytest.mark.parametrize("server", ["redis7"], indirect=True)
def test_lua_reads_a_record_with_a_context_as_one_without(body: bytes, ledger: Ledger, redis: Redis) -> None:
    stored = replace(event("E1"), context=CONTEXT, body=body)
    put(redis, waiting("ann", "E1").but(rec={"E1": stored}))

    answer = ledger.run(operations.claim(["t1"], settings_of(), worker="w1", now=NOW))

    assert [claimed.record for call in answer.calls for claimed in call.events] == [stored]


def test_what_the_envelope_sealed_is_what_the_record_holds(ledger: Ledger, redis: Redis) -> None:
    settings = settings_of()
    given = {"customerId": "c-42", "email": "a@b.co", "events": {"write_review": {"stars": 5}, "a|b,c": {}}}
    envelope = seal(
        given, settings=settings, hook="sent", idempotency_key="k|1", on_unclear="park", solo=True
    )

    ledger.run(operations.enqueue([envelope], settings, now=NOW))

    record = read(redis).rec[envelope.event_id]
    assert isinstance(record, Record)
    assert record.event == given
    assert record.lane == envelope.lane
    assert record.key_hash == envelope.key_hash
    assert record.fingerprint == envelope.fingerprint
    assert record.accepted_at == NOW
    assert len(record.names) == 2
    assert (record.park, record.solo, record.hook) == (True, True, "sent")
    assert record.body[: record.head_len] == b'{"customerId":"c-42","email":"a@b.co","events":{'


TRIEDS = {
    "never tried": (b"", Tried()),
    "tried": (b"3 2 1 1 2 0 0 0    ", Tried(number=3, charged=2, crashes=1, vague=1, causes=2)),
    "redriven and alone": (
        b"3 0 0 0 2 1 1 1790000000000    ",
        Tried(number=3, causes=2, life=1, solo=True, since=1790000000000),
    ),
    "dead with a code": (
        b"1 1 0 0 0 0 0 0 refused 3009 - none",
        Tried(number=1, charged=1, reason="refused", code=3009),
    ),
    "dead without a code": (
        b"1 1 0 0 0 0 0 0 crashed - - none",
        Tried(number=1, charged=1, reason="crashed"),
    ),
    "dead of a field that is named, by an answer of a kind": (
        b"1 1 0 0 0 0 0 0 refused 3003 total nineteenth-",
        Tried(number=1, charged=1, reason="refused", code=3003, field="total", kind="nineteenth-"),
    ),
    "dead by an answer of one kind too many": (
        b"1 1 0 0 0 0 0 0 refused 3003 - -",
        Tried(number=1, charged=1, reason="refused", code=3003, kind="-"),
    ),
}


@pytest.mark.parametrize(("stored", "tried"), TRIEDS.values(), ids=TRIEDS.keys())
def test_the_numbers_of_an_event_are_read(stored: bytes, tried: Tried) -> None:
    assert read_tried(stored) == tried
    if stored:
        assert write_tried(tried).encode() == stored


def test_numbers_are_read_as_they_were_written_before_answers_were_told_apart() -> None:
    assert read_tried(b"3 2 1 1 2 0 0 0 refused 3009") == Tried(
        number=3, charged=2, crashes=1, vague=1, causes=2, reason="refused", code=3009
    )


@pytest.mark.parametrize(
    "stored", [b"garbage", b"1 2 3", b"\xff", b"x 1 0 0 0 0 0 0  ", b"-1 0 0 0 0 0 0 0  "]
)
@pytest.mark.parametrize("server", ["redis7"], indirect=True)
def test_numbers_that_were_corrupted_by_hand_block_nobody(
    stored: bytes, ledger: Ledger, redis: Redis
) -> None:
    put(redis, waiting("ann", "E1") + in_flight("bob", "E2") + in_flight("cat", "E3", token="t3"))
    for event_id in ("E1", "E2", "E3"):
        redis.hset("{shipper:default}:st", event_id, stored)
    retry = settled("bob", "t1", Verdict.NOT_SENT, E2=Retry(delay_ms=1))

    claimed = ledger.run(operations.claim(["t9"], settings_of(), worker="w1", now=NOW))
    words = ledger.run(operations.settle([retry], settings_of(), now=NOW))
    swept = ledger.run(operations.sweep(settings_of(), now=NOW + 30_000))

    assert claimed.calls[0].events[0].tried == Tried()
    assert words == ["ok"]
    assert swept.expired == 2
    assert read(redis).st["E2"] == Tried(number=1, charged=1)


@pytest.mark.parametrize(("letter", "state"), [("d", "delivered"), ("x", "discarded"), ("e", "expunged")])
def test_a_fate_is_read(letter: str, state: str) -> None:
    read_back = read_fate(f"{letter} fp 3 2 1790000000500 500".encode())

    assert read_back == Fate(
        state=state,  # type: ignore[arg-type]
        fingerprint="fp",
        attempts=3,
        causes=2,
        ended_at=1790000000500,
        accepted_at=1790000000000,
    )
    assert write_fate(read_back) == f"{letter} fp 3 2 1790000000500 500"


def test_a_fate_of_a_clock_that_stepped_back_is_read() -> None:
    assert read_fate(b"d fp 1 0 1000 -500").accepted_at == 1500


def test_a_call_under_way_is_read() -> None:
    call = read_call(b"t1 1790000000000 w1 E1 3 E2 1")

    assert call == CallOnRecord(token="t1", claimed_at=1790000000000, worker="w1", numbers={"E1": 3, "E2": 1})
    assert write_call(call) == "t1 1790000000000 w1 E1 3 E2 1"


def test_an_attempt_is_one_line_without_what_is_absent() -> None:
    bare = write_attempt(Attempt(at=1, number=2, worker="w1", verdict="busy", outcome="free"))
    full = write_attempt(
        Attempt(
            at=1,
            number=2,
            worker="w1",
            verdict="permanent",
            outcome="dead",
            of=3,
            took_ms=0,
            status=400,
            code=3009,
            request_id="r",
            answer="a\nb",
        )
    )

    assert bare == b'{"at":1,"number":2,"worker":"w1","verdict":"busy","outcome":"free"}'
    assert full == (
        b'{"at":1,"number":2,"worker":"w1","verdict":"permanent","outcome":"dead","of":3,'
        b'"took_ms":0,"status":400,"code":3009,"request_id":"r","answer":"a\\nb"}'
    )


def test_an_answer_is_cut_at_2048_bytes_and_never_inside_a_character() -> None:
    line = write_attempt(
        Attempt(at=1, number=1, worker="w", verdict="vague", outcome="retry", answer="é" * 1024 + "é")
    )
    odd = write_attempt(
        Attempt(at=1, number=1, worker="w", verdict="vague", outcome="retry", answer="x" + "é" * 1024)
    )

    assert json.loads(line)["answer"] == "é" * 1024
    assert json.loads(odd)["answer"] == "x" + "é" * 1023


def test_an_answer_that_is_no_unicode_is_kept_as_far_as_it_goes() -> None:
    line = write_attempt(
        Attempt(at=1, number=1, worker="w", verdict="vague", outcome="retry", answer="a\ud800b")
    )

    assert json.loads(line)["answer"] == "a?b"


def test_a_history_is_read_oldest_first() -> None:
    assert read_history(b'{"at":1}\n{"at":2}') == [{"at": 1}, {"at": 2}]
    assert read_history(b"") == []


@pytest.mark.parametrize(
    "line",
    [
        *("boom", "[]", "\\xff", "[" * 100_000, '{"at":"yesterday"}', '{"at":null}', '{"at":true}'),
        *('{"at":-1}', '{"at":1.5}', '{"at":253402300800000}', '{"at":1,"took_ms":"long"}'),
        *('{"at":1,"with":"E2"}', '{"at":1,"held":[["pace",1]]}', '{"at":1,"held":[["pace",1,"now"]]}'),
        *('{"at":1,"answer":5}', '{"at":1,"code":"3009"}'),
    ],
)
def test_a_line_of_a_history_that_is_none_says_so_and_the_others_go_on(line: str) -> None:
    stored = b'{"at":1}\n' + line.encode() + b'\n{"at":2}'

    assert read_history(stored) == [{"at": 1}, {"at": 0, "outcome": "unreadable"}, {"at": 2}]


def test_a_line_may_say_more_than_this_version_knows() -> None:
    assert read_history(b'{"at":1,"mood":"good"}') == [{"at": 1, "mood": "good"}]


def test_a_hook_job_is_read_whatever_its_record_contains() -> None:
    body_with_lines = RECORD.body + b"\n\n"
    stored = STORED + b"\n\n"

    job = read_job("E1:2", 4, b'refused 3 1790000000000\n{"number":3}\n' + stored)

    assert (job.event_id, job.tries, job.what, job.attempts) == ("E1", 4, "refused", 3)
    assert job.ended_at == 1790000000000
    assert job.attempt == {"number": 3}
    assert job.record is not None
    assert job.record.body == body_with_lines
