"""`shipper dead redrive` as a job, `shipper dead jobs` and `shipper trail`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from redis import Redis

from shipper.inspector import Inspector
from shipper.ledger.jobs import carry_on, jobs_of
from shipper.ledger.ledger import Ledger
from tests.cli.conftest import Open, Run, objects, one
from tests.inspector.story import ACCEPTED, HOUR, REFUSED, SETTINGS, Answer, Story
from tests.support.terminal import CTRL_C

FOR_EVER = 2**52
NOBODY = "no worker is alive: start one; the job waits in the ledger\n"


@pytest.fixture
def letters(story: Story) -> list[str]:
    """Three refused events, of which one has a customer of a name that could steer a terminal."""
    found = []
    for customer in ("c-1", "c-2", "[bold]c-3[/bold]"):
        found.append(story.enqueue(customer, "visit"))
        story.calls(REFUSED)
        story.passes(HOUR)
    return found


@contextmanager
def working(story: Story, ledger: Ledger, redis: Redis, answer: Answer = ACCEPTED) -> Iterator[None]:
    """Be a worker meanwhile: carry jobs on, and answer what they send."""
    ends = Event()
    seconds, _ = redis.time()
    story.now = (seconds + 3600) * 1000
    redis.zadd("{shipper:default}:crew", {"w:1": FOR_EVER})

    def work() -> None:
        while not ends.wait(0.02):
            for job in jobs_of(ledger):
                carry_on(ledger, job.name)
            while story.calls(answer):
                pass

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def test_a_filter_becomes_a_job_that_is_followed_to_its_end(
    run: Run, story: Story, ledger: Ledger, redis: Redis, letters: list[str]
) -> None:
    with working(story, ledger, redis):
        result = run("dead", "redrive", "--reason", "refused", "--rate", "100/s", "--yes")

    name = jobs_of(ledger)[0].name
    assert result.stderr == f"job {name} started: 3 event(s) at 100/s\n"
    assert f"job {name} is done\n" in result.stdout
    assert "  sent      3 of 3\n  delivered 3\n" in result.stdout


def test_a_job_that_did_not_go_well_exits_with_1(
    run: Run, story: Story, ledger: Ledger, redis: Redis, letters: list[str]
) -> None:
    with working(story, ledger, redis, REFUSED):
        job = one(run("dead", "redrive", "--all", "--rate", "100/s", "--yes", "--json", code=1))

    assert (job["state"], job["failed"], job["codes"]) == ("done", 3, {"refused 3009": 3})


def test_without_a_worker_the_job_waits_and_the_command_says_so(run: Run, letters: list[str]) -> None:
    waited = run("dead", "redrive", "--all", "--yes", "--json", code=1)
    detached = run("dead", "redrive", "--all", "--yes", "--json", "--detach", "--because", "activated")

    assert (waited.stderr, detached.stderr) == (NOBODY, NOBODY)
    assert (one(waited)["state"], one(waited)["rate"], one(waited)["total"]) == ("running", 20.0, 3)
    assert one(detached)["about"].startswith("activated: until=")


def test_jobs_are_listed_and_turned(run: Run, letters: list[str]) -> None:
    name = one(run("dead", "redrive", "--all", "--yes", "--json", "--detach", "--rate", "30/m"))["job"]

    turned = [one(run("dead", "jobs", word, name, "--json")) for word in ("pause", "resume", "cancel")]
    again = run("dead", "jobs", "resume", name, code=1)

    assert [job["state"] for job in turned] == ["paused", "running", "cancelled"]
    assert f"Error: redrive job {name} is cancelled: it cannot resume\n" in again.stderr
    assert [job["job"] for job in objects(run("dead", "jobs", "list", "--json"))] == [name]
    assert one(run("dead", "jobs", "show", name, "--json"))["rate"] == 0.5
    assert "has no redrive job nope" in run("dead", "jobs", "show", "nope", code=1).stderr


@pytest.mark.parametrize("rate", ["50", "0/s", "-1/s", "5/h", "2000/s", "nan/s", "1e3/s"])
def test_a_rate_that_is_none_says_how_one_is_written(rate: str, run: Run) -> None:
    assert "is no rate: " in run("dead", "redrive", "--all", "--rate", rate, code=2).stderr


def test_many_letters_are_discarded_for_a_reason_only(run: Run, letters: list[str]) -> None:
    refused = run("dead", "discard", "--all", "--yes", code=2)
    done = run("dead", "discard", "--all", "--yes", "--because", "a test shop")

    assert "Say why: --because tells it to the audit log" in refused.stderr
    assert done.stdout == "3 discarded\n"
    entry = one(run("trail", "--json"))
    assert (entry["action"], entry["count"], entry["ids"]) == ("discard", 3, letters)
    assert entry["about"].startswith("a test shop: until=")


def test_what_operators_did_is_told_with_their_names(run: Run, letters: list[str]) -> None:
    run("pause", "--for", "1m", SHIPPER_OPERATOR="mona")
    run("resume", SHIPPER_OPERATOR="omar")
    run("dead", "redrive", letters[0], "--yes", LOGNAME="lea")

    entries = objects(run("trail", "--json"))
    assert [(each["operator"], each["action"]) for each in entries] == [
        ("lea", "redrive"),
        ("omar", "resume"),
        ("mona", "pause"),
    ]
    assert [each["action"] for each in objects(run("trail", "--operator", "omar", "--json"))] == ["resume"]
    assert objects(run("trail", "--event", letters[0], "--json")) == entries[:1]
    assert objects(run("trail", "--action", "pause", "--since", "1h", "--json")) == entries[2:]
    place = entries[0]["place"]
    assert run("trail", "--limit", "1").stdout.endswith(f"\nthe next page: --before {place}\n")
    assert run("trail", "--limit", "1", "--json").stderr == f"the next page: --before {place}\n"
    assert objects(run("trail", "--before", place, "--json")) == entries[1:]


@pytest.mark.parametrize("place", ["garbage", "1-", "+", "\u0661-1", ""])
def test_a_place_that_can_be_none_in_the_log_is_refused(run: Run, place: str) -> None:
    refused = run("trail", "--before", place, code=2)

    assert "is no place in the log: write 1700000000000-0" in " ".join(refused.stderr.split())


def test_nothing_was_done_yet(run: Run) -> None:
    assert run("trail").stdout == "nothing was done\n"
    assert run("dead", "jobs", "list").stdout == "no redrive jobs\n"


def test_a_person_sees_a_bar_and_leaves_the_job_running(
    in_terminal: Open, story: Story, ledger: Ledger, redis: Redis, letters: list[str]
) -> None:
    redis.zadd("{shipper:default}:crew", {"w:1": FOR_EVER})
    terminal = in_terminal("dead", "redrive", "--all", "--yes", "--rate", "1/m")
    terminal.await_text("sent 0/3 delivered 0")

    terminal.type(CTRL_C)

    assert terminal.await_end() == 0
    name = jobs_of(ledger)[0].name
    assert f"shipper dead jobs cancel {name} ends it." in terminal.text
    assert Inspector(ledger, SETTINGS).jobs.find(name).state == "running"


def test_jobs_and_the_audit_log_fit_the_terminal(
    in_terminal: Open, inspector: Inspector, letters: list[str]
) -> None:
    inspector.jobs.start([*letters], because="a rather long reason, " * 9)
    inspector.expunge("a customer with a rather long id, " * 2)
    commands = (
        "dead jobs list",
        "dead jobs show " + inspector.jobs.all()[0].job,
        "trail",
        "dead redrive --help",
    )
    terminals = {command: in_terminal(*command.split()) for command in commands}

    codes = {command: terminal.await_end() for command, terminal in terminals.items()}

    assert codes == dict.fromkeys(commands, 0)
    wide = [line for each in terminals.values() for line in each.text.splitlines() if len(line) > 80]
    assert wide == []
    assert all(re.search(r"\x1b\[\d+A", each.output) is None for each in terminals.values())


@pytest.fixture
def inspector(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS, operator="an operator with a rather long name")
