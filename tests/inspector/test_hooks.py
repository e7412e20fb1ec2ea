"""Hooks that were given up: listed with what they had to tell, tried again, or forgotten."""

from __future__ import annotations

from shipper.inspector import HookSeen, HooksHandled, Inspector
from tests.inspector.story import ACCEPTED, NOW, REFUSED, SECOND, Answer, Story


def failed(story: Story, customer: str, answer: Answer = ACCEPTED, error: str = "boom") -> str:
    event_id = story.enqueue(customer, "visit", hook="told", email="ann@example.com", mobile="+201001234567")
    story.calls(answer)
    story.hooks_fail(error)
    story.passes(SECOND)
    return event_id


def test_a_failed_hook_tells_its_event_and_its_error_masked(story: Story, inspector: Inspector) -> None:
    event_id = failed(story, "c-1", REFUSED, "KeyError: 'ann@example.com' of +201001234567")

    assert list(inspector.hooks.failed()) == [
        HookSeen(
            job=f"{event_id}:0",
            event_id=event_id,
            account="default",
            hook="told",
            ending="refused",
            event_names=("visit",),
            customer_id="c-1",
            email="a***@***",
            mobile="***67",
            unopened=None,
            attempts=1,
            tries=1,
            error="KeyError: '***' of ***",
            ended_at=NOW + 120,
            failed_at=NOW + 120,
        )
    ]


def test_failed_hooks_come_newest_first_and_page_by_page(story: Story, inspector: Inspector) -> None:
    jobs = [f"{failed(story, f'c-{i}')}:0" for i in range(5)]

    first = [hook.job for hook in inspector.hooks.failed(limit=2)]
    rest = [hook.job for hook in inspector.hooks.failed(beyond=first[-1])]

    assert first == [jobs[4], jobs[3]]
    assert rest == [jobs[2], jobs[1], jobs[0]]


def test_a_failed_hook_is_tried_again_by_its_events_id(story: Story, inspector: Inspector) -> None:
    event_id, other = failed(story, "c-1"), failed(story, "c-2")

    handled = inspector.hooks.retry([event_id, "01HF7YAT00000000000000ZZZZ"])

    assert handled == HooksHandled(account="default", done=1, not_failed=("01HF7YAT00000000000000ZZZZ",))
    assert [hook.event_id for hook in inspector.hooks.failed()] == [other]
    assert inspector.status().hooks_waiting == 1


def test_a_failed_hook_is_forgotten_by_its_job(story: Story, inspector: Inspector) -> None:
    event_id = failed(story, "c-1")

    handled = inspector.hooks.discard([f"{event_id}:0"])

    assert handled.done == 1
    assert list(inspector.hooks.failed()) == []
    assert inspector.status().hooks_waiting == 0


def test_all_failed_hooks_are_tried_again_each_once(story: Story, inspector: Inspector) -> None:
    for i in range(3):
        failed(story, f"c-{i}")

    handled = inspector.hooks.retry(None)

    assert handled == HooksHandled(account="default", done=3)
    assert inspector.status().hooks_waiting == 3
    assert inspector.status().hooks_failed == 0
