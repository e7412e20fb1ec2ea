"""`shipper dead` and `shipper show`: from an alarm to the reason and the cure."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from typing import Any

import pytest
from redis import Redis

from shipper.inspector.place import write_place
from shipper.ledger.record import read_record
from tests.cli.conftest import Run, objects, one
from tests.inspector.story import ACCEPTED, FIELD, HOUR, LOST, REFUSED, SPENT, Answer, Story
from tests.support.servers import RedisServer

REC = "{shipper:default}:rec"
LETTER = {
    "event_id",
    "account",
    "state",
    "reason",
    "code",
    "field",
    "event_names",
    "customer_id",
    "email",
    "mobile",
    "status",
    "request_id",
    "attempts",
    "hook",
    "accepted_at",
    "ended_at",
    "unopened",
}
CANARIES = ("canary@example.com", "+201001234567")


def dead(story: Story, customer: str, name: str, answer: Answer = REFUSED, **given: Any) -> str:
    event_id = story.enqueue(customer, name, **given)
    story.calls(answer)
    story.passes(HOUR)
    return event_id


def test_a_letter_is_an_object_of_the_vocabulary(run: Run, story: Story) -> None:
    event_id = dead(story, "c-1", "visit", email=CANARIES[0], mobile=CANARIES[1], hook="told")

    letter = one(run("dead", "list", "--json"))

    assert letter.keys() == LETTER
    assert letter == {
        "event_id": event_id,
        "account": "default",
        "state": "dead",
        "reason": "refused",
        "code": 3009,
        "event_names": ["visit"],
        "customer_id": "c-1",
        "email": "c***@***",
        "mobile": "***67",
        "status": 422,
        "request_id": "req-9",
        "attempts": 1,
        "hook": "told",
        "field": None,
        "accepted_at": "2023-11-14T22:13:20.000Z",
        "ended_at": "2023-11-14T22:13:20.120Z",
        "unopened": None,
    }


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_no_list_tells_a_contact(run: Run, story: Story, as_json: tuple[str, ...]) -> None:
    answer = Answer(verdict=REFUSED.verdict, outcome=REFUSED.outcome, answer=f"{CANARIES[0]} is taken")
    event_id = dead(story, "c-1", "visit", answer, email=CANARIES[0], mobile=CANARIES[1], hook="told")
    story.hooks_fail(f"no such user {CANARIES[0]}")

    shown = [
        run(*command, *as_json).output
        for command in (("dead", "list"), ("dead", "reasons"), ("hooks", "list"), ("show", event_id))
    ]

    assert all(canary not in output for output in shown for canary in CANARIES)


def test_letters_are_filtered_and_paged(run: Run, story: Story) -> None:
    visits = [dead(story, f"c-{i}", "visit") for i in range(3)]
    dead(story, "c-9", "order")

    first = objects(run("dead", "list", "--event", "visit", "--limit", "2", "--json"))
    place = f"{first[-1]['ended_at']}/{first[-1]['event_id']}"
    second = objects(run("dead", "list", "--event", "visit", "--before", place, "--json"))
    everything = objects(run("dead", "list", "--event", "visit", "--all", "--json"))
    shown = run("dead", "list", "--event", "visit", "--limit", "2").stdout

    assert [letter["event_id"] for letter in first + second] == visits[::-1]
    assert everything == first + second
    assert shown.endswith(f"\nthe next page: --before {place}\n")


def test_in_json_a_page_says_beside_its_lines_where_the_next_one_begins(run: Run, story: Story) -> None:
    dead(story, "c-1", "visit")
    dead(story, "c-2", "visit")

    page = run("dead", "list", "--limit", "1", "--json")
    last = run("dead", "list", "--limit", "2", "--json")

    (letter,) = objects(page)
    assert page.stderr == f"the next page: --before {letter['ended_at']}/{letter['event_id']}\n"
    assert last.stderr == ""


def test_in_json_a_search_that_stopped_is_not_taken_for_one_that_found_nothing(
    run: Run, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipper.cli.dead.list.LOOKED", 1)
    dead(story, "c-1", "order")
    dead(story, "c-2", "visit")

    page = run("dead", "list", "--customer", "c-1", "--event", "visit", "--json")

    assert page.stdout == ""
    assert page.stderr.startswith("older ones were not looked at; go on: --before 20")


def test_in_json_groups_that_are_left_out_are_told_beside_the_others(run: Run, story: Story) -> None:
    dead(story, "c-1", "visit")
    dead(story, "c-2", "order")

    some = run("dead", "reasons", "--limit", "1", "--json")

    assert len(objects(some)) == 1
    assert some.stderr == "1 smaller groups are left out: --limit\n"


def test_an_empty_list_is_no_failure(run: Run) -> None:
    assert run("dead", "list").stdout == "no dead letters\n"
    assert run("dead", "list", "--json").stdout == ""
    assert run("dead", "reasons", "--json").stdout == ""


def test_reasons_are_objects_of_the_vocabulary(run: Run, story: Story) -> None:
    dead(story, "c-1", "visit")
    example = dead(story, "c-2", "visit")
    dead(story, "c-3", "visit", SPENT)

    groups = objects(run("dead", "reasons", "--json"))

    assert groups[0] == {
        "account": "default",
        "reason": "refused",
        "code": 3009,
        "event_name": "visit",
        "field": None,
        "count": 2,
        "customers": 2,
        "doubtful": 0,
        "first_at": "2023-11-14T22:13:20.120Z",
        "last_at": "2023-11-14T23:13:20.240Z",
        "example": example,
        "means": "Something that the event is about is inactive, mostly the customer.",
        "helps": "Activate the customer in Gameball's dashboard, then send again; "
        "or discard what an inactive customer did.",
        "command": "shipper dead redrive --reason refused --code 3009 --event visit --field none",
        "edit": None,
    }
    assert [(group["reason"], group["doubtful"]) for group in groups] == [("refused", 0), ("spent", 1)]


def test_a_group_is_drawn_with_its_advice_and_a_command_that_takes_it(run: Run, story: Story) -> None:
    name = "a very long event name that is cut, $(rm -rf /)"
    dead(story, "c-1", name, FIELD)

    shown = run("dead", "reasons").stdout
    command = shown.split("$ shipper ")[-1].replace("\\\n", "")
    found = objects(run("dead", "list", *shlex.split(command)[2:], "--json"))

    assert shown.splitlines()[0].startswith("1  refused 3003 · a very long event name")
    assert shown.splitlines()[0].endswith("· field total")
    assert "1 customer · first" in shown
    assert "Edit the value that the answer names and send again." in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80
    assert [letter["event_names"] for letter in found] == [[name]]


def test_where_an_edit_may_mend_a_group_it_comes_before_the_redrive(run: Run, story: Story) -> None:
    dead(story, "c-1", "visit", FIELD)
    dead(story, "c-1", "visit")

    refused, inactive = run("dead", "reasons").stdout.split("\n\n")

    assert refused.splitlines()[-6:] == [
        "  where the events are wrong:",
        "  $ shipper dead edit --reason refused --code 3003 --event visit \\",
        "      --field total --set visit.PROPERTY=JSON --dry-run",
        "  after it is mended at Gameball:",
        "  $ shipper dead redrive --reason refused --code 3003 --event visit \\",
        "      --field total",
    ]
    assert "dead edit" not in inactive
    assert "wrong:" not in inactive


@pytest.mark.parametrize(
    "name",
    ["write\xa0review", "zero\u200bwidth", "\u202egnp.exe", "it's a \\ \u2028 line", "🎉\u200d$(reboot)"],
)
def test_a_command_selects_its_group_when_a_shell_reads_the_copy(name: str, run: Run, story: Story) -> None:
    dead(story, "c-1", name)

    shown = run("dead", "reasons").stdout
    command = shown.split("$ shipper ")[-1]
    read = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True, timeout=30
    ).stdout.decode()
    found = objects(run("dead", "list", *read.rstrip("\0").split("\0")[2:], "--json"))

    assert all(char.isprintable() or char == "\n" for char in shown)
    assert [letter["event_names"] for letter in found] == [[name]]


def test_commands_for_another_redis_than_the_settings_name_are_told_apart(
    run: Run, story: Story, server: RedisServer
) -> None:
    dead(story, "c-1", "visit")

    here = run("dead", "reasons").stdout
    there = run("dead", "reasons", "--redis-url", server.url).stdout

    assert "--redis-url" not in here
    assert there.endswith("\nthese commands are for SHIPPER_REDIS_URL: add your --redis-url to them\n")


@pytest.mark.parametrize("name", ["purchase", "order.placed", "a b[0]"])
def test_the_edit_that_a_group_comes_with_mends_it_once_it_is_completed(
    name: str, run: Run, story: Story
) -> None:
    letter = dead(story, "c-1", name, FIELD, events={name: {"total": "12.5"}})
    (group,) = objects(run("dead", "reasons", "--json"))
    edit = shlex.split(group["edit"])[1:]

    incomplete = run(*edit, code=2).stderr
    tried = objects(run(*(word.replace("JSON", "12.5") for word in edit), "--json"))

    assert edit[-3:] == ["--set", f"{name}.total=JSON", "--dry-run"]
    assert f"{name}.total" in incomplete
    assert [(each["fits"], each["event_id"]) for each in tried] == [(1, letter)]
    assert [(change["place"], change["after"]) for change in tried[0]["differences"]] == [
        (write_place((name, "total")), 12.5)
    ]


def test_letters_are_found_by_field_and_by_a_text_of_the_answer(run: Run, story: Story) -> None:
    dead(story, "c-1", "visit")
    named = dead(story, "c-2", "visit", FIELD)

    by_field = objects(run("dead", "list", "--field", "total", "--json"))
    by_text = objects(run("dead", "list", "--text", "MUST be a number", "--json"))
    by_none = objects(run("dead", "list", "--field", "none", "--text", "inactive", "--json"))

    assert [letter["event_id"] for letter in by_field] == [named]
    assert by_field == by_text
    assert [letter["customer_id"] for letter in by_none] == ["c-1"]
    assert "is empty" in run("dead", "list", "--text", " ", code=2).stderr


@pytest.mark.parametrize("option", ["--customer", "--event", "--field", "--text", "--code"])
@pytest.mark.parametrize("nothing", ["", "  "])
def test_a_variable_that_was_never_set_means_nobody(
    option: str, nothing: str, run: Run, story: Story
) -> None:
    dead(story, "c-1", "visit")

    refused = run("dead", "discard", option, nothing, "--because", "x", "--yes", code=2)

    assert option in refused.stderr
    assert "is empty: say which" in refused.stderr or "is no number" in refused.stderr
    assert len(objects(run("dead", "list", "--json"))) == 1


def test_a_code_is_found_however_its_number_is_written(run: Run, story: Story) -> None:
    dead(story, "c-1", "visit")

    found = run("dead", "list", "--code", "0003009", "--json")

    assert len(objects(found)) == 1


@pytest.mark.parametrize("option", ["--customer", "--event", "--field", "--text", "--code"])
def test_a_filter_in_other_bytes_than_utf_8_is_refused(option: str, run: Run) -> None:
    refused = run("dead", "list", option, os.fsdecode(b"caf\xe9"), code=2)

    assert r"'caf\udce9' is not UTF-8" in refused.stderr


def test_an_event_is_shown_with_its_way(run: Run, story: Story) -> None:
    event_id = dead(story, "c-1", "visit", hook="told")

    seen = one(run("show", event_id, "--json"))
    drawn = run("show", event_id).stdout

    assert (seen["state"], seen["reason"], seen["code"], seen["attempts"]) == ("dead", "refused", 3009, 1)
    assert seen["events"] == {"visit": {}}
    assert [moment["what"] for moment in seen["timeline"]] == ["accepted", "attempt", "dead"]
    assert seen["timeline"][0] == {"at": "2023-11-14T22:13:20.000Z", "what": "accepted"}
    assert f"{event_id}  dead (refused, code 3009)" in drawn
    assert "attempt 1: permanent, HTTP 422, code 3009, request req-9" in " ".join(drawn.split())
    assert '{"code":3009,"message":"inactive customer"}' in drawn


def test_contacts_are_shown_to_who_asks(run: Run, story: Story) -> None:
    event_id = dead(story, "c-1", "visit", email=CANARIES[0])

    assert one(run("show", event_id, "--json"))["email"] == "c***@***"
    assert one(run("show", event_id, "--unmasked", "--json"))["email"] == CANARIES[0]


def test_an_unknown_event_exits_with_1(run: Run) -> None:
    result = run("show", "01HF7YAT00000000000000ZZZZ", code=1)

    assert "Error: the ledger of account default holds no event 01HF7YAT00000000000000ZZZZ" in result.stderr


def test_a_delivered_event_is_no_dead_letter(run: Run, story: Story) -> None:
    event_id = dead(story, "c-1", "visit", ACCEPTED)

    assert one(run("show", event_id, "--json"))["state"] == "delivered"
    assert "is delivered, no dead letter" in run("dead", "show", event_id, code=1).stderr


def test_an_event_of_any_account_is_found(run: Run, story: Story) -> None:
    event_id = dead(story, "c-1", "visit")

    seen = one(run("show", event_id, "--json", SHIPPER_ACCOUNTS="shop-eu,default"))

    assert seen["account"] == "default"


def test_dead_letters_are_sent_again(run: Run, story: Story) -> None:
    event_id = dead(story, "c-1", "visit")

    done = one(run("dead", "redrive", event_id, "--yes", "--json"))

    assert done == {"account": "default", "done": 1, "left": {}, "examples": []}
    assert one(run("show", event_id, "--json"))["state"] == "waiting"


def test_unclear_ones_want_a_word_more(run: Run, story: Story) -> None:
    event_id = dead(story, "c-1", "visit", LOST, on_unclear="park")

    left = run("dead", "redrive", event_id, "--yes", code=1)
    done = run("dead", "redrive", event_id, "--yes", "--may-duplicate")

    assert "0 sent again" in left.stdout
    assert "--may-duplicate sends them again" in " ".join(left.stdout.split())
    assert done.stdout == "1 sent again\n"


def test_what_is_left_is_told_by_its_reason(run: Run, story: Story) -> None:
    event_id = dead(story, "c-1", "visit", LOST, on_unclear="park")

    done = one(run("dead", "redrive", event_id, "--yes", "--json", code=1))

    assert done["left"] == {"unclear": 1}
    assert done["examples"] == [{"event_id": event_id, "why": "unclear"}]


@pytest.mark.parametrize("command", ["redrive", "discard"])
def test_without_a_terminal_only_yes_is_an_answer(command: str, run: Run, story: Story) -> None:
    event_id = dead(story, "c-1", "visit")

    refused = run("dead", command, event_id, code=2)

    assert "Nobody is there to ask: say --yes." in refused.stderr
    assert one(run("show", event_id, "--json"))["state"] == "dead"


def test_letters_are_discarded(run: Run, story: Story) -> None:
    kept = dead(story, "c-1", "visit")
    dead(story, "c-2", "order")

    done = run("dead", "discard", "--event", "order", "--because", "a test", "--yes")

    assert done.stdout == "1 discarded\n"
    assert [letter["event_id"] for letter in objects(run("dead", "list", "--json"))] == [kept]


def test_what_waits_is_discarded_by_its_id_alone(run: Run, story: Story) -> None:
    waits = story.enqueue("c-1", "visit")

    done = run("dead", "discard", waits, "--yes")

    assert done.stdout == "1 discarded\n"
    assert one(run("show", waits, "--json"))["state"] == "discarded"


def test_the_reason_of_a_small_redrive_is_on_the_audit_log_too(run: Run, story: Story) -> None:
    run("dead", "redrive", dead(story, "c-1", "visit"), "--because", "customer activated", "--yes")

    assert one(run("trail", "--json"))["about"] == "customer activated: by ids"


def test_nothing_to_do_is_done_at_once(run: Run) -> None:
    assert run("dead", "discard", "--all").stdout == "0 discarded\n"


HOSTILE = ["[red]loud[/red]", "[link=http://evil]click[/link]", ":bomb:", "\u202egnp.exe", "ünïcode🎉"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_shown_as_it_is_written(name: str, run: Run, story: Story) -> None:
    event_id = dead(story, f"c {name}", name)

    letters, groups, event = (
        run("dead", "list").stdout,
        run("dead", "reasons").stdout,
        run("show", event_id).stdout,
    )

    expected = name.replace("\u202e", r"\u202e")
    assert expected in event
    for shown in (letters, groups, event):
        assert all(char.isprintable() or char == "\n" for char in shown)
    assert one(run("dead", "list", "--json"))["event_names"] == [name]


def test_control_characters_that_somebody_planted_do_not_reach_the_terminal(
    run: Run, story: Story, redis: Redis
) -> None:
    answer = Answer(verdict=REFUSED.verdict, outcome=REFUSED.outcome, answer="\x1b]0;pwned\x07\x9b2J")
    event_id = dead(story, "c-1", "visit", answer)
    stored: bytes = redis.hget(REC, event_id)  # type: ignore[assignment]
    record = read_record(stored)
    assert record
    planted = json.dumps({"customerId": "\x1b[2J", "events": {"\x1b[31mred\r\n": {"a": "\x07"}}})
    redis.hset(REC, event_id, stored.replace(record.body, planted.encode()))

    for command in (("dead", "list"), ("dead", "reasons"), ("show", event_id), ("dead", "list", "--json")):
        shown = run(*command).output
        assert all(char.isprintable() or char == "\n" for char in shown)
