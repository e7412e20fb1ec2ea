"""The page of an event says which request it came with."""

from __future__ import annotations

from tests.inspector.story import REFUSED, Story
from tests.web.asking import Browser


def test_the_page_of_an_event_tells_the_context_it_came_with(page: Browser, story: Story) -> None:
    event_id = story.enqueue("c-1", "visit", context="request_id=r-17%3Cb%3E&tenant=t")
    story.calls(REFUSED)

    told = page.get(f"/a/default/events/{event_id}").text

    assert "<dt>request_id</dt><dd><code>r-17&lt;b&gt;</code></dd>" in told
    assert "<dt>tenant</dt><dd><code>t</code></dd>" in told
