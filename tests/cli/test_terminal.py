"""The main commands as a person sees them: in a real pseudo-terminal of 80 columns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipper.inspector import Inspector
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from tests.cli.conftest import Open
from tests.inspector.story import HOUR, LOST, REFUSED, SETTINGS, SPENT, Story
from tests.support.servers import RedisServer
from tests.support.terminal import CTRL_C


@pytest.fixture
def inspector(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS)


@pytest.fixture
def letters(story: Story) -> list[str]:
    """Three dead letters and an unclear one, with all that could widen a line."""
    found = []
    for customer, name, answer in (
        ("c-1", "write_review", REFUSED),
        ("a customer with a rather long id, " * 2, "an event with a rather long name", SPENT),
        ("[bold]c-3[/bold]", "place:bomb:", REFUSED),
        ("c-4", "visit", LOST),
    ):
        found.append(story.enqueue(customer, name, on_unclear="park" if answer is LOST else "retry"))
        story.calls(answer)
        story.passes(HOUR)
    return found


def test_nothing_is_wider_than_the_terminal(in_terminal: Open, letters: list[str]) -> None:
    commands = ("--help", "status", "dead list", "dead reasons", "hooks list", "config", f"show {letters[1]}")
    terminals = {command: in_terminal(*command.split()) for command in commands}

    codes = {command: terminal.await_end() for command, terminal in terminals.items()}

    assert codes == dict.fromkeys(commands, 0)
    wide = {
        command: [line for line in terminal.text.splitlines() if len(line) > 80]
        for command, terminal in terminals.items()
    }
    assert wide == {command: [] for command in commands}


def test_ids_are_never_broken_so_that_they_can_be_copied(in_terminal: Open, letters: list[str]) -> None:
    listed, reasons = in_terminal("dead", "list"), in_terminal("dead", "reasons")
    listed.await_end()
    reasons.await_end()

    assert all(event_id in listed.text for event_id in letters)
    assert all(event_id in reasons.text for event_id in letters)


def test_colour_is_for_terminals_that_want_it(in_terminal: Open, letters: list[str]) -> None:
    coloured = in_terminal("status")
    plain = in_terminal("status", NO_COLOR="1")
    coloured.await_end()
    plain.await_end()

    assert "\x1b[31m" in coloured.output
    assert "\x1b[31m" not in plain.output
    assert coloured.text.split("oldest due")[0] == plain.text.split("oldest due")[0]


def test_a_person_is_asked_and_says_yes(in_terminal: Open, letters: list[str], inspector: Inspector) -> None:
    terminal = in_terminal("dead", "redrive", letters[0], letters[2])
    terminal.await_text("Send 2 event(s) again, over 100 ms? [y/N]: ")
    terminal.type("y\n")

    assert terminal.await_end() == 0

    assert "2 sent again" in terminal.text
    assert inspector.event(letters[0]).state is State.WAITING


def test_a_person_is_asked_and_says_no(in_terminal: Open, letters: list[str], inspector: Inspector) -> None:
    terminals = {answer: in_terminal("dead", "discard", *letters) for answer in ("n\n", "\n", CTRL_C)}

    for answer, terminal in terminals.items():
        terminal.await_text("Discard 4 event(s) for good? [y/N]: ")
        terminal.type(answer)

    assert [terminal.await_end() for terminal in terminals.values()] == [1, 1, 1]
    assert not any("Traceback" in terminal.text for terminal in terminals.values())
    assert inspector.event(letters[0]).state is State.DEAD


def test_the_question_says_that_unclear_ones_are_left_out(in_terminal: Open, letters: list[str]) -> None:
    terminal = in_terminal("dead", "redrive", *letters)
    terminal.await_text("Send 4 event(s) (1 unclear, left out; up to 1 may be with Gameball already) again")
    terminal.type("y\n")

    assert terminal.await_end() == 1

    assert "3 sent again" in terminal.text
    assert "--may-duplicate" in terminal.text


def test_a_file_is_sent_with_a_progress_bar_and_its_refused_lines_told(
    in_terminal: Open, inspector: Inspector, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    good = '{"customerId":"c-1","events":{"visit":{}}}\n'
    file.write_text(good * 3000 + "broken\n" + good * 3000)

    terminal = in_terminal("send", str(file))

    assert terminal.await_end() == 1
    assert "sending" in terminal.text
    assert "line 3001: is no JSON" in terminal.text
    assert "accepted 6,000, refused 1" in terminal.text
    assert inspector.status().accepted == 6000


def test_ctrl_c_in_a_long_command_ends_it_without_a_traceback(in_terminal: Open, tmp_path: Path) -> None:
    pipe = tmp_path / "endless"
    os.mkfifo(pipe)
    with os.fdopen(os.open(pipe, os.O_RDWR), "wb", buffering=0) as endless:
        terminal = in_terminal("send", str(pipe))
        endless.write(b'{"customerId":"c-1","events":{"visit":{}}}\n' * 200)
        terminal.await_text("sending")
        terminal.type(CTRL_C)

        assert terminal.await_end() == 1

    assert "Aborted!" in terminal.text
    assert "Traceback" not in terminal.text


def test_output_into_a_closed_pipe_is_no_crash(server: RedisServer, letters: list[str]) -> None:
    command = [sys.executable, "-m", "shipper", "dead", "list", "--json", "--all"]
    ours, theirs = os.pipe()
    os.close(ours)

    said = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SHIPPER_REDIS_URL": server.url},
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(theirs)

    assert said.stderr == b""


def test_an_ascii_terminal_gets_escapes_and_no_error(server: RedisServer, story: Story) -> None:
    story.enqueue("c-ü", "ünïcode 🎉")
    story.calls(REFUSED)

    said = subprocess.run(
        [sys.executable, "-m", "shipper", "dead", "list"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SHIPPER_REDIS_URL": server.url, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert r"c-\xfc" in said.stdout


def test_an_id_in_another_encoding_is_wrong_use_and_no_crash() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "shipper", "show", b"m\xfcller"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 2
    assert r"Error: 'm\udcfcller' is not UTF-8: was it copied from another encoding?" in said.stderr


def test_a_file_may_have_a_name_in_another_encoding(server: RedisServer, tmp_path: Path) -> None:
    file = os.fsencode(tmp_path) + b"/m\xfcller.jsonl"
    Path(os.fsdecode(file)).write_text('{"customerId": "c-1", "events": {"visit": {}}}\n')

    said = subprocess.run(
        [sys.executable, "-m", "shipper", "send", file],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SHIPPER_REDIS_URL": server.url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 0, said.stderr
