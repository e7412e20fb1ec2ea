"""`shipper dead redrive --dry-run` against a sandbox: it tells, and it sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Run
from tests.inspector.story import REFUSED, Story
from tests.support.sandbox import Sandbox

PLAN = {"points": {"default": 0, "events": {"signup": 100}}}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("preview"), plan=PLAN) as sandbox:
        sandbox.track("c-1", {"visit": {}})
        yield sandbox


@pytest.fixture
def redrive(shared: Sandbox, run: Run, story: Story) -> Run:
    """Redrive three events: one earns 100 points, one has a name nobody knows, one an unknown customer."""
    for customer, name in (("c-1", "signup"), ("c-1", "sign_up"), ("c-new", "signup")):
        story.enqueue(customer, name)
        story.calls(REFUSED)
    keys = {"GAMEBALL_API_KEY": "k", "GAMEBALL_SECRET_KEY": "s", "GAMEBALL_BASE_URL": shared.url}

    def redrive(*arguments: str, code: int = 0, **env: str) -> object:
        return run("dead", "redrive", "--all", *arguments, code=code, **{**keys, **env})

    return redrive  # type: ignore[return-value]


def test_a_dry_run_tells_what_would_be_earned_and_refused(redrive: Run, run: Run, shared: Sandbox) -> None:
    shown = redrive("--dry-run", code=1).stdout

    assert "Gameball was asked for 3 event(s); nothing was sent" in shown
    assert "1 would earn 100 points, 0 coupon(s)" in shown
    assert "1 would be refused, or reward nothing: EventNotFound" in shown
    assert "1 unknown: Gameball knows no such active customer" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert json.loads(run("status", "--json").stdout)["dead"] == 3
    assert len(shared.accepted()) == 1


def test_a_dry_run_in_json_is_one_object(redrive: Run) -> None:
    seen = json.loads(redrive("--dry-run", "--json", code=1).stdout)

    assert (seen["asked"], seen["points"], seen["refused"]) == (3, 100, {"EventNotFound": 1})


def test_a_redrive_that_a_budget_does_not_hold_is_not_begun(redrive: Run, run: Run) -> None:
    refused = redrive("--points-budget", "99", "--yes", code=1)

    assert "nothing was sent: it would earn 100 points, more than the budget of 99" in refused.stderr
    assert json.loads(run("status", "--json").stdout)["dead"] == 3


def test_a_redrive_that_a_budget_holds_goes_on(redrive: Run, run: Run) -> None:
    redrive("--points-budget", "100", "--yes", "--detach")

    assert run("dead", "jobs", "list", "--json").stdout.count("\n") == 1


def test_a_sample_without_a_preview_is_wrong_use(redrive: Run) -> None:
    assert "--sample goes with --dry-run" in redrive("--sample", "2", "--yes", code=2).stderr


def test_without_keys_it_says_which_are_missing(redrive: Run) -> None:
    assert "GAMEBALL_API_KEY" in redrive("--dry-run", code=1, GAMEBALL_API_KEY="").stderr
