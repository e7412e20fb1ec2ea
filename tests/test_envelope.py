"""How an event is sealed: its limits, its bytes, its header, and how bodies join in a call."""

from __future__ import annotations

import json
import re
import warnings
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from shipper import envelope
from shipper.body import Body, merge
from shipper.envelope import Envelope, ShipperWarning, lane_of, name_hash, seal
from shipper.errors import InvalidEventError, UnknownHookError
from shipper.event import Event
from shipper.outcome import OnUnclear
from shipper.settings import load_settings

SETTINGS = load_settings()
REVIEW = {"customerId": "c-42", "events": {"write_review": {"stars": 5}}}


def sealed(event: Any = REVIEW, **given: Any) -> Envelope:
    return seal(event, **{"settings": SETTINGS, **given})


def problems_of(event: Any = REVIEW, **given: Any) -> list[str]:
    with pytest.raises(InvalidEventError) as caught:
        sealed(event, **given)
    return [str(problem) for problem in caught.value.problems]


def body_of(event: Any) -> Body:
    found = sealed(event)
    return Body(found.body, int(found.tail_header.rpartition(b"|")[2]))


def test_the_body_is_compact_json_in_the_order_of_the_sdks() -> None:
    event = Event(customer_id="c-42", mobile="+491", email="a@b.co", events={"b": {"ü": "😀"}, "a": {}})

    body = sealed(event).body

    assert body == (
        '{"customerId":"c-42","email":"a@b.co","mobile":"+491","events":{"b":{"ü":"😀"},"a":{}}}'.encode()
    )


def test_what_is_empty_is_left_out_of_the_body() -> None:
    event: dict[str, Any] = {"customer_id": "c-42", "email": "", "mobile": None, "events": {"visit": {}}}

    assert sealed(event).body == b'{"customerId":"c-42","events":{"visit":{}}}'


def test_an_event_and_its_mapping_are_sealed_alike() -> None:
    by_event = sealed(Event(customer_id="c-42", events={"write_review": {"stars": 5}}))
    by_mapping = sealed(REVIEW)

    assert by_event.body == by_mapping.body
    assert by_event.tail_header == by_mapping.tail_header
    assert by_event.fingerprint == by_mapping.fingerprint
    assert by_event.lane == by_mapping.lane


def test_the_header_has_hashes_flags_hook_and_the_length_of_the_head() -> None:
    event = {"customerId": "c-42", "events": {"visit": {}, "write_review": {"stars": 5}}}

    header = sealed(event, hook="review_sent").tail_header

    assert header == b"Qvji567i,VinEtfXy|JrVngLM|r|review_sent|31"


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ({}, "r"),
        ({"on_unclear": "park"}, "p"),
        ({"on_unclear": OnUnclear.PARK, "solo": True}, "ps"),
        ({"solo": True}, "rs"),
        ({"settings": load_settings(on_unclear="park")}, "p"),
        ({"settings": load_settings(on_unclear="park"), "on_unclear": "retry"}, "r"),
    ],
)
def test_the_flags_tell_the_policy(given: dict[str, Any], flags: str) -> None:
    assert sealed(**given).tail_header.decode().split("|")[2] == flags


def test_a_lane_belongs_to_a_customer_alone() -> None:
    assert sealed().lane == lane_of("c-42") == "Q17eWD0M25XS6UKZ"
    assert lane_of("zoë") == "7jVGALcRsI-3YWbv"


@pytest.mark.parametrize(
    "other",
    [
        {"customerId": "c-43", "events": {"visit": {}}},
        {"customerId": "c-42", "email": "a@b.co", "events": {"visit": {}}},
        {"customerId": "c-42", "mobile": "a@b.co", "events": {"visit": {}}},
        {"customerId": 'c-42","email":"a@b.co', "events": {"visit": {}}},
    ],
)
def test_only_one_customer_email_and_mobile_have_one_lane_and_signature(other: dict[str, Any]) -> None:
    def travels_with(envelope: Envelope) -> tuple[str, bytes]:
        return envelope.lane, envelope.tail_header.split(b"|")[1]

    assert travels_with(sealed({"customerId": "c-42", "events": {"visit": {}}})) == travels_with(sealed())
    assert travels_with(sealed(other)) != travels_with(sealed())


