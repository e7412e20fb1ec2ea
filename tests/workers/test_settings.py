from __future__ import annotations

from pathlib import Path

import pytest

from shipper.errors import SettingsError
from shipper.settings import Settings
from workers.settings import Key, KeyUnreadableError, load_accounts

CANARY = "canary-4f1d9c27a8"


def test_one_account_needs_no_more_than_its_key() -> None:
    environ = {"GAMEBALL_API_KEY": CANARY}

    accounts = load_accounts(Settings(), environ)

    account = accounts["default"]
    assert list(accounts) == ["default"]
    assert account.events_url == "https://api.gameball.co/api/v4.0/integrations/events"
    assert (account.lang, account.proxy.get_secret_value(), account.ca_bundle) == ("", "", "")
    assert account.api_key.read().get_secret_value() == CANARY
    assert not account.secret_key.is_configured


def test_each_account_reads_variables_with_its_own_name_in_them() -> None:
    settings = Settings(accounts=("default", "shop-eu"))
    environ = {
        "GAMEBALL_API_KEY": "first-key",
        "GAMEBALL_SHOP_EU_API_KEY": "second-key",
        "GAMEBALL_SHOP_EU_SECRET_KEY": "second-secret",
        "GAMEBALL_SHOP_EU_BASE_URL": "http://127.0.0.1:8080/gb/",
        "GAMEBALL_SHOP_EU_API_VERSION": "v4.1",
        "GAMEBALL_SHOP_EU_LANG": "ar",
    }

    accounts = load_accounts(settings, environ)

    assert accounts["default"].api_key.read().get_secret_value() == "first-key"
    shop = accounts["shop-eu"]
    assert shop.events_url == "http://127.0.0.1:8080/gb/api/v4.1/integrations/events"
    assert shop.lang == "ar"
    assert shop.api_key.read().get_secret_value() == "second-key"
    assert shop.secret_key.read().get_secret_value() == "second-secret"


def test_every_problem_of_every_account_is_named_at_once(tmp_path: Path) -> None:
    settings = Settings(accounts=("default", "a-b", "a_b"))
    environ = {
        "GAMEBALL_BASE_URL": "http://gameball.example",
        "GAMEBALL_API_VERSION": "4",
        "GAMEBALL_LANG": "english",
        "GAMEBALL_CA_BUNDLE": "/no/such/file",
        "GAMEBALL_PROXY": f"socks4://user:{CANARY}@host",
        "GAMEBALL_A_B_API_KEY": "two\r\nX-Evil: lines",
        "GAMEBALL_A_B_SECRET_KEY": "both",
        "GAMEBALL_A_B_SECRET_KEY_FILE": str(tmp_path / "none"),
        "GAMEBALL_A_B_API_VERSION": "v4.1",
    }

    with pytest.raises(SettingsError) as refused:
        load_accounts(settings, environ)

    why = "the keys go with every call, so only a loopback address may do without https"
    assert [str(problem) for problem in refused.value.problems] == [
        f"GAMEBALL_BASE_URL is 'http://gameball.example': {why}",
        "GAMEBALL_API_KEY is not set: set it, or GAMEBALL_API_KEY_FILE",
        "GAMEBALL_API_VERSION is '4': it looks like v4.0",
        "GAMEBALL_LANG is 'english': it has two small letters",
        "GAMEBALL_CA_BUNDLE is '/no/such/file': no such file",
        "GAMEBALL_PROXY is not of the form http://[user:password@]host[:port]",
        "GAMEBALL_A_B_API_KEY holds characters that no header may carry",
        "GAMEBALL_A_B_SECRET_KEY is set, and GAMEBALL_A_B_SECRET_KEY_FILE too: set one of them",
        "SHIPPER_ACCOUNTS names 'a-b' and 'a_b': both would read GAMEBALL_A_B_…",
    ]


def test_version_4_1_wants_the_secret_key_too() -> None:
    environ = {"GAMEBALL_API_KEY": "first-key", "GAMEBALL_API_VERSION": "v4.1"}

    with pytest.raises(SettingsError) as refused:
        load_accounts(Settings(), environ)

    assert str(refused.value) == "GAMEBALL_SECRET_KEY is not set: set it, or GAMEBALL_SECRET_KEY_FILE"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.gameball.co",
        "https://api.gameball.co:8443/prefix/",
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://127.8.9.1",
        "http://[::1]:8000",
    ],
)
def test_an_https_address_is_taken_and_a_plain_one_on_loopback(url: str) -> None:
    environ = {"GAMEBALL_API_KEY": "first-key", "GAMEBALL_BASE_URL": url}

    accounts = load_accounts(Settings(), environ)

    assert accounts["default"].base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.gameball.co",
        "http://localhost.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://127.1",
        "http://127.0.0.1@gameball.example",
        "http://127.0.0.1\\@gameball.example",
        "http://127.0.0.1 .gameball.example",
        "https://user:password@api.gameball.co",
        "https://api.gameball.co?x=1",
        "https://api.gameball.co#x",
        "https://api.gameball.co/%2e%2e/",
        "https://api.gameball.co\r\nHost: evil",
        "file:///etc/passwd",
        "api.gameball.co",
        "https://",
    ],
)
def test_an_address_that_could_carry_the_keys_elsewhere_is_refused(url: str) -> None:
    environ = {"GAMEBALL_API_KEY": "first-key", "GAMEBALL_BASE_URL": url}

    with pytest.raises(SettingsError, match="GAMEBALL_BASE_URL"):
        load_accounts(Settings(), environ)


def test_a_key_in_a_file_is_read_anew_when_the_file_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old-key\n")
    key = Key("GAMEBALL_API_KEY", {"GAMEBALL_API_KEY_FILE": str(file)})
    before = key.read().get_secret_value()

    (tmp_path / "new").write_text("new-key\n")
    (tmp_path / "new").rename(file)

    assert (before, key.read().get_secret_value()) == ("old-key", "new-key")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no key"),
        (b" \n", "holds no key"),
        (b"two words", "holds characters that no header may carry"),
        (b"line\nfeed", "holds characters that no header may carry"),
        (b"\xff\xfe", "holds characters that no header may carry"),
        (b"k" * 2000, "holds characters that no header may carry"),
    ],
)
def test_a_file_without_a_usable_key_is_named_but_never_quoted(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    key = Key("GAMEBALL_API_KEY", {"GAMEBALL_API_KEY_FILE": str(file)})

    with pytest.raises(KeyUnreadableError) as refused:
        key.read()

    assert str(refused.value) == f"GAMEBALL_API_KEY_FILE={file} {complaint}"


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    key = Key("GAMEBALL_API_KEY", {"GAMEBALL_API_KEY_FILE": str(tmp_path / "gone")})

    with pytest.raises(KeyUnreadableError) as refused:
        key.read()

    place = f"GAMEBALL_API_KEY_FILE={tmp_path / 'gone'}"
    assert str(refused.value) == f"{place} cannot be read: No such file or directory"


def test_no_key_and_no_password_shows_in_what_an_account_prints() -> None:
    environ = {
        "GAMEBALL_API_KEY": CANARY,
        "GAMEBALL_SECRET_KEY": CANARY,
        "GAMEBALL_PROXY": f"http://user:{CANARY}@proxy.example:3128",
    }
    account = load_accounts(Settings(), environ)["default"]

    printed = f"{account!r} {account} {account.api_key!r} {account.api_key.read()!r} {account.api_key.read()}"

    assert CANARY not in printed
    assert "Key(GAMEBALL_API_KEY)" in printed
