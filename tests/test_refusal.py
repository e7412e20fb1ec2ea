"""What an answer says apart from whom it says it of: the field that it names, and its kind."""

from __future__ import annotations

import json
import timeit
from time import process_time

import pytest

from shipper.refusal import NO_KIND, field_of, kind_of, kind_says, normalised, says
from shipper.sandbox.contract import Keys, Refusal, Request, judge

FIELDS = {
    "customerId is missing.": "customerId",
    "customerId is 120 characters long; at most 100 are allowed.": "customerId",
    "The customer_id must be a text": "customerId",
    "email is not a text, or empty.": "email",
    "Mobile is taken": "mobile",
    "events.purchase is not an object.": "events",
    "events.purchase.total must be a number": "total",
    "Field 'amount' is required": "amount",
    'The property "amount" has another type': "amount",
    "'amount' field is too large": "amount",
    "`amount` cannot be negative": "amount",
    "Missing: 'amount'": "amount",
    "Missing 'amount'": "amount",
    "Missing :  'amount'": "amount",
    "loyalty_tier is required": "loyalty_tier",
    "couponCode is not valid": "couponCode",
    "'gold' is not a valid value for field 'tier'": "tier",
    '{"code": 3003, "field": "customer_id", "message": "no"}': "customerId",
    '{"code": 3003, "errors": {"events.purchase.total": ["no"]}}': "total",
    '{"code": 3003, "errors": [{"field": "$.events.purchase.tier", "message": "no"}]}': "tier",
    '{"code": 3003, "message": "Field \\"amount\\" is required"}': "amount",
    '{"code": 3003, "message": "cut in the mid "amount" is required': "amount",
    # None is named
    "": "-",
    "The body is not an object.": "-",
    "Customer is inactive": "-",
    "Customer 'ann' is missing": "-",
    "The value 'gold' is not valid": "-",
    '{"code": 3009, "message": "inactive customer", "documentationUrl": "https://x/fields/amount"}': "-",
    "<html><h1>413 Request Entity Too Large</h1></html>": "-",
    "Field '01JD4Z8M3RT6V9X2B5C7E8F0GH' is required": "-",
    "[true]": "-",
    '{"field": ["amount"], "errors": [3], "message": {}}': "-",
}


@pytest.mark.parametrize(("answer", "field"), FIELDS.items(), ids=FIELDS.keys())
def test_the_field_is_found_that_an_answer_names(answer: str, field: str) -> None:
    assert field_of(answer) == field


HOSTILE = (
    "a\0b",
    "\x1b[31mred",
    "\u202egnp.exe",
    "ünïcode 🎉",
    "a' or 1=1 --",
    "a\nb",
    "x" * 3000,
    "\ud800",
    "{" * 3000,
    '{"field":' * 900,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_field_is_one_word_whatever_an_answer_says(text: str) -> None:
    for answer in (text, f"Field '{text}' is required", json.dumps({"field": text, "message": text})):
        assert field_of(answer).isascii()
        assert len(field_of(answer)) <= 40
        assert len(field_of(answer).split()) == 1
        assert len(kind_of(answer)) in {4, 11}


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"events":{}}', b'{"customerId":7,"events":{"buy":{}}}'])
def test_what_the_sandbox_refuses_names_its_field_or_none(body: bytes) -> None:
    refusal = judge(
        Request(version="v4.0", api_key="k", secret_key="", content_type="application/json", body=body),
        keys=Keys(),
        full=False,
        busy=(),
    )

    assert isinstance(refusal, Refusal)
    assert field_of(refusal.message) == ("customerId" if b"{" in body and len(body) > 2 else "-")