def test_the_fingerprint_tells_content_and_policy_but_no_id() -> None:
    first = sealed(idempotency_key="k")

    assert first.fingerprint == "YjGnRLPEkA6k"
    assert sealed(idempotency_key="other").fingerprint == first.fingerprint
    assert sealed(event_id="01HZZZZZZZZZZZZZZZZZZZZZZZ").fingerprint == first.fingerprint
    others = [
        sealed({**REVIEW, "customerId": "c-43"}),
        sealed(hook="h"),
        sealed(on_unclear="park"),
        sealed(solo=True),
    ]
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_an_idempotency_key_is_kept_as_a_hash() -> None:
    assert sealed().key_hash == ""
    assert sealed(idempotency_key="review:981").key_hash == "On6WlbGQ1m23nDQ3M7UYIw"


def test_a_given_id_is_kept_and_known_as_the_callers() -> None:
    given = sealed(event_id="01HZZZZZZZZZZZZZZZZZZZZZZZ")
    made = sealed()

    assert (given.event_id, given.explicit) == ("01HZZZZZZZZZZZZZZZZZZZZZZZ", True)
    assert made.explicit is False
    assert made.event_id != sealed().event_id


def test_structure_limits_and_policy_are_told_together() -> None:
    told = problems_of(
        {
            "customer_id": "c" * 101,
            "events": {"write_reveiw": {"stars": float("nan")}, "visit": {"a": [[["deep"]]]}},
        },
        settings=load_settings(
            merge_by="email", allowed_events="write_review,visit", max_depth=3, max_keys=3, max_body_bytes=150
        ),
        event_id="42",
        idempotency_key="",
        on_unclear="parc",
        account="Shop 1",
    )

    assert told == [
        "events.write_reveiw.stars is NaN",
        "email is missing: this account merges customers by email",
        "events.write_reveiw is not an allowed event: did you mean write_review?",
        "customer_id has 101 characters: at most 100 are allowed",
        "events has 4 keys, nested ones counted: at most 3 are allowed",
        "events nests 4 levels: at most 3 are allowed",
        "the event takes 186 bytes: at most 150 are allowed",
        "event_id is no event id: 26 characters of 0-9 A-Z without I L O U",
        "idempotency_key is empty",
        "on_unclear is neither retry nor park",
        "account is not one that workers serve: SHIPPER_ACCOUNTS names default",
    ]


@pytest.mark.parametrize(
    ("limits", "event"),
    [
        ({"max_customer_id": 4}, REVIEW),
        ({"max_depth": 1}, REVIEW),
        ({"max_depth": 100}, {"customerId": "c", "events": {"x": {"l": json.loads("[" * 99 + "]" * 99)}}}),
        ({"max_keys": 2}, REVIEW),
        ({"max_body_bytes": 59}, REVIEW),
        ({"allowed_events": "write_review"}, REVIEW),
        ({"merge_by": "email"}, {**REVIEW, "email": "a@b.co"}),
        ({"merge_by": "mobile"}, {**REVIEW, "mobile": "+491"}),
    ],
)
def test_an_event_at_its_limits_is_sealed(limits: dict[str, Any], event: Any) -> None:
    assert json.loads(sealed(event, settings=load_settings(**limits)).body) == event


