from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from shipper.outcome import Verdict
from workers.verdict import DOES, TABLE, Answer, Body, Judgement, Loss, Row, Sign, judge, verdict_of
from workers.verdict_page import render

HTML = b"<html><body>Request blocked</body></html>"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "verdicts.md"

ACCEPTED, APPLIED, BUSY = Verdict.ACCEPTED, Verdict.ALREADY_APPLIED, Verdict.BUSY
THROTTLED, LATER, UNCLEAR = Verdict.THROTTLED, Verdict.REFUSED_FOR_NOW, Verdict.UNCLEAR
VAGUE, CREDENTIALS, PERMANENT = Verdict.VAGUE, Verdict.CREDENTIALS, Verdict.PERMANENT


def failure(code: int | None, **more: object) -> bytes:
    """Return a body as Gameball's failures have it."""
    said: dict[str, Any] = {"type": "SomeError", "message": "No", "documentationUrl": "", "requestId": "r-1"}
    return json.dumps(said | ({} if code is None else {"code": code}) | more).encode()


# Every line of the classification, written out: status, body, Retry-After, what it means.
LINES: list[tuple[int, bytes, str, Verdict]] = [
    # accepted
    (200, b'{"success":true,"message":"Done"}', "", ACCEPTED),
    (200, b'{"success":true,"gameballStatus":"Program disabled"}', "", ACCEPTED),
    (200, b"", "", ACCEPTED),
    (200, b" \r\n", "", ACCEPTED),
    (200, b"OK", "", ACCEPTED),
    (200, b"null", "", ACCEPTED),
    (200, b"[]", "", ACCEPTED),
    (200, b'{"message":"no success field"}', "", ACCEPTED),
    (200, b'{"code":200}', "", ACCEPTED),
    (200, b'{"success":true,"code":2000}', "", ACCEPTED),
    (200, b'{"half a json', "", ACCEPTED),
    (201, b"", "", ACCEPTED),
    (202, b"", "", ACCEPTED),
    (204, b"", "", ACCEPTED),
    # suspicious
    (200, HTML, "", UNCLEAR),
    (200, b"\xef\xbb\xbf<!DOCTYPE html>", "", UNCLEAR),
    (200, b'{"success":false}', "", UNCLEAR),
    (200, b'{"success":"False","message":"no"}', "", UNCLEAR),
    (200, b'{"success":false,"code":1234}', "", UNCLEAR),
    (200, b'{"success":false,"code":2000}', "", PERMANENT),
    (200, b'{"success":false,"code":2001}', "", BUSY),
    (200, b'{"success":false,"code":4000}', "", VAGUE),
    (200, b'{"success":false,"code":9001}', "", APPLIED),
    (200, failure(3005), "", PERMANENT),
    # already applied
    (422, failure(9001), "", APPLIED),
    (400, failure(9004), "", APPLIED),
    (422, failure(7001), "", PERMANENT),
    # busy customer
    (422, failure(2001), "", BUSY),
    (400, failure(2001), "", BUSY),
    (409, failure(2001), "", BUSY),
    (500, failure(2001), "", BUSY),
    (400, b'{"code":"2001"}', "", BUSY),
    # throttled
    (429, b"", "", THROTTLED),
    (429, HTML, "", THROTTLED),
    (429, failure(None), "3", THROTTLED),
    (503, b"", "3", THROTTLED),
    (503, failure(5003), "3", THROTTLED),
    (503, HTML, "Thu, 01 Jan 2026 00:00:00 GMT", THROTTLED),
    # refused for now
    (408, b"", "", LATER),
    (408, HTML, "", LATER),
    (425, failure(None), "", LATER),
    (503, b"", "", LATER),
    (503, HTML, "", LATER),
    (503, HTML, "in a while", LATER),
    (503, failure(5003), "", LATER),
    (500, failure(5003), "", LATER),
    # unclear
    (500, failure(5000), "", UNCLEAR),
    (422, failure(5000), "", UNCLEAR),
    (500, b"", "", UNCLEAR),
    (501, failure(None), "", UNCLEAR),
    (502, HTML, "", UNCLEAR),
    (504, b"", "3", UNCLEAR),
    (500, failure(4000), "", UNCLEAR),
    (599, b"", "", UNCLEAR),
    (999, b"", "", UNCLEAR),
    # vague
    (400, failure(4000), "", VAGUE),
    (400, failure(4500), "", VAGUE),
    (413, HTML, "", VAGUE),
    (413, b"", "", VAGUE),
    (400, b"", "", VAGUE),
    (400, HTML, "", VAGUE),
    (422, b"", "", VAGUE),
    # credentials and configuration
    (401, b"", "", CREDENTIALS),
    (401, HTML, "", CREDENTIALS),
    (401, failure(1000), "", CREDENTIALS),
    (401, failure(1001), "", CREDENTIALS),
    (400, failure(1006), "", CREDENTIALS),
    (403, b"", "", CREDENTIALS),
    (403, HTML, "", CREDENTIALS),
    (403, failure(1002), "", CREDENTIALS),
    (403, failure(8000), "", CREDENTIALS),
    (422, failure(6000), "", CREDENTIALS),
    (405, b"", "", CREDENTIALS),
    (404, b"", "", CREDENTIALS),
    (404, HTML, "", CREDENTIALS),
    (404, b'{"title":"Not Found","status":404}', "", CREDENTIALS),
    (301, b"", "", CREDENTIALS),
    (302, HTML, "", CREDENTIALS),
    (304, b"", "", CREDENTIALS),
    (307, failure(9001), "", CREDENTIALS),
    (308, b'{"success":true}', "", CREDENTIALS),
    # permanent
    (400, failure(2000), "", PERMANENT),
    (422, failure(3000), "", PERMANENT),
    (422, failure(3017), "", PERMANENT),
    (404, failure(4004), "", PERMANENT),
    (422, failure(6001), "", PERMANENT),
    (422, failure(6003), "", PERMANENT),
    (404, failure(7000), "", PERMANENT),
    (422, failure(9000), "", PERMANENT),
    (422, failure(9999), "", PERMANENT),
    (404, failure(9999), "", PERMANENT),
    (400, failure(None), "", PERMANENT),
    (400, b"Bad Request", "", PERMANENT),
    (451, failure(None), "", PERMANENT),
    (500, failure(2000), "", PERMANENT),
]


