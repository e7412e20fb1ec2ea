"""The command line as a whole: help costs little, mistakes are told, and no traceback is shown."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from shipper.cli import cli
from shipper.cli.commands import SECTIONS
from shipper.errors import LedgerUnavailableError
from tests.cli.conftest import Run
from tests.support.servers import StartServer

ROOT = Path(__file__).parents[2]
COMMANDS = {name: place for commands in SECTIONS.values() for name, (place, _) in commands.items()}
OF_THE_ISSUE = {"send", "status", "show", "dead", "hooks", "doctor", "health", "audit", "mend", "config"} | {
    "expunge",
    "pause",
    "resume",
}


def test_help_lists_every_command_with_a_line_of_its_own(run: Run) -> None:
    shown = run("--help").stdout

    assert all(f"\n  {name} " in shown for name in COMMANDS)
    assert COMMANDS.keys() >= OF_THE_ISSUE
    assert all(len(line) <= 80 for line in shown.splitlines())


@pytest.mark.parametrize("name", sorted(OF_THE_ISSUE))
def test_every_command_is_where_the_page_says(name: str, run: Run) -> None:
    module, _, attribute = COMMANDS[name].partition(":")

    command = getattr(import_module(module), attribute)

    assert isinstance(command, click.Command)
    assert command.help
    assert all(len(line) <= 80 for line in run(name, "--help").stdout.splitlines())


FACTS = sorted(OF_THE_ISSUE - {"dead", "hooks"})


@pytest.mark.parametrize(
    "name", [*FACTS, "dead list", "dead show", "dead reasons", "dead redrive", "hooks list"]
)
def test_every_command_that_tells_facts_takes_json(name: str, run: Run) -> None:
    assert "--json" in run(*name.split(), "--help").stdout


def test_help_loads_neither_tables_nor_workers() -> None:
    program = (
        "import sys; from shipper.cli import main\n"
        "try: main()\n"
        "finally: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = set(said.stderr.split())

    assert "Usage: shipper" in said.stdout
    assert (
        loaded & {"rich", "workers", "celery", "kombu", "requests", "pycurl", "starlette", "structlog"}
        == set()
    )


def test_it_is_a_module_too() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "shipper", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert said.stdout.startswith("shipper")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("statsu",), "There is no command 'statsu'. Did you mean status?"),
        (("\x1b[31m",), r"There is no command '\x1b[31m'. See shipper --help."),
        (("status", "--wrong"), "No such option"),
        (("status", "--account", "No!"), "is no alias of an account"),
        (("pause", "--for", "soon"), "'soon' is no time span: write 30s, 10m, 1h30m or 2d"),
        (("dead", "list", "--since", "noon"), "'noon' is no time"),
        (("dead", "list", "--code", "abc"), "is no number: write 3009, or none"),
        (("dead", "list", "--code", "٣٠١٧"), "is no number: write 3009, or none"),
        (("dead", "list", "--since", "99999999999h"), "is beyond the years 1970 to 9999"),
        (("pause", "--for", "0s"), "the pause is no time span from 1 ms to 365 d"),
        (("pause", "--for", "366d"), "the pause is no time span from 1 ms to 365 d"),
        (("dead", "list", "--before", "x"), "is no place in the list"),
        (("dead", "list", "--before", "2326-11-22/01HF7YAT000000000000000001"), "is no place in the list"),
        (("dead", "list", "--before", "1926-11-22/01HF7YAT000000000000000001"), "is beyond the years"),
        (("dead", "list", "--reason", "odd"), "'odd' is not one of"),
        (("dead", "redrive"), "Say which"),
        (("dead", "redrive", "--all", "--reason", "refused"), "Say which"),
        (("dead", "discard", "01HF7YAT000000000000000001", "--all"), "Say which"),
        (("hooks", "retry"), "Say which"),
        (("show",), "Missing argument"),
        (("send",), "Give --customer and --event, or a file"),
        (("send", "-", "--event", "visit"), "A file brings its own events"),
    ],
)
def test_wrong_use_is_told_and_exits_with_2(arguments: tuple[str, ...], message: str, run: Run) -> None:
    result = run(*arguments, code=2)

    assert message in result.stderr
    assert result.stdout == ""


def test_without_redis_a_command_says_what_to_do_and_exits_with_1(
    run: Run, private_server: StartServer
) -> None:
    server = private_server()
    server.kill()

    result = run("status", code=1, SHIPPER_REDIS_URL=server.url)

    assert result.stderr.startswith("Error: Redis did not take the request: ")
    assert "shipper doctor looks closer" in result.stderr
    assert result.stdout == ""


def test_bad_settings_are_told_together_a_line_each(run: Run) -> None:
    result = run("status", code=1, SHIPPER_LEASE_MS="soon", SHIPPER_PUMPS="0")

    first, second, advice = result.stderr.splitlines()
    assert first.startswith("Error: SHIPPER_")
    assert second.startswith("       SHIPPER_")
    assert "SHIPPER_LEASE_MS is 'soon': input should be a valid integer" in result.stderr
    assert "SHIPPER_PUMPS is '0': input should be greater than or equal to 1" in result.stderr
    assert advice == "shipper config lists the settings and where each comes from."


def test_a_password_in_a_bad_url_is_not_repeated(run: Run) -> None:
    result = run("status", code=1, SHIPPER_REDIS_URL="redis://ann:hunter2@host:port/0")

    assert "SHIPPER_REDIS_URL is no URL of a Redis" in result.stderr
    assert "hunter2" not in result.output


def test_another_redis_can_be_named(run: Run, private_server: StartServer) -> None:
    other = private_server()

    result = run("status", "--json", "--redis-url", other.url, SHIPPER_REDIS_URL="redis://127.0.0.1:1/0")

    assert '"accepted":0' in result.stdout


def test_an_error_that_nobody_expected_is_not_hidden(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("shipper.cli.desk.open_inspectors", fail)

    with pytest.raises(ZeroDivisionError):
        run("status")


def test_an_expected_error_is_chained_to_its_message(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LedgerUnavailableError("gone \x1b[2J away")

    monkeypatch.setattr("shipper.cli.desk.open_inspectors", fail)

    result = run("status", code=1)

    assert result.stderr.startswith(r"Error: gone \x1b[2J away")


def test_several_accounts_are_told_together_and_changed_one_by_one(run: Run) -> None:
    both = "shop-eu,shop-us"

    facts = run("status", "--json", SHIPPER_ACCOUNTS=both)
    refused = run("pause", code=2, SHIPPER_ACCOUNTS=both)
    done = run("pause", "--account", "shop-us", "--json", SHIPPER_ACCOUNTS=both)

    assert [line[:22] for line in facts.stdout.splitlines()] == [
        '{"account":"shop-eu","',
        '{"account":"shop-us","',
    ]
    assert "choose one by --account (shop-eu, shop-us)" in refused.stderr
    assert '"account":"shop-us"' in done.stdout


def test_the_group_knows_its_commands(run: Run) -> None:
    assert cli.list_commands(click.Context(cli)) == list(COMMANDS)
    assert cli.get_command(click.Context(cli), "nothing") is None