@pytest.mark.parametrize(
    ("limits", "event", "told"),
    [
        ({"max_customer_id": 3}, REVIEW, "customer_id has 4 characters: at most 3 are allowed"),
        (
            {"max_depth": 1},
            {"customerId": "c", "events": {"x": {"l": []}}},
            "events nests 2 levels: at most 1 are allowed",
        ),
        ({"max_keys": 1}, REVIEW, "events has 2 keys, nested ones counted: at most 1 are allowed"),
        ({"max_body_bytes": 58}, REVIEW, "the event takes 59 bytes: at most 58 are allowed"),
        (
            {"allowed_events": "visit,purchase"},
            REVIEW,
            "events.write_review is not an allowed event: allowed are purchase, visit",
        ),
        (
            {"merge_by": "email"},
            {**REVIEW, "mobile": "+491"},
            "email is missing: this account merges customers by email",
        ),
        (
            {"merge_by": "mobile"},
            {**REVIEW, "mobile": ""},
            "mobile is missing: this account merges customers by mobile",
        ),
        ({"merge_by": "email"}, {**REVIEW, "email": " "}, "email is blank"),
    ],
)
def test_an_event_beyond_a_limit_is_refused(limits: dict[str, Any], event: Any, told: str) -> None:
    assert problems_of(event, settings=load_settings(**limits)) == [told]


def test_an_endless_event_is_told_once_by_structure_and_limits() -> None:
    endless: dict[str, Any] = {}
    endless["me"] = endless

    told = problems_of({"customerId": "c-42", "events": {"x": endless}})

    assert told == ["events.x.me.me.me.me.me.me....me.me.me lies deeper than 100 levels, or inside itself"]


def test_an_event_that_went_round_its_validators_is_read_again() -> None:
    forged = Event.model_construct(customer_id="", events={"x": {"n": float("nan")}})
    changed = Event(customer_id="c-42", events={"x": {}}).model_copy(update={"email": "\n"})

    assert problems_of(forged) == ["customer_id is empty", "events.x.n is NaN"]
    assert problems_of(changed) == ["email holds a control character"]


@pytest.mark.parametrize(
    "event_id",
    [
        "",
        "01HZZZZZZZZZZZZZZZZZZZZZZ",
        "01HZZZZZZZZZZZZZZZZZZZZZZZZ",
        "81HZZZZZZZZZZZZZZZZZZZZZZZ",
        "01hzzzzzzzzzzzzzzzzzzzzzzz",
        "01HZZZZZZZZZZZZZZZZZZZZZZU",
        "01HZZZZZZZZZZZZZZZZZZZZZZZ\n",
        42,
    ],
)
def test_what_is_no_event_id_is_refused(event_id: Any) -> None:
    assert problems_of(event_id=event_id) == [
        "event_id is no event id: 26 characters of 0-9 A-Z without I L O U"
    ]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "idempotency_key is empty"),
        ("k" * 256, "idempotency_key has 256 characters: at most 255 are allowed"),
        ("a\x00b", "idempotency_key holds a control character"),
        ("\ud800", "idempotency_key holds a lone surrogate, which is no text in UTF-8"),
        (5, "idempotency_key is an int: send it as a string"),
    ],
)
def test_what_is_no_idempotency_key_is_refused(key: Any, told: str) -> None:
    assert problems_of(idempotency_key=key) == [told]


@pytest.mark.parametrize("account", ["", "Shop", "a|b", "a.b", "a" * 65, "a\n", None, 5])
def test_what_is_no_account_is_refused(account: Any) -> None:
    assert problems_of(account=account) == [
        "account is not one that workers serve: SHIPPER_ACCOUNTS names default"
    ]


@pytest.mark.parametrize("hook", ["", "Review", "a|b", "a b", "h" * 65, "h\n", 5])
def test_a_name_that_no_hook_can_have_is_an_unknown_hook(hook: Any) -> None:
    with pytest.raises(UnknownHookError, match="is no name of a completion hook"):
        sealed(hook=hook)


def test_problems_never_repeat_what_a_customer_said() -> None:
    told = problems_of(
        {
            "customerId": "canary\n",
            "email": "canary\n",
            "mobile": "canary\n",
            "events": {"x": {"pin": b"canary"}},
        },
        idempotency_key="canary\n",
    )

    assert len(told) == 5
    assert not [problem for problem in told if "canary" in problem]