SAME = {
    "numbers": ("Customer 17 has 3 points", "Customer 4711 has 12 points"),
    "ids": ("no customer c-42", "no customer c-9f"),
    "quoted values": ('Customer "ann" is gone', 'Customer "bob b." is gone'),
    "addresses": ("ann@example.com is taken", "bob@example.org is taken"),
    "blanks": ("it  failed\n", "it failed"),
    "request ids": ('{"message":"no","requestId":"a-b"}', '{"message":"no","requestId":"c-d"}'),
    "order of keys": ('{"code":1,"message":"no"}', '{"message":"no","code":1}'),
    "what is cut": ("x " * 1024 + "ann", "x " * 1024 + "bob"),
}
OTHER = {
    "codes": ('{"code":1,"message":"no"}', '{"code":2,"message":"no"}'),
    "words": ("it failed", "it worked"),
    "fields": ("Field 'amount' is required", "Field 'tier' is required"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_answers_that_differ_in_values_are_of_one_kind(one: str, other: str) -> None:
    assert kind_of(one) == kind_of(other)


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER.keys())
def test_answers_that_say_something_else_are_of_another_kind(one: str, other: str) -> None:
    assert kind_of(one) != kind_of(other)


def test_what_is_kept_of_an_answer_has_no_values() -> None:
    answer = (
        '{"code":3009,"message":"Customer \\"ann lee\\" (ann@example.com, +201001234567) is inactive","n":42}'
    )

    assert normalised(answer) == '{"code":3009,"message":"Customer \'…\' (…, #) is inactive","n":0}'


def test_no_answer_has_no_kind() -> None:
    assert kind_of("") == kind_of(" \n") == NO_KIND


def test_a_text_is_looked_for_in_kinds_and_where_it_has_values_in_answers() -> None:
    answer = '{"code":3009,"message":"Customer \\"c-42\\" is inactive"}'
    kind = normalised(answer)

    assert kind_says(kind, "IS  inactive") is True
    assert kind_says(kind, '"code":3009') is True
    assert kind_says(kind, "is active") is False
    assert kind_says(kind, 'customer "c-42"') is None
    assert kind_says(kind, 'customer "c-43" is gone') is False
    assert says(answer, 'customer "c-42"') is True
    assert says(answer, 'customer "c-43"') is False


@pytest.mark.parametrize("levels", [1, 300, 600, 900])
@pytest.mark.parametrize(("opens", "closes"), ["[]", ('{"a":', "}")], ids=["lists", "objects"])
def test_an_answer_may_nest_deeper_than_calls_can(levels: int, opens: str, closes: str) -> None:
    levels = min(levels, 2000 // len(opens + closes))
    nested = f'{{"code":2000,"field":"amount","x":{opens * levels}"deep"{closes * levels}}}'

    assert field_of(nested) == "amount"
    assert len(kind_of(nested)) == 11
    assert says(nested, "deep")
    assert not says(nested, "shallow")


def test_answers_that_differ_in_their_depths_alone_are_of_one_kind() -> None:
    one, other = ('{"code":2000,"x":' + "[" * levels + "]" * levels + "}" for levels in (40, 400))

    assert kind_of(one) == kind_of(other)
    assert kind_of(one) != kind_of(one.replace("2000", "2001"))


BLANKS = " " * 60_000
SLOW = {
    "blanks": f"required{BLANKS}.",
    "blanks on both sides of a colon": f"required{BLANKS}:{BLANKS}.",
    "colons": f"unknown{' :' * 30_000}",
    "blanks behind a noun": f"field{BLANKS}.",
    "blanks behind a name": f"'amount'{BLANKS}.",
    "blanks in a sentence": f"'amount' is{BLANKS}a{BLANKS}.",
    "blanks in a denial": f"'amount' is not{BLANKS}an{BLANKS}.",
    "blanks behind a word": f"loyalty_tier{BLANKS}is{BLANKS}.",
    "one long word": "a_" * 30_000,
    "a long path": "events." * 9_000,
    "quotes": "'" * 60_000,
    "addresses": "@" * 60_000,
    "numbers": "+" * 60_000,
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW.keys())
def test_no_text_takes_an_answer_long_to_be_read(text: str) -> None:
    """Where a pattern takes quadratic time, one of these takes a minute and more: it never ends in time."""
    answers = [text, json.dumps({"code": 2000, "message": text}), json.dumps({"field": text, "detail": text})]

    assert {field_of(answer) for answer in answers} <= {"-", "events"}
    assert {len(kind_of(answer)) for answer in answers} == {11}
    assert all(says(answer, text) for answer in answers)


def test_what_a_message_says_beyond_what_is_kept_of_an_answer_is_not_looked_at() -> None:
    kept, beyond = " " * 2000, " " * 2048

    assert field_of(json.dumps({"message": f"{kept}Field 'amount' is required"})) == "amount"
    assert field_of(json.dumps({"message": f"{beyond}Field 'amount' is required"})) == "-"
    assert field_of(f"{beyond}Field 'amount' is required") == "-"


def test_an_answer_without_a_blank_takes_no_quadratic_time() -> None:
    taken = timeit.repeat(lambda: normalised("A" * 2048), number=1, repeat=5, timer=process_time)

    assert min(taken) < 0.03  # s; 0.09 where each of its characters was tried as a beginning
