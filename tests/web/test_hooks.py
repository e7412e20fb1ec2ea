"""Hooks that were given up, on the page and by the API: an event's, and an alarm's, which has no event."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from redis import Redis

from shipper.inspector import Inspector
from shipper.ledger.ledger import Ledger
from shipper.web.api.description import described
from tests.inspector.story import ACCEPTED, SECOND, SETTINGS, Story
from tests.web.asking import Answer, Browser

HERE = "/api/v1/accounts/default"


def post(browser: Browser, path: str, said: Any) -> Answer:
    kind = {"content-type": "application/json"}
    return browser.ask("POST", f"{HERE}/{path}", headers=kind, body=json.dumps(said).encode())


def failed(story: Story, customer: str) -> str:
    event_id = story.enqueue(customer, "visit", hook="told")
    story.calls(ACCEPTED)
    story.hooks_fail()
    story.passes(SECOND)
    return f"{event_id}:0"


def test_an_alarms_hook_is_listed_without_a_link_to_an_event(page: Browser, story: Story) -> None:
    event_id = failed(story, "c-1").partition(":")[0]
    job = story.alarm_hooks_fail()

    listed = page.get("/a/default/hooks")

    assert (job.partition(":")[0] in listed.says, "the pager is away" in listed.says) == (True, True)
    assert re.findall(r'href="/a/default/events/([^"]+)"', listed.text) == [event_id]


@pytest.mark.parametrize("action", ["retry", "discard"])
def test_an_alarms_hook_is_put_right_on_the_page(
    action: str, page: Browser, story: Story, ledger: Ledger
) -> None:
    job = story.alarm_hooks_fail()

    asked = page.get(f"/a/default/hooks/{action}?job={job}")
    done = page.post(f"/a/default/hooks/{action}", {"job": job})

    assert (asked.status, job in asked.says) == (200, True)
    assert done.status == 303
    assert list(Inspector(ledger, SETTINGS).hooks.failed()) == []


@pytest.mark.parametrize("action", ["retry", "discard"])
def test_an_alarms_hook_is_put_right_by_the_api(action: str, page: Browser, story: Story) -> None:
    job = story.alarm_hooks_fail()

    done = post(page, f"hooks/{action}", {"jobs": [job]})

    assert (done.status, done.json["done"], done.json["not_failed"]) == (200, 1, [])


def test_a_page_that_ends_with_an_alarms_hook_has_a_next_one(page: Browser, story: Story) -> None:
    older = failed(story, "c-1")
    alarm = story.alarm_hooks_fail()

    first = page.get(f"{HERE}/hooks?limit=1").json
    rest = page.get(f"{HERE}/hooks?limit=1&before={first['next']}").json
    shown = page.get(f"/a/default/hooks?before={alarm}")

    assert ([each["job"] for each in first["hooks"]], first["next"]) == ([alarm], alarm)
    assert ([each["job"] for each in rest["hooks"]], rest["next"]) == ([older], None)
    assert (shown.status, older in shown.says) == (200, True)


def test_a_page_after_a_hook_that_was_put_right_meanwhile_does_not_begin_anew(
    page: Browser, story: Story, ledger: Ledger
) -> None:
    failed(story, "c-1")
    last = failed(story, "c-2")
    Inspector(ledger, SETTINGS).hooks.retry([last])

    shown = page.get(f"/a/default/hooks?before={last}")
    told = page.get(f"{HERE}/hooks?before={last}")

    assert (shown.status, told.status) == (404, 404)
    assert f"{last} is no failed hook any more" in told.json["error"]["detail"]


@pytest.mark.parametrize(
    "job", ["nonsense", "alarm-dead:0", "alarm--1:0", "alarm-dead-1", "ALARM-dead-1:0", "alarm-dead-\u0661:0"]
)
def test_what_can_be_no_hook_job_is_refused(job: str, page: Browser, redis: Redis) -> None:
    shown = page.post("/a/default/hooks/retry", {"job": job})
    told = post(page, "hooks/retry", {"jobs": [job]})

    assert (shown.status, told.status) == (400, 400)
    assert "is no hook job" in told.json["error"]["detail"]


def test_the_description_says_what_a_hook_job_looks_like(story: Story) -> None:
    paths = described()["paths"]
    body = paths["/api/v1/accounts/{account}/hooks/retry"]["post"]["requestBody"]["content"]
    jobs = body["application/json"]["schema"]["properties"]["jobs"]["items"]
    asked = paths["/api/v1/accounts/{account}/hooks"]["get"]["parameters"]
    (before,) = (each["schema"] for each in asked if each["name"] == "before")

    pattern = re.compile(jobs["pattern"])

    assert before == jobs
    assert pattern.search(failed(story, "c-1"))
    assert pattern.search(story.alarm_hooks_fail())
    assert not pattern.search("nonsense:0")
