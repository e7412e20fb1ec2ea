"""Who gets in: every route, by every kind of visitor; and nobody by another site's hand."""

from __future__ import annotations

import re
from typing import Final

import pytest

from shipper.errors import SettingsError
from shipper.web.app import HEADERS, PAGES
from shipper.web.page import Page
from shipper.web.person import Role, read_tokens
from shipper.web.session import COOKIE, LIFE_MS, read_session, write_session
from tests.web.asking import LOCAL, Browser
from tests.web.conftest import OPERATOR_TOKEN, TOKENS, VIEWER_TOKEN, Open

EVENT: Final = "01hf7yat00" + "0" * 16
FILLED: Final = {"account": "default", "event_id": EVENT, "job": "0" * 8}
NOBODY, VIEWER, OPERATOR = "nobody", "viewer", "operator"
VISITORS: Final = {
    NOBODY: {},
    VIEWER: {"authorization": f"Bearer {VIEWER_TOKEN}"},
    OPERATOR: {"authorization": f"Bearer {OPERATOR_TOKEN}"},
}
OF_EVERYBODY: Final = {("GET", "/sign-in"), ("POST", "/sign-in"), ("POST", "/sign-out")}
"""Pages for which nobody has to be known. All others must refuse strangers."""


def path_of(page: Page) -> str:
    return re.sub(r"{(\w+)}", lambda found: FILLED[found[1]], page.path)


def ask(browser: Browser, page: Page, visitor: str) -> int:
    path, headers = path_of(page), VISITORS[visitor]
    if page.method == "GET":
        return browser.get(path, headers=headers).status
    if page.is_api:
        kind = "application/x-ndjson" if page.takes_file else "application/json"
        said = {**headers, "content-type": kind}
        return browser.ask("POST", path, headers=said, body=b"{}").status
    own = {"origin": f"http://{LOCAL}", "sec-fetch-site": "same-origin"}
    return browser.post(path, headers={**headers, **own}).status


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.path}")
def test_every_route_lets_in_whom_it_is_for_and_nobody_else(page: Page, open_page: Open) -> None:
    browser = open_page(tokens=TOKENS)

    found = {visitor: ask(browser, page, visitor) for visitor in VISITORS}

    if (page.method, page.path) in OF_EVERYBODY:
        assert page.needs is None
        return
    assert page.needs is not None
    assert found[NOBODY] == (401 if page.is_api else 303)
    assert (found[VIEWER] == 403) == (page.needs is Role.OPERATOR)
    assert found[OPERATOR] not in {401, 403, 500}
    assert found[VIEWER] not in {401, 500}


def test_every_act_needs_an_operator() -> None:
    acts = [page for page in PAGES if page.method == "POST"]

    assert {page.needs for page in acts if (page.method, page.path) not in OF_EVERYBODY} == {Role.OPERATOR}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": f"http://{LOCAL}", "sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {},
    ],
    ids=str,
)
def test_no_other_site_can_post(headers: dict[str, str], page: Browser) -> None:
    for each in PAGES:
        if each.method == "POST" and not each.is_api:
            assert page.post(path_of(each), headers=headers).status == 403


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_no_other_site_can_post_to_the_api(headers: dict[str, str], page: Browser) -> None:
    said = {**headers, "content-type": "application/json"}
    for each in PAGES:
        if each.method == "POST" and each.is_api:
            assert page.ask("POST", path_of(each), headers=said, body=b"{}").status == 403


@pytest.mark.parametrize("host", ["localhost:8642", "127.0.0.1:8642", "[::1]:8642", "127.9.9.9", "LOCALHOST"])
def test_without_tokens_the_page_is_there_under_names_of_this_machine(host: str, open_page: Open) -> None:
    assert open_page(host=host).get("/a/default/trail").status == 200


@pytest.mark.parametrize(
    "host", ["evil.example:8642", "10.0.0.5", "", "localhost.evil.example", "[::1", "8.8.8.8"]
)
def test_without_tokens_no_other_name_opens_it(host: str, open_page: Open) -> None:
    browser = open_page(host=host or " ")

    assert [browser.get(path_of(page)).status for page in PAGES if page.method == "GET"] == [
        421 for page in PAGES if page.method == "GET"
    ]


def test_a_person_signs_in_works_and_signs_out(open_page: Open) -> None:
    browser = open_page(tokens=TOKENS, host="desk.example")

    first = browser.get("/a/default/letters")
    assert (first.status, first.place) == (303, "/sign-in?next=%2Fa%2Fdefault%2Fletters")
    assert browser.post("/sign-in", {"token": "x" * 24}).status == 403
    signed_in = browser.post("/sign-in", {"token": OPERATOR_TOKEN, "next": "/a/default/letters"})

    assert (signed_in.status, signed_in.place) == (303, "/a/default/letters")
    said = signed_in.headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=strict" in said
    assert OPERATOR_TOKEN not in said
    assert browser.get("/a/default/letters").status == 200
    assert browser.post("/sign-out").status == 303
    assert browser.get("/a/default/letters").status == 303