@pytest.mark.parametrize(("status", "body", "retry_after", "verdict"), LINES)
def test_every_line_of_the_classification_is_judged_as_gameball_md_says(
    status: int, body: bytes, retry_after: str, verdict: Verdict
) -> None:
    answer = Answer(status=status, body=body, retry_after=retry_after)

    judgement = judge(answer)

    assert judgement.verdict is verdict


@pytest.mark.parametrize(
    ("lost", "verdict"),
    [
        (Loss.UNSENT, Verdict.UNSENT),
        (Loss.NOT_SENT, Verdict.NOT_SENT),
        (Loss.UNCLEAR, Verdict.UNCLEAR),
        (Loss.DEADLINE, Verdict.UNCLEAR),
        (Loss.TLS, Verdict.CREDENTIALS),
        (Loss.KEYS, Verdict.CREDENTIALS),
        (Loss.LOCKED, Verdict.ENCRYPTION_KEY),
        (Loss.DAMAGED, Verdict.UNREADABLE),
    ],
)
def test_an_answer_that_did_not_come_is_judged_by_how_it_was_lost_whatever_had_come_of_it(
    lost: Loss, verdict: Verdict
) -> None:
    answer = Answer(lost=lost, status=200, body=b'{"success":true}', detail="the line went dead")

    judgement = judge(answer)

    assert (judgement.verdict, judgement.status, judgement.note) == (verdict, 200, "the line went dead")


def samples_of(row: Row) -> list[Sign]:
    """Return signs at the edges of every condition of a row."""
    if row.lost:
        return [Sign(lost=lost) for lost in row.lost]
    statuses = [span[end] for span in row.status or (range(100, 1000),) for end in (0, -1)]
    codes: list[int | None] = [span[end] for span in row.code or () for end in (0, -1)]
    if not codes:
        codes = [None] if row.code == () else [None, 77]
    waits = (False, True) if row.retry_after is None else (row.retry_after,)
    return [Sign(None, *sample) for sample in product(statuses, codes, row.body or Body, waits)]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.verdict}: {row.why}")
def test_every_row_of_the_golden_table_decides_what_it_names_unless_a_row_above_does(row: Row) -> None:
    above = TABLE[: TABLE.index(row)]

    decided = [sign for sign in samples_of(row) if not any(other.fits(sign) for other in above)]

    assert decided, "rows above leave nothing to this one"
    assert {verdict_of(sign) for sign in decided} == {row.verdict}


