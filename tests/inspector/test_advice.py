"""Advice: every reason and code has some, it agrees with the golden table, its command takes the group."""

from __future__ import annotations

import shlex
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from shipper.inspector.advice import advice_of
from shipper.ledger.filter import read_field
from shipper.ledger.letters import REASONS
from shipper.outcome import Verdict
from workers.verdict import TABLE, Body, Sign, verdict_of

ADVICE = tomllib.loads((Path(str(resources.files("shipper.inspector"))) / "advice.toml").read_text())
CODES = sorted({code for row in TABLE for span in row.code or () for code in span} | {429})


def verdict_on(code: int) -> Verdict:
    return verdict_of(Sign(None, 429 if code == 429 else 422, code, Body.OBJECT, retry_after=False))


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_advice(reason: str) -> None:
    advice = advice_of(reason=reason, code=None, event_name=None, field=None)

    assert advice.means == ADVICE["reason"][reason]["means"]
    assert advice.command.startswith("shipper dead ")


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_golden_table_has_advice_of_its_own(code: int) -> None:
    assert set(ADVICE["code"][str(code)]) - {"edit"} == {"means", "helps", "do"}


def test_there_is_no_advice_for_what_cannot_come() -> None:
    assert set(ADVICE["reason"]) == set(REASONS)
    assert set(ADVICE["code"]) == {str(code) for code in CODES}


@pytest.mark.parametrize("code", CODES)
def test_advice_does_not_contradict_the_golden_table(code: int) -> None:
    advice, verdict = ADVICE["code"][str(code)], verdict_on(code)
    text = f"{advice['means']} {advice['helps']}"

    match verdict:
        case Verdict.ALREADY_APPLIED:
            assert advice["do"] == "discard"
            assert "applied this already" in text
        case Verdict.UNCLEAR:
            assert "may have applied" in text
        case Verdict.VAGUE:
            assert "does not explain" in text
        case _:
            assert "applied" not in text
            assert "may have" not in text


@pytest.mark.parametrize("advice", [*ADVICE["reason"].values(), *ADVICE["code"].values()])
def test_advice_is_in_sentences_and_ends_in_a_command_that_exists(advice: dict[str, str]) -> None:
    assert advice["do"] in {"redrive", "discard", "redrive-unclear"}
    assert advice.get("edit", "name") in {"name", "value"}
    assert advice["means"].endswith(".")
    assert advice["helps"].endswith(".")
    assert len(advice["means"]) + len(advice["helps"]) < 260


def test_unclear_events_are_never_sent_again_without_a_word_about_it() -> None:
    advice = advice_of(reason="unclear", code=5000, event_name="visit", field=None)

    assert "--may-duplicate" in advice.command
    assert "points may double" in advice.helps


def test_what_cannot_be_read_is_discarded_whatever_its_code() -> None:
    advice = advice_of(reason="unreadable", code=3003, event_name=None, field=None)

    assert advice.command == "shipper dead discard --reason unreadable --code 3003 --field none"


def test_a_command_tells_a_field_that_is_called_none_from_no_field() -> None:
    named, none = (
        shlex.split(advice_of(reason="refused", code=1, event_name="a", field=field).command)
        for field in ("none", None)
    )

    assert (named[-1], none[-1]) == ('"none"', "none")
    assert [read_field(words[-1]) for words in (named, none)] == ["none", "-"]


@pytest.mark.parametrize(
    "name", ["-x", "--all", "a b", "$(reboot)", "';--", "ünïcode 🎉", "a\nb", "\x1b[31mred"]
)
def test_a_command_names_its_event_whatever_it_is_called(name: str) -> None:
    words = shlex.split(advice_of(reason="refused", code=1, event_name=name, field="f", account="eu").command)

    named = words[words.index("--event") + 1] if "--event" in words else words[7].removeprefix("--event=")
    assert named == name
    assert words[-4:] == ["--field", "f", "--account", "eu"]


def test_an_event_that_a_deploy_renamed_comes_with_the_edit_that_names_it_anew() -> None:
    advice = advice_of(reason="refused", code=3017, event_name="order placed", field=None)

    group = "--reason refused --code 3017 --event 'order placed' --field none"
    assert advice.command == f"shipper dead redrive {group}"
    assert advice.edit == f"shipper dead edit {group} --rename 'order placed=NEW_NAME' --dry-run"


@pytest.mark.parametrize(
    ("field", "is_property", "change"),
    [
        ("total", True, "--set order.placed.total=JSON"),
        ("total", False, "--set order.placed.PROPERTY=JSON"),
        (None, False, "--set order.placed.PROPERTY=JSON"),
    ],
)
def test_a_value_that_gameball_does_not_take_comes_with_the_edit_that_sets_it(
    field: str | None, is_property: bool, change: str
) -> None:
    advice = advice_of(
        reason="refused", code=3003, event_name="order.placed", field=field, is_property=is_property
    )

    assert advice.edit is not None
    assert advice.edit.endswith(f" {change} --dry-run")


@pytest.mark.parametrize("field", ["customerId", "email", "mobile"])
@pytest.mark.parametrize("code", [None, 2000, 3000, 3001, 3003])
def test_where_the_customer_is_refused_the_advice_is_not_an_edit_which_could_not_change_it(
    code: int | None, field: str
) -> None:
    advice = advice_of(reason="refused", code=code, event_name="visit", field=field)

    assert advice.edit is None
    assert advice.helps.startswith("No edit changes a customer's id, email or mobile")
    assert "under a new idempotency key" in advice.helps
    assert len(advice.means) + len(advice.helps) < 260


@pytest.mark.parametrize(
    ("reason", "code", "event_name", "field"),
    [
        ("refused", 3009, "visit", None),
        ("spent", 5000, "visit", None),
        ("unclear", 3017, "visit", None),
        ("refused", 3017, None, None),
        ("refused", 3017, "a=b", None),
        ("refused", 3003, "visit", "email"),
    ],
    ids=["of the customer", "of Gameball", "unclear", "unknown name", "equals sign", "of all events"],
)
def test_there_is_no_edit_where_none_would_help_or_none_can_be_said_in_one_option(
    reason: str, code: int, event_name: str | None, field: str | None
) -> None:
    assert advice_of(reason=reason, code=code, event_name=event_name, field=field).edit is None
