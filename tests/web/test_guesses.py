"""Guessing tokens gets slower with each, for the address that guesses and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from shipper.errors import SettingsError
from shipper.settings import Settings, load_settings
from shipper.web.guesses import FORGET_MS, Guesses, address_of, read_networks
from shipper.web.serve import site_of
from tests.web.asking import Browser
from tests.web.conftest import OPERATOR_TOKEN, TOKENS, VIEWER_TOKEN, Open

TRAIL = "/a/default/trail"
ACCOUNTS = "/api/v1/accounts"


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_five_wrong_tokens_are_free_and_then_each_costs_twice_the_wait_of_the_last() -> None:
    guesses, waits, now = Guesses(), [], 0

    for i in range(13):
        guesses.wrong("a", f"guess {i}", now=now)
        waits.append(guesses.wait_ms("a", now=now))
        now += waits[-1]

    assert waits == [0] * 4 + [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]


def test_a_wait_ends_and_wrong_tokens_are_forgotten() -> None:
    guesses = Guesses()
    for i in range(6):
        guesses.wrong("a", f"guess {i}", now=1000)

    found = [guesses.wait_ms("a", now=now) for now in (1000, 2999, 3000)]
    guesses.wrong("a", "guess 7", now=1000 + FORGET_MS)

    assert found == [2000, 1, 0]
    assert guesses.wait_ms("a", now=1000 + FORGET_MS) == 0


def test_the_same_wrong_token_again_is_no_guess() -> None:
    guesses = Guesses()

    counted = [guesses.wrong("a", "withdrawn", now=i) for i in range(100)]

    assert counted == [True] + [False] * 99
    assert guesses.wait_ms("a", now=100) == 0


def test_one_address_never_holds_up_another_and_few_are_remembered() -> None:
    guesses = Guesses(most=3)
    for address in "abcde":
        for i in range(9):
            guesses.wrong(address, f"guess {i}", now=0)

    waits = [guesses.wait_ms(address, now=0) > 0 for address in "abcdef"]

    assert waits == [False, False, True, True, True, False]
    assert len(guesses) == 3


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("203.0.113.7", "", (), "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", (), "203.0.113.7"),
        ("10.0.0.2", "198.51.100.1", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.2", "6.6.6.6, 198.51.100.1", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, 10.0.0.9", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1:5123", ("10.0.0.2",), "198.51.100.1"),
        ("10.0.0.2", "nonsense", ("10.0.0.2",), "10.0.0.2"),
        ("10.0.0.2", "", ("10.0.0.2",), "10.0.0.2"),
        ("2001:db8::1", "", (), "2001:db8::/64"),
        ("2001:db8::2", "", (), "2001:db8::/64"),
        ("fd00::1", "[2001:db8:1::7]:443", ("fd00::1",), "2001:db8:1::/64"),
        ("::ffff:203.0.113.7", "", (), "203.0.113.7"),
        ("::1", "", (), "::1"),
        ("", "", (), "?"),
    ],
)
def test_an_address_is_the_nearest_that_is_no_proxy_of_ours(
    peer: str, forwarded: str, proxies: tuple[str, ...], address: str
) -> None:
    assert address_of(peer, forwarded, read_networks(proxies)) == address


def test_who_guesses_on_the_page_waits_and_everybody_else_works_on(open_page: Open) -> None:
    now = [0]
    guessing = open_page(tokens=TOKENS, clock=lambda: now[0])
    signed_in, elsewhere = Browser(guessing.app), Browser(guessing.app, address="203.0.113.7")
    signed_in.post("/sign-in", {"token": VIEWER_TOKEN})

    found = [guessing.post("/sign-in", {"token": f"guess {i}"}).status for i in range(5)]
    right = guessing.post("/sign-in", {"token": OPERATOR_TOKEN})
    others = [
        signed_in.get(TRAIL).status,
        elsewhere.post("/sign-in", {"token": OPERATOR_TOKEN}).status,
        elsewhere.get(ACCOUNTS, headers=bearer(VIEWER_TOKEN)).status,
    ]
    now[0] += 1000

    assert found == [403] * 5
    assert (right.status, right.headers["retry-after"]) == (429, "1")
    assert "Too many wrong tokens came from your address: try again in 1 s." in right.says
    assert others == [200, 303, 200]
    assert guessing.post("/sign-in", {"token": OPERATOR_TOKEN}).status == 303


def test_programs_that_guess_wait_as_well(open_page: Open) -> None:
    browser = open_page(tokens=TOKENS, clock=lambda: 0)

    found = [browser.get(ACCOUNTS, headers=bearer(f"guess {i}")).status for i in range(6)]
    right = browser.get(ACCOUNTS, headers=bearer(OPERATOR_TOKEN))

    assert found == [401] * 5 + [429]
    assert (right.json["error"]["status"], right.headers["retry-after"]) == (429, "1")
    assert browser.post("/sign-in", {"token": OPERATOR_TOKEN}).status == 429


def test_behind_a_proxy_of_ours_each_has_an_address_of_their_own(open_page: Open) -> None:
    browser = open_page(tokens=TOKENS, proxies=("127.0.0.1",), clock=lambda: 0)

    for i in range(6):
        browser.get(ACCOUNTS, headers={**bearer(f"guess {i}"), "x-forwarded-for": "198.51.100.1"})
    found = [
        browser.get(ACCOUNTS, headers={**bearer(VIEWER_TOKEN), "x-forwarded-for": address}).status
        for address in ("198.51.100.1", "198.51.100.2")
    ]

    assert found == [429, 200]


def test_tokens_may_stand_in_a_file_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKENS.replace(",", "\n") + "\n")

    site = site_of(Settings(web_tokens_file=str(file)), local="ann")

    assert [token.person.name for token in site.porter.tokens] == ["vera", "otto"]


@pytest.mark.parametrize(
    ("text", "given", "problem"),
    [
        ("\n", "", "SHIPPER_WEB_TOKENS_FILE holds no token"),
        (None, "", "SHIPPER_WEB_TOKENS_FILE cannot be read: No such file or directory"),
        ("ann:viewer:ü", "", "SHIPPER_WEB_TOKENS_FILE holds more than ASCII"),
        (TOKENS, TOKENS, "SHIPPER_WEB_TOKENS is set, and SHIPPER_WEB_TOKENS_FILE too: set one of them"),
    ],
)
def test_a_file_that_holds_no_tokens_opens_the_page_to_nobody(
    text: str | None, given: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    if text is not None:
        file.write_text(text)

    with pytest.raises(SettingsError) as caught:
        site_of(Settings(web_tokens_file=str(file), web_tokens=SecretStr(given)), local="ann")

    assert str(caught.value.problems[0]).startswith(problem)
    assert "vvv" not in str(caught.value)


def test_what_is_no_address_of_a_proxy_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="SHIPPER_WEB_PROXIES"):
        load_settings(web_proxies=("nginx",))