def around(spans: set[range]) -> set[int]:
    """Return the numbers at the edges of ranges, and those just beside them."""
    return {span[end] + step for span in spans for end in (0, -1) for step in (-1, 0, 1)}


def test_no_combination_of_status_code_and_body_is_left_out_and_few_count_as_delivered() -> None:
    statuses = around({span for row in TABLE for span in row.status or ()}) | {0, 100, 999}
    codes = around({span for row in TABLE for span in row.code or ()}) | {0, 999_999}
    signs = [Sign(None, *sample) for sample in product(statuses, (None, *codes), Body, (False, True))]

    delivered = [sign for sign in signs if verdict_of.__wrapped__(sign) in (ACCEPTED, APPLIED)]

    coded = {9001, 9004}
    assert all(200 <= sign.status < 300 or sign.code in coded for sign in delivered)
    assert not [sign for sign in delivered if 300 <= sign.status < 400]
    assert {sign.code for sign in delivered if sign.body in (Body.FAILURE, Body.HTML)} == coded


def test_every_way_to_lose_an_answer_is_in_the_table() -> None:
    named = [loss for row in TABLE for loss in row.lost]

    assert sorted(named) == sorted(Loss)


def test_the_table_says_what_is_done_about_every_verdict_but_the_sweeps_own() -> None:
    said = set(DOES)

    assert said == set(Verdict) - {Verdict.CRASHED}
    assert {row.verdict for row in TABLE} == said


def test_what_gameballs_support_asks_for_is_kept() -> None:
    answer = Answer(
        status=422, body=failure(3005, requestId="0HN:7", type="ValidationError", message="Bad event")
    )

    judgement = judge(answer)

    assert judgement == Judgement(
        verdict=Verdict.PERMANENT,
        status=422,
        code=3005,
        request_id="0HN:7",
        type="ValidationError",
        message="Bad event",
    )


def test_a_disabled_program_is_noted_and_is_no_failure() -> None:
    answer = Answer(status=200, body=b'{"success":true,"gameballStatus":"inactive"}')

    judgement = judge(answer)

    assert (judgement.verdict, judgement.note) == (Verdict.ACCEPTED, "inactive")


def test_gameballs_words_are_short_one_line_and_stay_out_of_a_repr() -> None:
    answer = Answer(status=400, body=failure(3005, message="mail a@b.co\x1b[31m\r\n\ud800" + "x" * 5000))

    judgement = judge(answer)

    assert judgement.message == "mail a@b.co [31m   " + "x" * 181
    assert "a@b.co" not in repr(judgement)
    assert "a@b.co" not in repr(answer)


@pytest.mark.parametrize("code", [True, 2001.0, "x", "²⁰⁰¹", -1, 10**7, 10**400, [2001], {"a": 1}, None])
def test_a_code_that_is_no_small_whole_number_is_no_code(code: object) -> None:
    answer = Answer(status=400, body=json.dumps({"code": code}).encode())

    judgement = judge(answer)

    assert (judgement.verdict, judgement.code) == (Verdict.PERMANENT, None)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 60_000,
        b"[" * 65_536,
        b'{"code":' + b"9" * 60_000 + b"}",
        b'{"code":2000, "message":"\xff\xfe"}',
        b'{"code":2000',
        b"\x00" * 100,
        b"\xef\xbb\xbf",
        b'{"requestId":{"a":[]},"type":[],"message":NaN}',
    ],
    ids=repr,
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_no_body_upsets_the_judge(status: int, body: bytes) -> None:
    answer = Answer(status=status, body=body, truncated=True)

    judgement = judge(answer)

    assert judgement.status == status
    assert judgement.verdict in {Verdict.ACCEPTED, Verdict.PERMANENT, Verdict.VAGUE, Verdict.UNCLEAR}


def test_a_body_is_html_by_its_content_type_too() -> None:
    answer = Answer(status=200, body=b"We will be back soon", content_type="text/HTML; charset=utf-8")

    judgement = judge(answer)

    assert judgement.verdict is Verdict.UNCLEAR


def test_the_reference_page_is_what_the_table_renders_to() -> None:
    written = PAGE.read_text(encoding="utf-8")

    assert written == render(), "run: python -m workers.verdict_page docs/reference/verdicts.md"