@pytest.mark.parametrize(
    "onward", ["//evil.example", "https://evil.example/a/", "/\\evil.example", "/a/\\x", "/a/\nx", "x"]
)
def test_signing_in_leads_nowhere_else(onward: str, open_page: Open) -> None:
    browser = open_page(tokens=TOKENS)

    assert browser.post("/sign-in", {"token": VIEWER_TOKEN, "next": onward}).place == "/"


def test_a_cookie_is_secure_where_the_page_is(open_page: Open) -> None:
    browser = open_page(tokens=TOKENS)
    proxied = {"origin": f"https://{LOCAL}", "x-forwarded-proto": "https"}

    plain = browser.post("/sign-in", {"token": VIEWER_TOKEN})
    behind_tls = browser.post("/sign-in", {"token": VIEWER_TOKEN}, headers=proxied)

    assert "Secure" not in plain.headers["set-cookie"]
    assert "Secure" in behind_tls.headers["set-cookie"]


def test_a_session_ends_with_its_time_its_token_or_a_change_of_a_letter() -> None:
    tokens = read_tokens(TOKENS)
    vera = tokens[0]
    cookie = write_session(vera, now=1000)

    assert read_session(cookie, tokens, now=999 + LIFE_MS) == vera
    assert read_session(cookie, tokens, now=1000 + LIFE_MS) is None
    assert read_session(cookie, read_tokens(f"vera:viewer:{'w' * 24}"), now=2000) is None
    assert read_session(cookie.replace("vera", "otto"), tokens, now=2000) is None
    assert read_session(cookie.replace(str(1000 + LIFE_MS), "9" * 14), tokens, now=2000) is None
    assert all(read_session(text, tokens, now=0) is None for text in ("", "/", "//", "vera/9/é", "vera/²/x"))


def test_a_bad_bearer_token_is_not_made_good_by_a_cookie(open_page: Open) -> None:
    browser = open_page(tokens=TOKENS)
    browser.post("/sign-in", {"token": OPERATOR_TOKEN})

    assert COOKIE in browser.cookies
    assert browser.get("/a/default/trail").status == 200
    assert browser.get("/a/default/trail", headers={"authorization": "Bearer nonsense"}).status == 303


@pytest.mark.parametrize("path", ["/", "/a/default/", "/nowhere", "/a/nobody/", "/sign-in"])
def test_every_answer_says_what_a_browser_must_not_do(path: str, page: Browser) -> None:
    answer = page.get(path)

    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_files_may_be_kept_and_nothing_else(page: Browser) -> None:
    style = re.findall(r'href="(/static/[0-9a-f]{12}/style\.css)"', page.get("/a/default/trail").text)[0]

    answer = page.get(style)

    assert (answer.status, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert page.get("/static/x/style.css").status == 404
    assert page.get("/static/..%2f..%2fapp.py").status == 404


def test_what_is_too_large_or_of_another_kind_is_refused(page: Browser) -> None:
    own = {"origin": f"http://{LOCAL}"}
    form = {**own, "content-type": "application/x-www-form-urlencoded"}

    assert page.ask("POST", "/a/default/pause", headers=form, body=b"x" * 300_000).status == 413
    assert page.ask("POST", "/a/default/pause", headers=own, body=b"x=1").status == 415
    assert page.ask("POST", "/a/default/pause", headers=form, body=b"\xff=1").status == 400
    assert page.ask("DELETE", "/a/default/pause", headers=own).status == 405
    assert page.get("/a/default/nowhere").status == 404
    assert page.get("/a/nobody/").status == 404


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ann", "SHIPPER_WEB_TOKENS entry 1 has no role: viewer or operator, between two colons"),
        (
            f"ann:boss:{'x' * 20}",
            "SHIPPER_WEB_TOKENS entry 1 has no role: viewer or operator, between two colons",
        ),
        (
            "ann:viewer:short",
            (
                "SHIPPER_WEB_TOKENS entry 1 has no usable token:"
                " at least 20 printable ASCII characters without a comma"
            ),
        ),
        (f"ann:viewer:{'x' * 20},ann:viewer:{'y' * 20}", "SHIPPER_WEB_TOKENS names ann twice"),
        (
            f"ann:viewer:{'x' * 20},bob:viewer:{'x' * 20}",
            "SHIPPER_WEB_TOKENS gives two people the same token",
        ),
    ],
)
def test_bad_tokens_are_refused_without_repeating_them(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_tokens(text)

    assert problem in [str(each) for each in caught.value.problems]
    assert "xxx" not in str(caught.value)
