"""What the pages say and do, without a browser: filters, places in a list, mistakes, several accounts."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import partial
from html import unescape
from itertools import chain

import pytest
from redis import Redis

from shipper.clock import now_ms
from shipper.inspector import Filter, Inspector, TrailFilter
from shipper.inspector.preview import Quote
from shipper.ledger.jobs import carry_on
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from shipper.web.look import STATIC
from shipper.web.told import MESSAGES, read_told, write_told
from tests.inspector.story import ACCEPTED, FIELD, HOUR, LOST, REFUSED, SETTINGS, SPENT, Story
from tests.support.waiting import until
from tests.web.asking import Browser
from tests.web.conftest import TOKENS, VIEWER_TOKEN, Open

ID = re.compile(r"events/([0-9A-Z]{26})\"")


def test_htmx_is_the_file_that_was_vetted_and_its_licence_lies_beside_it() -> None:
    lines = (STATIC / "htmx.sha256").read_text().splitlines()

    found = {
        name: hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
        for name in ("htmx.min.js", "htmx.LICENSE")
    }

    assert {line.split()[1]: line.split()[0] for line in lines} == found
    assert "Zero-Clause BSD" in (STATIC / "htmx.LICENSE").read_text()


def test_no_page_holds_script_or_style_of_its_own() -> None:
    templates = [path.read_text() for path in (STATIC.parent / "templates").glob("*.html")]

    found = [
        re.findall(r"<style|<script(?! src)|\son\w+=|\sstyle=|javascript:|https?://", text)
        for text in templates
    ]

    assert [each for each in found if each] == []


def test_a_list_is_paged_by_place_and_misses_and_repeats_nothing(page: Browser, story: Story) -> None:
    ids = story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(120)])
    story.calls(REFUSED, most=200)

    first = page.get("/a/default/letters?reason=refused")
    second = page.get(_next(first.text))
    third = page.get(_next(second.text))

    found = [ID.findall(answer.text) for answer in (first, second, third)]
    assert [len(each) for each in found] == [50, 50, 20]
    assert sorted(chain.from_iterable(found)) == sorted(ids)
    assert 'rel="next"' not in third.text
    assert "Newest" in third.says


def _next(text: str) -> str:
    (found,) = re.findall(r'href="([^"]+)" rel="next"', text)
    return str(found).replace("&amp;", "&")


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("reason=nonsense", "reason is none of refused"),
        ("code=30O9", "code is no number"),
        ("since=yesterday", "since: 'yesterday' is no time"),
        ("since=99999999999999d", "since:"),
        ("before=1.x", "before is no place in the list"),
        ("before=10000000000000.01HF7YAT000000000000000001", "before is no place in the list"),
        ("customer=" + "x" * 501, "customer is longer than 500 characters"),
    ],
)
def test_a_filter_that_cannot_be_is_told_beside_what_was_asked(
    query: str, problem: str, page: Browser
) -> None:
    answer = page.get(f"/a/default/letters?{query}")

    assert answer.status == 400
    assert problem in answer.says
    assert 'name="reason"' in answer.text


def test_a_search_finds_an_event_by_its_id_and_letters_by_their_customer(page: Browser, story: Story) -> None:
    event_id = story.enqueue("c-1", "visit")

    assert page.get(f"/a/default/find?q=%20{event_id}%20").place == f"/a/default/events/{event_id}"
    assert page.get("/a/default/find?q=c%2B1%20%26").place == "/a/default/letters?customer=c%2B1+%26"
    assert page.get("/a/default/find?q=%20c-1").place == "/a/default/letters?customer=+c-1"
    assert page.get("/a/default/find?q=%20").place == "/a/default/letters"
    assert page.get(f"/a/default/events/{event_id}").status == 200
    assert page.get("/a/default/events/nonsense").status == 404
    assert page.get("/a/default/events/7ZZZZZZZZZZZZZZZZZZZZZZZZZ").status == 404


def test_the_letters_of_a_misspelt_event_are_found_by_their_link(page: Browser, story: Story) -> None:
    story.enqueue("c-1", "purchase ")
    story.enqueue("c-2", "purchase")
    story.enqueue("c-3", "purchase")
    story.calls(REFUSED)
    reasons = page.get("/a/default/reasons").text
    (link,) = (
        each for each in re.findall(r'href="([^"]+)"', reasons) if "/redrive?" in each and "purchase+" in each
    )

    asked = page.get(link.replace("&amp;", "&"))

    assert "Send again 1 event?" in asked.says
    assert 'name="event" value="purchase "' in asked.text


def test_a_group_has_its_edit_before_its_redrive_each_as_a_shell_reads_it(
    page: Browser, story: Story
) -> None:
    story.enqueue("c-1", "write\xa0review")
    story.calls(FIELD)

    reasons = unescape(page.get("/a/default/reasons").text)

    group = r"--reason refused --code 3003 --event $'write\xc2\xa0review' --field total"
    change = r"--set $'write\xc2\xa0review.PROPERTY=JSON' --dry-run"
    assert re.findall(r"(?<=>)(?:Where|After) .*(?=<)|shipper dead .*(?=</pre>)", reasons) == [
        "Where the events are wrong:",
        f"shipper dead edit {group} {change}",
        "After it is mended at Gameball:",
        f"shipper dead redrive {group}",
    ]


def test_an_empty_field_of_a_form_means_any(page: Browser, story: Story) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)

    found = page.get("/a/default/letters?reason=refused&customer=&event=&text=&since=&until=")

    assert "c-1" in found.says


def test_nothing_is_sent_or_discarded_by_a_form_that_names_nothing(
    page: Browser, story: Story, ledger: Ledger
) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)

    assert page.post("/a/default/redrive", {"rate": "20"}).status == 400
    assert page.post("/a/default/discard", {"because": "x"}).status == 400
    assert page.post("/a/default/hooks/discard").status == 400
    assert page.post("/a/default/redrive", {"rate": "0", "until": "0s"}).status == 400
    assert page.post("/a/default/redrive", {"rate": "20", "id": "nonsense"}).status == 400
    assert list(Inspector(ledger, SETTINGS).trail(TrailFilter())) == []


@pytest.mark.parametrize("because", [{}, {"because": " "}])
def test_many_are_discarded_with_a_reason_alone(
    because: dict[str, str], page: Browser, story: Story, ledger: Ledger
) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    asked = page.get("/a/default/discard?reason=refused").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked))

    answer = page.post("/a/default/discard", {**hidden, **because})

    assert (answer.status, "Nothing was discarded: say why" in answer.says) == (400, True)
    assert f'value="{hidden["until"]}"' in answer.text
    assert Inspector(ledger, SETTINGS).letters.choose(Filter()).count == 1


def test_what_dies_after_the_question_is_not_in_the_answer(
    page: Browser, story: Story, ledger: Ledger
) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    asked = page.get("/a/default/discard?reason=refused").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked))
    story.now = 4_000_000_000_000  # 2096
    story.enqueue("c-2", "visit")
    story.calls(REFUSED)

    answer = page.post("/a/default/discard", {**hidden, "because": "old"})

    assert answer.place == "/a/default/reasons?told=discarded.1"
    left = Inspector(ledger, SETTINGS).letters.page(Filter(), limit=9).letters
    assert [letter.customer_id for letter in left] == ["c-2"]


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("redrive", "0 of 1"),
        ("discard", "0 dead letters and 0 unclear"),
        ("export", '"letters":1'),
        ("correct", "Send 1 event like this?"),
    ],
)
def test_a_span_is_counted_from_the_question_and_not_from_its_answer(
    action: str, told: str, page: Browser, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    monkeypatch.setattr("shipper.web.filters.now_ms", lambda: story.now + 2 * HOUR)
    asked = page.get(f"/a/default/{action}?since=2h").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked))
    monkeypatch.setattr("shipper.web.filters.now_ms", lambda: story.now + 3 * HOUR)
    change = {"what1": "rename", "at1": "visit", "to1": "visits"}

    answer = page.post(f"/a/default/{action}", {**hidden, "rate": "50", "because": "old", **change})

    assert hidden["since"] == "2023-11-14T22:13:20.120Z"
    assert told in (page.get(answer.place).says if answer.status == 303 else answer.says)


@pytest.mark.parametrize("action", ["discard", "redrive"])
def test_a_form_that_names_an_event_is_about_what_it_was_when_the_question_was_asked(
    action: str, page: Browser, story: Story, ledger: Ledger
) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    asked = page.get(f"/a/default/{action}?id={event_id}").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked))
    inspector = Inspector(ledger, SETTINGS)
    inspector.letters.redrive(inspector.letters.choose([event_id]), may_duplicate=False)
    story.now = 4_000_000_000_000  # 2096
    story.calls(REFUSED)

    page.post(f"/a/default/{action}", {**hidden, "because": "old", "rate": "1000"})

    assert inspector.event(event_id).state is State.DEAD
    for job in (each.job for each in inspector.jobs.all()):
        until(partial(_has_looked, inspector, ledger, job))
        assert inspector.jobs.find(job).left == {"later": 1}


def _has_looked(inspector: Inspector, ledger: Ledger, job: str) -> bool:
    carry_on(ledger, job)
    return inspector.jobs.find(job).looked_at > 0


def test_no_form_discards_what_waits(page: Browser, story: Story, ledger: Ledger) -> None:
    event_id = story.enqueue("c-1", "visit")

    answer = page.post("/a/default/discard", {"id": event_id, "because": "old"})

    assert answer.place == f"/a/default/events/{event_id}?told=nothing"
    assert Inspector(ledger, SETTINGS).event(event_id).state is State.WAITING


def test_a_job_that_waits_says_so_on_its_page(page: Browser, story: Story, ledger: Ledger) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    inspector = Inspector(ledger, SETTINGS)
    job = inspector.jobs.start(Filter()).job
    inspector.pause()
    carry_on(ledger, job)

    assert "It waits until the account is held no more." in page.get(f"/a/default/jobs/{job}").says


def test_one_letter_is_sent_again_unclear_only_by_word(page: Browser, story: Story, ledger: Ledger) -> None:
    event_id = story.enqueue("c-1", "visit", on_unclear="park")
    story.calls(LOST)

    asked = page.get(f"/a/default/redrive?id={event_id}")
    answer = page.post("/a/default/redrive", {"id": event_id, "rate": "20", "may_duplicate": "yes"})

    assert "1 of them is unclear" in asked.says
    (job,) = Inspector(ledger, SETTINGS).jobs.all()
    assert (answer.place, job.may_duplicate, job.total) == (f"/a/default/jobs/{job.job}", True, 1)


def test_an_event_that_a_job_sent_tells_who_began_it(page: Browser, story: Story, ledger: Ledger) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    mona = Inspector(ledger, SETTINGS, operator="mona")
    job = mona.jobs.start(Filter(), rate=1000).job

    until(lambda: carry_on(ledger, job) or mona.jobs.find(job).sent)

    says = page.get(f"/a/default/events/{event_id}").says
    assert f"Sent again by mona in job {job}" in says


def test_an_event_that_was_edited_by_somebody_else_meanwhile_is_left_alone(
    page: Browser, story: Story, ledger: Ledger
) -> None:
    event_id = story.enqueue("c-1", events={"visit": {"page": "/a"}})
    story.calls(SPENT)
    place = f"/a/default/events/{event_id}/edit"
    ours = {"events": '{"visit": {"page": "/b"}}'}
    confirm = page.post(place, ours)
    (read,) = re.findall(r'name="read" value="([\d.]+)"', confirm.text)

    wrong = page.post(place, {**ours, "read": "0" * 16, "send": "yes"})
    right = page.post(place, {**ours, "read": read, "send": "yes"})
    again = page.post(place, {**ours, "read": read, "send": "yes"})

    assert wrong.place.endswith("?told=edit_changed")
    assert right.place.endswith("?told=edited")
    assert again.status == 400
    assert "no dead letter" in again.says


def test_a_stale_edit_leaves_a_letter_that_somebody_sent_again(
    page: Browser, story: Story, ledger: Ledger, redis: Redis
) -> None:
    event_id = story.enqueue("c-1", "visit", on_unclear="park")
    story.calls(LOST)
    inspector = Inspector(ledger, SETTINGS)
    place = f"/a/default/events/{event_id}/edit"
    change = {"events": '{"visit": {"n": 1}}'}
    (read,) = re.findall(r'name="read" value="([^"]+)"', page.post(place, change).text)
    inspector.letters.redrive(inspector.letters.choose([event_id]), may_duplicate=True)
    story.now = redis.time()[0] * 1000 + HOUR
    story.calls(LOST)

    answer = page.post(place, {**change, "read": read, "send": "yes", "may_duplicate": "yes"})

    assert answer.place.endswith("?told=edit_changed")
    assert inspector.event(event_id).state is State.UNCLEAR


def test_each_account_has_pages_of_its_own(open_page: Open) -> None:
    browser = open_page(accounts=("shop-eu", "shop-us"))

    assert browser.get("/").place == "/a/shop-eu/"
    assert '<a href="/a/shop-us/"' in browser.get("/a/shop-eu/").text
    assert browser.get("/a/default/").status == 404


def test_a_viewer_sees_no_buttons_and_no_personal_data(open_page: Open, story: Story) -> None:
    event_id = story.enqueue("c-1", "visit", email="ann@example.com", hook="told")
    story.calls(REFUSED)
    story.hooks_fail("for ann@example.com")
    browser = open_page(tokens=TOKENS)
    browser.post("/sign-in", {"token": VIEWER_TOKEN})

    texts = [
        browser.get(f"/a/default/{place}").text
        for place in ("", "reasons", "letters", f"events/{event_id}", "hooks")
    ]

    assert [
        word for text in texts for word in ("Discard", "again…", "Pause…", "ann@example.com") if word in text
    ] == []


def test_without_redis_the_page_says_so(open_page: Open) -> None:
    browser = open_page(redis_url="redis://127.0.0.1:1/0")

    answer = browser.get("/a/default/")

    assert answer.status == 503
    assert "The ledger does not answer" in answer.says


def test_every_message_is_told_and_no_other_words_are() -> None:
    for word, (_, sentence) in MESSAGES.items():
        told = read_told(write_told(word, *range(1, sentence.count("{}") + 1)))
        assert told is not None
        assert "{" not in told.text
    assert [
        read_told(text) for text in ("", "evil", "discarded", "discarded.1.2", "discarded.x", "paused.1")
    ] == [None] * 6


def test_the_overview_draws_an_hour_and_leaves_gaps(page: Browser, ledger: Ledger) -> None:

    now = now_ms()
    for i in (*range(300, 200, -1), *range(100, 0, -1)):
        numbers = f"accepted {(400 - i) * 20} delivered {(400 - i) * 10} waiting {i} calls {400 - i}"
        line = f"{now - i * 10_000} {numbers}"
        ledger.ask("LPUSH", key_of(ledger.account, "flow"), line)

    answer = page.get("/a/default/")

    assert "accepted 2.0 /s" in answer.says
    assert "delivered 1.0 /s" in answer.says
    (path,) = re.findall(r'class="line n1" d="([^"]+)"', answer.text)[:1]
    assert path.count("M") == 2


@pytest.mark.parametrize(("text", "found"), [("%2B20100123", 0), ("mobile", 1)])
def test_a_viewer_finds_no_letter_by_what_is_hidden_from_them(
    text: str, found: int, open_page: Open, story: Story
) -> None:
    event_id = story.enqueue("c-1", "visit", mobile="+201001234567")
    story.calls(replace(REFUSED, answer="mobile +201001234567 is taken"))
    browser = open_page(tokens=TOKENS)
    browser.post("/sign-in", {"token": VIEWER_TOKEN})

    shown = browser.get(f"/a/default/letters?text={text}")
    told = browser.get(
        f"/api/v1/accounts/default/letters?text={text}",
        headers={"authorization": f"Bearer {VIEWER_TOKEN}"},
    )

    assert (event_id in shown.text, len(told.json["letters"])) == (bool(found), found)


def test_waiting_events_are_told_where_nothing_is_dead(page: Browser, story: Story) -> None:
    story.enqueue("c-1", "visit")
    story.calls(ACCEPTED)

    assert "Long may it last." in page.get("/a/default/reasons").says
    assert "Long may it last." in page.get("/a/default/letters").says
    assert "Nobody has had to do anything yet." in page.get("/a/default/trail").says


def test_a_redrive_is_previewed_by_gameballs_own_word(
    open_page: Open, story: Story, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(3)])
    story.calls(REFUSED)
    quotes = iter(
        [Quote(kind="earns", points=40), Quote(kind="refused", why="<b>3009"), Quote(kind="nothing")]
    )
    monkeypatch.setattr("shipper.web.serve.quoter_of", lambda *_: lambda _body: next(quotes))
    page = open_page()

    answer = page.post("/a/default/preview", {"until": "0s", "reason": "refused"})

    assert "1 of 3 asked for would earn 40 points" in answer.says
    assert "1 would be refused: <b>3009" in answer.says
    assert "1 would earn nothing." in answer.says
    assert len(Inspector(ledger, SETTINGS).letters.page(Filter(), limit=9).letters) == 3
    assert Inspector(ledger, SETTINGS).jobs.all() == ()


def test_a_redrive_beyond_its_budget_is_not_begun_and_one_within_it_is(
    open_page: Open, story: Story, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(3)])
    story.calls(REFUSED)
    monkeypatch.setattr("shipper.web.serve.quoter_of", lambda *_: lambda _: Quote(kind="earns", points=40))
    page = open_page()
    form = {"until": "0s", "rate": "7", "because": 'for "ann"', "points_budget": "119"}

    over = page.post("/a/default/redrive", form)
    begun = list(Inspector(ledger, SETTINGS).jobs.all())
    within = page.post("/a/default/redrive", {**form, "points_budget": "120"})
    wrong = page.post("/a/default/redrive", {**form, "points_budget": "1e3"})

    assert over.status == 409
    assert "Nothing was sent: it would earn 120 points, more than the budget of 119." in over.says
    assert [f'value="{typed}"' in over.text for typed in ("7", "119", "for &#34;ann&#34;")] == [True] * 3
    assert begun == []
    assert within.place.startswith("/a/default/jobs/")
    assert (wrong.status, "points_budget is no whole number" in wrong.says) == (400, True)


def test_without_keys_a_preview_says_what_is_missing(
    page: Browser, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GAMEBALL_API_KEY", "GAMEBALL_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)

    answer = page.post("/a/default/preview", {"until": "0s"})

    assert answer.status == 400
    assert "GAMEBALL_API_KEY" in answer.says
