"""`shipper dead edit`: one letter, put right by options, by a file or in an editor, and sent again."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from shipper.cli.dead.edit import _without_comments
from shipper.inspector import Inspector
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from tests.cli.conftest import Open, Run, one
from tests.inspector.story import LOST, REFUSED, SETTINGS, Story


@pytest.fixture
def inspector(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS)


@pytest.fixture
def letter(story: Story) -> str:
    """A dead letter whose total is a text."""
    event_id = story.enqueue("c-1", events={"order": {"total": "12", "note": "gift"}})
    story.calls(REFUSED)
    return event_id


def events_of(run: Run, event_id: str) -> Any:
    return one(run("show", event_id, "--json"))["events"]


def test_a_letter_is_changed_by_options_and_sent_again(run: Run, letter: str) -> None:
    options = ("--rename", "order=place", "--set", "place.total=12", "--unset", "place.note")

    done = one(run("dead", "edit", letter, *options, "--yes", "--json"))

    assert done == {
        "event_id": letter,
        "account": "default",
        "result": "ok",
        "differences": [
            {"what": "renamed", "place": "order", "before": "order", "after": "place"},
            {"what": "changed", "place": "place.total", "before": "12", "after": 12},
            {"what": "removed", "place": "place.note", "before": "gift"},
        ],
        "problems": [],
    }
    assert one(run("show", letter, "--json"))["state"] == "waiting"
    assert events_of(run, letter) == {"place": {"total": 12}}


def test_a_text_may_hold_line_breaks_that_json_knows_not() -> None:
    text = '{"order": {"note": "a\u2028b\u0085c"}}\r\n# Event, a dead letter.\n'

    assert json.loads(_without_comments(text)) == {"order": {"note": "a\u2028b\u0085c"}}


def test_a_letter_is_changed_by_a_file(run: Run, letter: str) -> None:
    done = run("dead", "edit", letter, "--file", "-", "--yes", given='{"order": {"total": 12}}')

    assert done.stdout == (
        f'order.total\n- "12"\n+ 12\norder.note\n- "gift"\n{letter} is changed and sent again\n'
    )
    assert events_of(run, letter) == {"order": {"total": 12}}


def test_all_problems_are_told_together_and_nothing_is_sent(run: Run, letter: str) -> None:
    given = '{"order": {"total": 1e999}, "visit": []}'

    refused = run("dead", "edit", letter, "--file", "-", "--yes", given=given, code=1)
    as_json = one(run("dead", "edit", letter, "--file", "-", "--yes", "--json", given=given, code=1))

    assert refused.stderr == (
        "Error: events.order.total is infinite\n"
        "       events.visit is a list: metadata is a dict, {} when there is none\n"
        "Nothing was changed.\n"
    )
    assert as_json["result"] == "invalid"
    assert as_json["problems"][0] == {"path": "events.order.total", "message": "is infinite"}
    assert one(run("show", letter, "--json"))["state"] == "dead"


def test_nothing_that_differs_is_nothing_to_send(run: Run, letter: str) -> None:
    done = run("dead", "edit", letter, "--set", 'order.total="12"', "--yes", code=1)

    assert done.stdout == "nothing differs: nothing was sent\n"


def test_an_unclear_letter_wants_a_word_more(run: Run, story: Story) -> None:
    event_id = story.enqueue("c-1", events={"order": {"total": "12"}}, on_unclear="park")
    story.calls(LOST)
    command = ("dead", "edit", event_id, "--set", "order.total=12", "--yes", "--json")

    left = one(run(*command, code=1))
    done = one(run(*command, "--may-duplicate"))

    assert (left["result"], done["result"]) == ("unclear", "ok")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "There is no terminal for an editor: say --set, --unset, --rename or --file."),
        (("--set", "order.total=12"), "Nobody is there to ask: say --yes."),
        (("--set", "order.total"), "lacks its =: NAME.PROPERTY=JSON"),
        (("--set", "order.total=twelve"), "Text stands in quotes of its own"),
        (("--set", "order.total=1", "--set", "order.total=2"), "is there twice"),
        (("--rename", "=new"), "lacks its =: OLD=NEW"),
    ],
)
def test_wrong_use_is_told_and_exits_with_2(
    options: tuple[str, ...], message: str, run: Run, letter: str
) -> None:
    result = run("dead", "edit", letter, *options, code=2)

    assert message in " ".join(result.stderr.split())
    assert one(run("show", letter, "--json"))["state"] == "dead"


@pytest.mark.parametrize("text", ["[1]", "{", '{"order": {}, "order": {}}', '{"order": {"a": NaN}}'])
def test_a_file_that_is_no_event_is_refused(text: str, run: Run, letter: str) -> None:
    result = run("dead", "edit", letter, "--file", "-", "--yes", given=text, code=1)

    assert result.stderr.startswith("Error: the text ")


def test_what_is_no_letter_cannot_be_edited(run: Run, story: Story) -> None:
    waiting = story.enqueue("c-1", "order")

    refused = run("dead", "edit", waiting, "--set", "order.total=1", "--yes", code=1)

    assert refused.stderr == f"Error: event {waiting} is waiting, no dead letter: it cannot be edited\n"


def script(folder: Path, *steps: str) -> str:
    """Return an editor that takes one step each time it is opened, and keeps what it was given."""
    for i, step in enumerate(steps):
        (folder / f"step{i}").write_text(step)
    editor = folder / "editor"
    editor.write_text(
        "#!/bin/sh\n"
        f'n=$(ls {folder}/given* 2>/dev/null | wc -l)\ncp "$1" {folder}/given$n\n'
        f'stat -c %a "$1" > {folder}/mode\n. {folder}/step$n\n'
    )
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    return str(editor)


def test_in_an_editor_a_mistake_is_told_and_mended_and_the_difference_asked_about(
    in_terminal: Open, letter: str, inspector: Inspector, tmp_path: Path
) -> None:
    long = "a text that is longer than the line of a terminal, " * 3
    wrong = 'sed -i \'s/"12"/NaN/\' "$1"'
    right = f"sed -i 's/NaN/12/; s/gift/{long}/' \"$1\""

    terminal = in_terminal("dead", "edit", letter, EDITOR=script(tmp_path, wrong, right))
    terminal.await_text("holds NaN, which is no number of JSON")
    terminal.await_text("Edit again? [Y/n]: ")
    terminal.type("y\n")
    terminal.await_text("Send it again so? [y/N]: ")
    terminal.type("y\n")

    assert terminal.await_end() == 0
    assert all(len(line) <= 80 for line in terminal.text.splitlines())
    assert '\x1b[31m- "12"' in terminal.output
    assert "\x1b[32m+ 12" in terminal.output
    assert f"{letter} is changed and sent again" in terminal.text
    seen = inspector.event(letter)
    assert (seen.state, seen.events) == (State.WAITING, {"order": {"total": 12, "note": long}})
    first = (tmp_path / "given0").read_text()
    assert json.loads(first.partition("\n#")[0]) == {"order": {"total": "12", "note": "gift"}}
    assert (tmp_path / "mode").read_text() == "600\n"


def test_a_person_who_says_no_or_writes_nothing_sends_nothing(
    in_terminal: Open, letter: str, inspector: Inspector, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    emptied = in_terminal("dead", "edit", letter, EDITOR=script(tmp_path / "a", ': > "$1"'))
    refused = in_terminal("dead", "edit", letter, EDITOR=script(tmp_path / "b", 'sed -i \'s/"12"/12/\' "$1"'))
    refused.await_text("Send it again so? [y/N]: ")
    refused.type("\n")

    assert (emptied.await_end(), refused.await_end()) == (1, 1)
    assert "nothing was written: the letter stays as it is" in emptied.text
    assert inspector.event(letter).state is State.DEAD


@pytest.fixture
def broken(story: Story) -> list[str]:
    """Letters of a deploy that renamed an event, and one that the cure does not fit."""
    ids = [story.enqueue(f"c-{i}", events={"order_placed": {"total": f"{i}.5"}}) for i in range(3)]
    ids.append(story.enqueue("c-3", events={"order_placed": {"total": "three"}}))
    story.calls(REFUSED)
    return ids


NAMED = ("--event", "order_placed")
CURE = (*NAMED, "--rename", "order_placed=purchase", "--number", "purchase.total")


def test_the_same_change_is_made_in_many_and_what_it_does_not_fit_stays(run: Run, broken: list[str]) -> None:
    tried = one(run("dead", "edit", *CURE, "--dry-run", "--json"))
    done = one(run("dead", "edit", *CURE, "--rate", "100/s", "--yes", "--json", code=1))

    assert tried == {
        "account": "default",
        "fits": 3,
        "unclear": 0,
        "left": {"invalid": 1},
        "problems": {"purchase.total is no text of a number": 1},
        "examples": [{"event_id": broken[3], "why": "invalid"}],
        "event_id": broken[0],
        "differences": [
            {"what": "renamed", "place": "order_placed", "before": "order_placed", "after": "purchase"},
            {"what": "changed", "place": "purchase.total", "before": "0.5", "after": 0.5},
        ],
    }
    assert (done["done"], done["left"]) == (3, {"invalid": 1})
    assert [events_of(run, event_id) for event_id in broken] == [
        {"purchase": {"total": 0.5}},
        {"purchase": {"total": 1.5}},
        {"purchase": {"total": 2.5}},
        {"order_placed": {"total": "three"}},
    ]


def test_a_person_sees_an_example_and_the_counts_before_many_are_changed(
    in_terminal: Open, broken: list[str], inspector: Inspector
) -> None:
    terminal = in_terminal("dead", "edit", *CURE)
    terminal.await_text("Change 3 event(s) and send them again, over 150 ms? [y/N]: ")
    terminal.type("y\n")

    assert terminal.await_end() == 1

    assert f"{broken[0]}, for example" in terminal.text
    assert "it fits 3 letter(s)\n1 stay dead: it does not fit them\n" in terminal.text
    assert "  1: purchase.total is no text of a number" in terminal.text
    assert "3 changed and sent again\n1 were left: it does not fit them" in terminal.text
    assert max(map(len, terminal.text.splitlines())) <= 80
    assert [inspector.event(each).state for each in (broken[0], broken[3])] == [State.WAITING, State.DEAD]


def test_a_change_that_fits_none_is_told_without_a_question(run: Run, broken: list[str]) -> None:
    said = run("dead", "edit", *NAMED, "--unset", "order_placed.colour", code=1)

    assert "it fits 0 letter(s)\n4 stay dead: it does not fit them" in said.stdout
    assert "order_placed.colour is not there" in said.stdout


def test_a_script_is_told_when_nothing_of_many_was_changed(run: Run, broken: list[str]) -> None:
    unfit = run("dead", "edit", *NAMED, "--unset", "order_placed.colour", "--yes", "--json", code=1)
    nobody = run("dead", "edit", "--code", "4242", "--unset", "order_placed.colour", "--yes", "--json")

    assert one(unfit) == {
        "account": "default",
        "done": 0,
        "left": {"invalid": 4},
        "examples": [{"event_id": event_id, "why": "invalid"} for event_id in broken],
    }
    assert one(nobody) == {"account": "default", "done": 0, "left": {}, "examples": []}


def test_a_script_is_told_when_all_of_many_are_unclear(run: Run, story: Story) -> None:
    story.enqueue("c-1", "order_placed", on_unclear="park")
    story.calls(LOST)

    said = run("dead", "edit", *NAMED, "--set", "order_placed.total=1", "--yes", "--json", code=1)

    assert (one(said)["done"], one(said)["left"]) == (0, {"unclear": 1})


def test_many_are_named_by_a_filter_and_one_by_its_id(run: Run, broken: list[str]) -> None:
    said = [
        run("dead", "edit", code=2),
        run("dead", "edit", "--event", "order_placed", code=2),
        run("dead", "edit", "--rename", "order_placed=purchase", code=2),
        run("dead", "edit", broken[0], *CURE, code=2),
        run("dead", "edit", *CURE, code=2),
    ]

    assert [each.stderr.splitlines()[-1] for each in said] == [
        "Error: Say what differs: --rename, --move, --number, --set or --unset.",
        "Error: Say what differs: --rename, --move, --number, --set or --unset.",
        "Error: Say which: by event ids, by a filter such as --reason, or --all.",
        "Error: Name one event by its id, or many by a filter; the rest is for many.",
        "Error: Change 3 event(s) and send them again, over 150 ms? Nobody is there to ask: say --yes.",
    ]