def test_place_order_is_warned_of_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "_warned", set())
    event: dict[str, Any] = {"customerId": "c-42", "events": {"place_order": {}}}

    with pytest.warns(ShipperWarning, match="Orders API"):
        first = sealed(event)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = sealed(event)

    assert first.body == second.body == b'{"customerId":"c-42","events":{"place_order":{}}}'


def test_a_body_that_travels_alone_is_not_touched() -> None:
    body = body_of(REVIEW)

    assert merge([body]) is body.data


def test_bodies_join_in_the_order_given() -> None:
    first = body_of({"customerId": "c-42", "events": {"b": {"n": 1}, "a": {}}})
    second = body_of({"customerId": "c-42", "events": {"visit": {"s": "}}"}}})

    assert merge([second, first]) == (
        b'{"customerId":"c-42","events":{"visit":{"s":"}}"},"b":{"n":1},"a":{}}}'
    )


def test_bodies_of_different_customers_never_join() -> None:
    bodies = [body_of(REVIEW), body_of({**REVIEW, "customerId": "c-43"})]

    with pytest.raises(ValueError, match="different customers"):
        merge(bodies)


# What could break a header out of its fields, and keys, ids and policies out of theirs.
HOSTILE = st.text(st.sampled_from("ab,|;:\"\\'{}é😀") | st.characters(), min_size=1, max_size=8)
NAME = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=8
)
HOOK = st.from_regex(r"[a-z0-9_.-]{1,8}", fullmatch=True)


@settings(max_examples=150)
@given(
    head=st.fixed_dictionaries({"customerId": NAME}, optional={"email": NAME, "mobile": NAME}),
    events=st.dictionaries(
        NAME, st.dictionaries(NAME, NAME | st.integers(-9, 9), max_size=3), min_size=1, max_size=5
    ),
    cuts=st.sets(st.integers(1, 4)),
)
def test_joined_bodies_are_the_union_of_their_events(
    head: dict[str, str], events: dict[str, dict[str, Any]], cuts: set[int]
) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    parts = [dict(list(events.items())[start:end]) for start, end in pairwise(edges)]

    joined = merge([body_of({**head, "events": part}) for part in parts])

    assert joined == sealed({**head, "events": events}).body
    assert json.loads(joined) == {**head, "events": events}


@settings(max_examples=200)
@given(
    customer_id=NAME | HOSTILE,
    email=NAME | HOSTILE,
    names=st.sets(NAME | HOSTILE, min_size=1, max_size=3),
    policy=st.fixed_dictionaries({}, optional={"hook": HOOK | HOSTILE, "idempotency_key": NAME | HOSTILE}),
)
def test_no_input_can_shift_the_fields_of_the_header(
    customer_id: str, email: str, names: set[str], policy: dict[str, str]
) -> None:
    event: dict[str, Any] = {
        "customerId": customer_id,
        "email": email,
        "events": {name: {} for name in names},
    }

    try:
        found = sealed(event, **policy)
    except (InvalidEventError, UnknownHookError):
        reject()

    assert found.tail_header.decode().count(",") == len(names) - 1
    assert re.fullmatch(
        rb"[A-Za-z0-9_-]{8}(,[A-Za-z0-9_-]{8})*\|[A-Za-z0-9_-]{7}\|[rp]s?\|[a-z0-9_.-]{0,64}\|[1-9][0-9]*",
        found.tail_header,
    )
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", found.lane)
    assert re.fullmatch(r"[A-Za-z0-9_-]{12}", found.fingerprint)
    assert re.fullmatch(r"([A-Za-z0-9_-]{22})?", found.key_hash)
    assert b"\0" not in found.body


def test_names_with_commas_stay_one_name() -> None:
    names = sealed({"customerId": "c", "events": {"a,b": {}, "a|b": {}}}).tail_header.split(b"|")[0]

    assert names.decode() == f"{name_hash('a,b')},{name_hash('a|b')}"
