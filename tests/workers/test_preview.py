"""Previews by HTTP: what each answer tells, the pace, and where asking on is useless."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shipper.inspector.preview import PreviewError, Quote
from shipper.settings import Settings
from tests.support.hostile import HostileServer, answering
from tests.workers.clock import Clock
from tests.workers.far_end import CLOSED, UNAVAILABLE, FarEnd, refused
from workers import preview as preview_module
from workers.preview import APART_MS, Quoter, open_quoter
from workers.verdict import Answer, Loss

BODY = b'{"customerId":"c-1","events":{"signup":{}}}'


def success(*events: dict[str, Any], **more: Any) -> Answer:
    return whole(json.dumps({"customerId": "c-1", "events": list(events), **more}).encode())


def whole(body: bytes, status: int = 200) -> Answer:
    return Answer(status=status, body=body, content_type="application/json")


def event(points: Any = 0, *, valid: bool = True, **more: Any) -> dict[str, Any]:
    return {"eventName": "signup", "valid": valid, "totalPoints": points, "campaigns": [], **more}


COUPON = {"rewardType": "Coupon", "eligible": True}
UNHEARD = "the answer tells nothing of the event"


def quoter(*answers: Answer, waits: list[float] | None = None) -> Quoter:
    rest = list(answers)
    far_end = FarEnd(lambda _: rest.pop(0) if len(rest) > 1 else rest[0])
    noted = [] if waits is None else waits
    return Quoter(far_end.gameball, timeout_ms=1000, wait=noted.append)


ANSWERS = {
    "points": (success(event(150)), Quote(kind="earns", points=150)),
    "of several events together": (success(event(5), event(7)), Quote(kind="earns", points=12)),
    "a coupon": (success(event(campaigns=[COUPON])), Quote(kind="earns", coupons=1)),
    "a coupon that is not won": (
        success(event(campaigns=[{**COUPON, "eligible": False}])),
        Quote(kind="nothing"),
    ),
    "nothing": (success(event()), Quote(kind="nothing")),
    "a name that Gameball does not know": (
        success(event(valid=False, invalidReason="EventNotFound")),
        Quote(kind="refused", why="EventNotFound"),
    ),
    "metadata that Gameball does not take": (
        success(event(valid=False, invalidReason="InvalidMetadata: a@b.co")),
        Quote(kind="refused", why="InvalidMetadata"),
    ),
    "no event": (success(), Quote(kind="unknown", why=UNHEARD)),
    "an event without its total": (success({"eventName": "signup"}), Quote(kind="unknown", why=UNHEARD)),
    "a total that is no number": (success(event("150")), Quote(kind="unknown", why=UNHEARD)),
    "a total that is a truth value": (success(event(True)), Quote(kind="unknown", why=UNHEARD)),
    "an event that is a text": (success("signup"), Quote(kind="unknown", why=UNHEARD)),  # type: ignore[arg-type]
    "no body": (whole(b""), Quote(kind="unknown", why=UNHEARD)),
    "no events": (whole(b'{"totalPoints":5}'), Quote(kind="unknown", why=UNHEARD)),
    "a refusal": (refused(3009), Quote(kind="refused", why="422, code 3009")),
    "no such customer": (
        whole(b'{"code":7000,"type":"x","message":"y"}', 404),
        Quote(kind="unknown", why="Gameball knows no such active customer"),
    ),
    "a lost answer": (CLOSED, Quote(kind="unknown", why="no answer: unclear")),
    "a connection that was never made": (
        Answer(lost=Loss.NOT_SENT),
        Quote(kind="unknown", why="no answer: not_sent"),
    ),
}


@pytest.mark.parametrize(("answer", "quote"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_tells_what_it_contains_and_the_rest_is_unknown(answer: Answer, quote: Quote) -> None:
    assert quoter(answer)(BODY) == quote


@pytest.mark.parametrize(
    "answer",
    [whole(b'{"code":1006,"type":"x","message":"y"}', 401), whole(b"<html>", 404), Answer(lost=Loss.TLS)],
    ids=["a wrong key", "no such path", "a stranger's certificate"],
)
def test_where_asking_for_others_is_useless_too_it_says_so(answer: Answer) -> None:
    with pytest.raises(PreviewError, match="they want both keys"):
        quoter(answer)(BODY)


def test_previews_are_asked_for_twelve_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_module, "monotonic_ms", Clock())
    waits: list[float] = []
    ask = quoter(success(event(1)), waits=waits)

    for _ in range(10):
        ask(BODY)

    assert waits == [number * APART_MS / 1000 for number in range(1, 10)]  # no wait here takes time


def test_a_throttled_preview_waits_as_long_as_it_is_told_and_asks_again() -> None:
    waits: list[float] = []
    full = Answer(status=429, retry_after="7")

    quote = quoter(full, Answer(status=429), success(event(3)), waits=waits)(BODY)

    assert quote == Quote(kind="earns", points=3)
    assert [wait for wait in waits if wait >= 1] == [7, 30]


def test_one_that_is_never_answered_is_unknown() -> None:
    assert quoter(UNAVAILABLE)(BODY) == Quote(kind="unknown", why="no answer yet: refused_for_now")


def test_an_account_that_cannot_be_used_is_told_before_anything_is_asked() -> None:
    with pytest.raises(PreviewError, match="GAMEBALL_API_KEY"):
        open_quoter("default", {}, Settings())


def test_the_body_goes_to_the_preview_with_both_keys_and_nowhere_else() -> None:
    answer = json.dumps({"events": [event(4)]}).encode()
    with HostileServer(answering(200, answer, Content_Type="application/json")) as server:
        environ = {
            "GAMEBALL_BASE_URL": server.url,
            "GAMEBALL_API_KEY": "canary-api-key",
            "GAMEBALL_SECRET_KEY": "canary-secret-key",
        }

        quote = open_quoter("default", environ, Settings())(BODY)

        (head,), (body,) = server.heads, server.bodies
    assert quote == Quote(kind="earns", points=4)
    assert head.startswith(b"POST /api/v4.0/integrations/events/reward-preview HTTP/1.1\r\n")
    assert {b"APIKey: canary-api-key", b"SecretKey: canary-secret-key"} <= set(head.split(b"\r\n"))
    assert body == BODY
