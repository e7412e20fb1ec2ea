"""Letters out by a download and in by an upload: whole, once, by operators alone, and written down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from shipper.errors import LedgerFullError, LedgerUnavailableError, ShipperError
from shipper.inspector import Filter, ImportCutError, Inspector, TrailFilter
from shipper.inspector.letters import Letters
from shipper.ledger.ledger import Ledger
from shipper.web import upload
from shipper.web.refusal import Refusal
from shipper.web.upload import Part
from tests.inspector.story import REFUSED, SETTINGS, Story
from tests.web.asking import Answer, Browser
from tests.web.conftest import TOKENS, VIEWER_TOKEN, Open

CANARY = "canary@example.com"
HERE, THERE = "/a/default", "/a/shop-2"
API = "/api/v1/accounts"
JSON = {"content-type": "application/json"}
LINES = {"content-type": "application/x-ndjson"}


@pytest.fixture
def letters(story: Story) -> list[str]:
    """Three refused letters."""
    found = [story.enqueue(f"c-{i}", "visit" if i else "order", email=CANARY) for i in range(3)]
    story.calls(REFUSED)
    return found


@pytest.fixture
def two(open_page: Open, letters: list[str]) -> Browser:
    """The page of two accounts, of which one has the letters."""
    return open_page(accounts=("default", "shop-2"))


def exported(browser: Browser, query: str = "", **said: str) -> Answer:
    """Ask for an export, and confirm."""
    asked = browser.get(f"{HERE}/export{query}").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked))
    return browser.post(f"{HERE}/export", {**hidden, **said})


def of_shop_2(ledger: Ledger) -> Inspector:
    return Inspector(Ledger(ledger.pool, "shop-2"), SETTINGS)


def acts(inspector: Inspector) -> list[tuple[str, str, int]]:
    return [(each.operator, each.action, each.count) for each in inspector.trail(TrailFilter())]


def test_an_export_is_a_file_that_nothing_keeps_and_that_stands_on_the_audit_log(
    two: Browser, letters: list[str], ledger: Ledger
) -> None:
    answer = exported(two, "?reason=refused")

    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["kind"] for line in lines] == ["head", "letter", "letter", "letter", "end"]
    assert [line["event_id"] for line in lines[1:-1]] == letters
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(
        r'attachment; filename="default-letters-\d{8}T\d{9}Z\.jsonl"', answer.headers["content-disposition"]
    )
    assert acts(Inspector(ledger, SETTINGS)) == [("ann", "export", 3)]


def test_a_masked_export_tells_no_contact(two: Browser, letters: list[str]) -> None:
    plain, masked = exported(two).text, exported(two, masked="yes").text

    assert CANARY in plain
    assert CANARY not in masked
    assert two.send_file(f"{THERE}/import", masked.encode()).status == 400


def test_ids_or_a_filter_say_what_a_program_exports(two: Browser, letters: list[str], ledger: Ledger) -> None:
    def ask(said: dict[str, Any]) -> Answer:
        return two.ask("POST", f"{API}/default/export", headers=JSON, body=json.dumps(said).encode())

    by_ids, by_filter, nothing = ask({"ids": [letters[1]]}), ask({"event": "order"}), ask({})

    found = [
        [json.loads(line)["event_id"] for line in a.text.splitlines()[1:-1]] for a in (by_ids, by_filter)
    ]
    assert found == [[letters[1]], [letters[0]]]
    assert (nothing.status, nothing.json["error"]["title"]) == (400, "That cannot be")


def test_a_large_export_leaves_piece_by_piece(page: Browser, story: Story) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {"text": "x" * 2000}}) for i in range(120)])
    story.calls(REFUSED, most=200)

    answer = exported(page)

    assert len(answer.text.splitlines()) == 122
    assert len(answer.pieces) > 3
    assert max(answer.pieces) < 70_000


def test_an_export_that_breaks_off_is_not_ended_in_order(
    two: Browser, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_: object, **__: object) -> Iterator[bytes]:
        yield b"{}\n"
        raise LedgerUnavailableError("gone")

    monkeypatch.setattr(Letters, "export", torn)

    with pytest.raises(LedgerUnavailableError):
        exported(two)


def test_letters_are_taken_in_and_known_ones_left_by_their_lines(
    two: Browser, letters: list[str], ledger: Ledger
) -> None:
    file = exported(two).text.encode()
    some = exported(two, "?event=order").text.encode()

    first = two.send_file(f"{THERE}/import", some)
    rest = two.send_file(f"{THERE}/import", file)

    assert "1 of 1 letter taken in" in first.says
    assert "2 of 3 letters taken in" in rest.says
    assert f"2 known here {letters[0]}" in rest.says
    found = of_shop_2(ledger).letters.page(Filter(), limit=9).letters
    assert sorted(letter.event_id for letter in found) == letters
    assert acts(of_shop_2(ledger)) == [("ann", "import", 2), ("ann", "import", 1)]


def test_a_file_is_only_checked_where_that_was_asked(two: Browser, ledger: Ledger) -> None:
    file = exported(two).text.encode()

    page = two.send_file(f"{THERE}/import?check=yes", file)
    program = two.ask("POST", f"{API}/shop-2/import?check=true", headers=LINES, body=file)

    assert "The file is whole: 3 letters" in page.says
    assert "Letters of default" in page.says
    assert (program.json["letters"], program.json["only_checked"], program.json["done"]) == (3, True, 0)
    assert acts(of_shop_2(ledger)) == []


def test_a_program_sends_a_file_as_it_is(two: Browser, letters: list[str], ledger: Ledger) -> None:
    file = exported(two).text.encode()

    first = two.ask("POST", f"{API}/shop-2/import", headers=LINES, body=file).json
    again = two.ask("POST", f"{API}/shop-2/import", headers=LINES, body=file).json

    assert (first["of"], first["letters"], first["done"], first["left"]) == ("default", 3, 3, {})
    assert (again["done"], again["left"]) == (0, {"known": 3})
    assert again["examples"] == [
        {"event_id": event_id, "why": "known", "line": line} for line, event_id in enumerate(letters, start=2)
    ]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda file: file[:-40], "line 5 is no whole line of an export"),
        (lambda file: file.replace(b"c-1", b"c-9"), "line 3 was changed"),
        (lambda _: b'{"customerId":"c"}\n', "line 1 is no whole line of an export"),
        (lambda _: b"\r\n--x\r\n", "line 1 is no whole line of an export"),
        (lambda _: b"", "no file was sent, or an empty one"),
    ],
    ids=["torn", "changed", "of another kind", "no lines", "empty"],
)
def test_a_file_that_is_not_whole_is_refused_with_its_line_and_nothing_taken_in(
    spoil: Any, problem: str, two: Browser, ledger: Ledger
) -> None:
    file = spoil(exported(two).text.encode())

    page = two.send_file(f"{THERE}/import", file)
    program = two.ask("POST", f"{API}/shop-2/import", headers=LINES, body=file)

    assert (page.status, program.status) == (400, 400)
    assert f"Nothing was taken in: {problem}" in page.says
    assert program.json["error"]["detail"].startswith(problem)
    assert acts(of_shop_2(ledger)) == []


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (ImportCutError(23, 20, "it went away"), 503, "The import broke off at line 23, with 20 letter(s)"),
        (LedgerFullError("Redis is full"), 507, "Nothing was taken in: Redis is full."),
        (LedgerUnavailableError("it is away"), 503, "The ledger does not answer it is away"),
    ],
)
def test_an_import_that_breaks_off_tells_how_far_it_came(
    error: ShipperError, status: int, told: str, two: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = exported(two).text.encode()

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Letters, "import_export", broken)

    page = two.send_file(f"{THERE}/import", file)
    program = two.ask("POST", f"{API}/shop-2/import", headers=LINES, body=file)

    assert (page.status, told in page.says) == (status, True)
    assert (program.status, program.json["error"]["detail"]) == (status, str(error))


def test_what_is_no_file_or_too_large_is_refused(two: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"origin": f"http://{two.host}"}
    monkeypatch.setattr(upload, "LARGEST_FILE", 500)

    found = [
        two.send_file(f"{THERE}/import", b"x" * 600).status,
        two.post(f"{THERE}/import", {"file": "x"}).status,
        two.ask("POST", f"{THERE}/import", headers={**own, "content-type": "multipart/form-data"}).status,
        two.ask("POST", f"{API}/shop-2/import", headers=JSON, body=b"{}").status,
        two.ask("POST", f"{API}/shop-2/import?chekc=true", headers=LINES, body=b"{}").status,
        two.ask("POST", f"{API}/shop-2/import?check=yes", headers=LINES, body=b"{}").status,
    ]

    assert found == [413, 415, 415, 415, 400, 400]


def test_two_files_at_once_are_one_too_many(two: Browser) -> None:
    with upload._PLACE:
        answer = two.send_file(f"{THERE}/import", b"x")

    assert (answer.status, "Another file is being taken in" in answer.says) == (409, True)
    assert two.send_file(f"{THERE}/import", b"x").status == 400


def test_a_viewers_file_is_not_even_received(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = open_page(tokens=TOKENS)
    monkeypatch.setattr(upload, "LARGEST_FILE", 0)  # whatever is received is too much

    told = {**LINES, "authorization": f"Bearer {VIEWER_TOKEN}"}
    found = [
        browser.ask("POST", f"{API}/default/import", headers=headers, body=b"x").status
        for headers in (LINES, told)
    ]

    assert found == [401, 403]


def test_without_redis_an_export_does_not_begin(open_page: Open) -> None:
    browser = open_page(redis_url="redis://127.0.0.1:1/0")

    assert browser.post(f"{HERE}/export", {"until": "0s"}).status == 503


@pytest.mark.parametrize("content", [b"", b"\r\n", b"a\r\n--b", b"\r\n--x\r\n\r\n--x-", b"{}\n" * 9])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_file_comes_out_of_its_form_as_it_was_however_it_is_cut(content: bytes, size: int) -> None:
    form = b'--x\r\ncontent-disposition: form-data; name="file"\r\n\r\n' + content + b"\r\n--x--\r\n"
    assert unwrapped(form, size=size) == content


@pytest.mark.parametrize(
    "form", [b"", b"--x\r\n\r\n", b"--y\r\n\r\nfile\r\n--x--\r\n", b"--x\r\n\r\nfile\r\n--x", b"x" * 9000]
)
def test_a_form_that_is_not_whole_is_refused(form: bytes) -> None:
    with pytest.raises(Refusal):
        unwrapped(form, size=1000)


def unwrapped(form: bytes, *, size: int) -> bytes:
    part = Part("x")
    return b"".join(part.feed(form[i : i + size]) for i in range(0, len(form), size)) + part.end()
