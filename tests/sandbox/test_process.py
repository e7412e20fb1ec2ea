"""The sandbox as a process: one line when it is ready, a clean end, and clear words when it cannot start."""

from __future__ import annotations

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from shipper.errors import SettingsError
from shipper.sandbox import Plan, load_plan
from shipper.sandbox.act import Act
from shipper.sandbox.command import sandbox as command
from shipper.sandbox.faults import FaultSpec, Match
from shipper.sandbox.points import Rule, Rules
from tests.support.sandbox import Sandbox

PLAN_TOML = """
[points]
default = 5

[points.events]
write_review = 50
purchase = { property = "total", points = 2 }

[[faults]]
match = { event = "purchase", share = 0.1 }
do = { status = 500, when = "after" }
"""


def run(*arguments: str) -> Result:
    """Run the command here: where it cannot start, no process is needed to see it."""
    return CliRunner().invoke(command, arguments)


def test_one_line_tells_the_url_and_the_seed(sandbox: Sandbox) -> None:
    found = re.fullmatch(r"sandbox ready at (\S+) \(seed 1\)\n", sandbox.ready_line)

    assert found is not None
    assert found[1] == sandbox.url


def test_the_sandbox_is_reached_over_loopback_alone_unless_asked(sandbox: Sandbox) -> None:
    shown = run("--help").output

    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10):
        pass
    with pytest.raises(OSError, match=r"refused|assign"):
        socket.create_connection(("127.0.0.2", sandbox.port), timeout=10)
    assert "[default: 127.0.0.1]" in " ".join(shown.split())


@pytest.mark.parametrize("end", ["stop", "interrupt"])
def test_a_signal_ends_it_cleanly_with_connections_open_and_a_call_under_way(
    tmp_path: Path, end: str
) -> None:
    with Sandbox(tmp_path) as sandbox, ThreadPoolExecutor() as threads:
        sandbox.add_fault({"drip": 1})
        idle = socket.create_connection(("127.0.0.1", sandbox.port), timeout=10)
        call = threads.submit(sandbox.track)
        sandbox.wait_until(sandbox.accepted)

        code = getattr(sandbox, end)()

        assert code == 0
        assert sandbox.errors == ""
        assert isinstance(call.exception(), requests.RequestException)
        idle.close()


def test_a_port_that_is_taken_is_told(sandbox: Sandbox) -> None:
    found = run(f"--port={sandbox.port}")

    assert found.exit_code == 1
    assert found.stdout == ""
    assert re.fullmatch(r"Error: \[Errno \d+\] Address already in use\n", found.stderr)


def test_a_plan_that_cannot_be_is_told_with_every_problem(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('points.default = -1\nfaults = [{ do = { status = "x" } }]\n')

    found = run(f"--plan={plan}")

    assert found.exit_code == 1
    assert "points.default Input should be greater than or equal to 0" in found.stderr
    assert "faults.0.do.status Input should be a valid integer" in found.stderr


@pytest.mark.parametrize("content", ["notes\n", "notes without an end", '{"other": 1}\n'])
def test_a_log_that_is_something_else_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)

    found = run(f"--log={path}")

    assert found.exit_code == 1
    assert found.stderr == f"Error: {path} is not a log of accepted calls\n"
    assert path.read_text() == content


@pytest.mark.parametrize(("name", "content"), [("no.json", None), ("bad.json", "{"), ("bad.toml", "[")])
def test_a_plan_that_cannot_be_read_is_told_by_its_path(
    tmp_path: Path, name: str, content: str | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)

    with pytest.raises(SettingsError) as raised:
        load_plan(path)

    assert raised.value.problems[0].path == str(path)
    assert raised.value.problems[0].message.startswith("cannot be read: ")


def test_a_plan_may_be_toml(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN_TOML)

    found = load_plan(path)

    assert found == Plan(
        points=Rules(default=5, events={"write_review": 50, "purchase": Rule(property="total", points=2)}),
        faults=(FaultSpec(match=Match(event="purchase", share=0.1), do=Act(status=500, when="after")),),
    )


def test_keys_are_not_among_what_it_shows() -> None:
    found = run("--api-key=canary-key", "--secret-key=canary-secret", "--port=0", "--log=/no/such/folder/log")

    assert found.exit_code == 1
    assert "canary" not in found.output
