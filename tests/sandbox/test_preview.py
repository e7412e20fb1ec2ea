"""The reward preview: what events would earn, told and not done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from requests import Response

from shipper.sandbox.contract import Track
from shipper.sandbox.points import Rule, Rules
from shipper.sandbox.preview import preview_of
from shipper.sandbox.windows import Limits
from tests.support.sandbox import Sandbox

RULES = Rules(default=0, events={"signup": 100, "purchase": Rule(property="total", points=2)})


def told(name: str, metadata: dict[str, object], rules: Rules = RULES) -> dict[str, Any]:
    found = preview_of(Track(customer_id="c-1", events={name: metadata}), rules, seen={"visit"})
    event: dict[str, Any] = found["events"][0]
    assert found["totalPoints"] == event["totalPoints"]
    return event


def ask(sandbox: Sandbox, customer: str = "c-1", version: str = "v4.0", **headers: str) -> Response:
    body = {"customerId": customer, "events": {"signup": {}, "purchase": {"total": 30}}}
    return sandbox.ask(
        "POST",
        f"/api/{version}/integrations/events/reward-preview",
        data=json.dumps(body),
        headers={"Content-Type": "application/json", "APIKey": "key", **headers},
    )


def test_an_event_with_a_rule_is_a_campaign_of_its_own() -> None:
    event = told("purchase", {"total": 12})

    assert (event["valid"], event["totalPoints"], len(event["campaigns"])) == (True, 24, 1)
    (campaign,) = event["campaigns"]
    assert (campaign["campaignId"], campaign["points"], campaign["reason"]) == (2, 24, "Rewarded")


def test_metadata_that_meets_no_condition_earns_nothing() -> None:
    event = told("purchase", {"total": "12"})

    assert (event["valid"], event["totalPoints"]) == (True, 0)
    assert (event["campaigns"][0]["eligible"], event["campaigns"][0]["reason"]) == (
        False,
        "NoMatchingConditions",
    )


def test_an_event_that_nothing_rewards_is_valid_once_it_was_sent_and_else_not_found() -> None:
    assert told("visit", {}) == {
        "eventName": "visit",
        "valid": True,
        "invalidReason": None,
        "totalPoints": 0,
        "campaigns": [],
    }
    assert told("vissit", {})["invalidReason"] == "EventNotFound"


def test_a_preview_agrees_with_the_points_and_changes_nothing(planned_sandbox: Sandbox) -> None:
    planned_sandbox.track("c-1", {"signup": {}})
    before = planned_sandbox.ledger(), planned_sandbox.stats(), planned_sandbox.accepted()

    answer = ask(planned_sandbox)

    assert (answer.status_code, answer.json()["totalPoints"]) == (200, 160)
    assert [event["eventName"] for event in answer.json()["events"]] == ["signup", "purchase"]
    assert (planned_sandbox.ledger(), planned_sandbox.stats(), planned_sandbox.accepted()) == before


def test_a_customer_that_does_not_exist_is_an_error_and_not_created(sandbox: Sandbox) -> None:
    answer = ask(sandbox, "nobody")

    assert (answer.status_code, answer.json()["code"]) == (404, 7000)
    assert sandbox.ledger() == {}


def test_v41_wants_the_secret(sandbox: Sandbox) -> None:
    sandbox.track("c-1")

    assert ask(sandbox, version="v4.1").json()["code"] == 1001
    assert ask(sandbox, version="v4.1", SecretKey="secret").status_code == 200


def test_only_a_post_is_a_preview(sandbox: Sandbox) -> None:
    answer = sandbox.ask("GET", "/api/v4.0/integrations/events/reward-preview")

    assert answer.status_code == 404


def test_previews_have_the_windows_of_the_customers_path(tmp_path: Path) -> None:
    assert Limits().of_customers == Limits(per_second=30, per_30_seconds=360)
    with Sandbox(tmp_path, per_30_seconds=10) as sandbox:
        sandbox.track("c-1")

        statuses = [ask(sandbox).status_code for _ in range(4)]

        assert statuses == [200, 200, 200, 429]
        assert sandbox.track("c-1").status_code == 200
