from __future__ import annotations

import sys
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.envelope import seal
from shipper.errors import SettingsError
from shipper.keyring import NO_KEYS, DamagedError, Keyring, LockedError, key_id_of, new_key, read_keyring
from shipper.settings import Settings, load_settings

A_BYTES, B_BYTES = bytes([251, 255] * 16), bytes([2] * 32)  # the first has + and / in base64, or - and _
KEY_A, KEY_B = b64encode(A_BYTES).decode(), b64encode(B_BYTES).decode()
A, B = read_keyring(f"a:{KEY_A}"), read_keyring(f"b:{KEY_B}")
BOTH = read_keyring(f"b:{KEY_B},a:{KEY_A}")
MISTYPED = read_keyring(f"a:{KEY_B}")
EVENT = {"account": "default", "event_id": "01M83F0MNPEKEBP83NR31XNK32"}
BODY = b'{"customerId":"c-42","events":{"visit":{}}}'
STORED = A.encrypt(BODY, **EVENT)
TEXT = A.encrypt_text("c-42 is unknown", **EVENT)


# What comes back


@given(st.binary(max_size=2000).map(lambda rest: b"{" + rest))
def test_every_body_comes_back_as_it_was(body: bytes) -> None:
    assert A.open(A.encrypt(body, **EVENT), **EVENT) == body


@given(st.text(max_size=500))
def test_every_text_comes_back_as_it_was(text: str) -> None:
    assert A.open_text(A.encrypt_text(text, **EVENT), **EVENT) == text


def test_without_keys_everything_is_stored_as_it_is() -> None:
    assert NO_KEYS.encrypt(BODY, **EVENT) == BODY
    assert NO_KEYS.encrypt_text("told", **EVENT) == "told"


def test_what_was_stored_without_keys_is_read_with_them() -> None:
    assert A.open(BODY, **EVENT) == BODY
    assert A.open_text("told", **EVENT) == "told"


def test_the_first_key_encrypts_and_every_key_opens() -> None:
    under_b = BOTH.encrypt(BODY, **EVENT)

    assert key_id_of(under_b) == "b"
    assert (BOTH.open(under_b, **EVENT), BOTH.open(STORED, **EVENT)) == (BODY, BODY)


def test_one_body_is_never_stored_alike_twice_and_costs_the_same_few_bytes() -> None:
    copies = {A.encrypt(BODY, **EVENT) for _ in range(100)}

    assert len(copies) == 100
    assert {len(copy) - len(BODY) for copy in copies} == {2 + len("a") + 4 + 4 + 12 + 16}


def test_nothing_of_an_event_is_seen_in_what_is_stored() -> None:
    assert b"c-42" not in STORED
    assert b"visit" not in STORED
    assert "c-42" not in TEXT


# What does not


@settings(max_examples=300)
@given(st.integers(min_value=0, max_value=8 * len(STORED) - 1))
def test_a_single_bit_that_changed_is_damage_and_never_a_missing_key(bit: int) -> None:
    changed = bytearray(STORED)
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(DamagedError):
        A.open(bytes(changed), **EVENT)


@pytest.mark.parametrize("length", range(len(STORED)))
def test_what_is_cut_short_is_damage(length: int) -> None:
    with pytest.raises(DamagedError):
        A.open(STORED[:length], **EVENT)


@pytest.mark.parametrize(
    "stored",
    ["\x01", "\x01x", "\x01AAAA", TEXT[:-4], TEXT[:40] + ("B" if TEXT[40] != "B" else "C") + TEXT[41:]],
    ids=["nothing", "no base64", "three bytes", "cut short", "another letter"],
)
def test_a_text_that_changed_is_damage(stored: str) -> None:
    with pytest.raises(DamagedError):
        A.open_text(stored, **EVENT)


@pytest.mark.parametrize(
    "other",
    [{**EVENT, "account": "shop-eu"}, {**EVENT, "event_id": "01M83F0MNPEKEBP83NR31XNK33"}],
    ids=["account", "event"],
)
def test_what_is_moved_to_another_place_does_not_open(other: dict[str, str]) -> None:
    with pytest.raises(DamagedError):
        A.open(STORED, **other)


@pytest.mark.parametrize(
    ("keyring", "told"),
    [
        (NO_KEYS, "encrypted under key a, which is not among SHIPPER_ENCRYPTION_KEYS"),
        (B, "encrypted under key a, which is not among SHIPPER_ENCRYPTION_KEYS"),
        (MISTYPED, "encrypted under another key a than that of SHIPPER_ENCRYPTION_KEYS"),
    ],
    ids=["no keys", "another key", "another key under the same id"],
)
def test_a_missing_key_is_told_from_damage(keyring: Keyring, told: str) -> None:
    with pytest.raises(LockedError) as caught:
        keyring.open(STORED, **EVENT)

    assert str(caught.value) == told
    assert caught.value.key_id == "a"


@pytest.mark.parametrize(
    ("stored", "key_id"),
    [(STORED, "a"), (BODY, None), (b"", None), (STORED[:20], None)],
    ids=["encrypted", "plain", "nothing", "cut short"],
)
def test_the_key_of_a_body_is_told_without_having_it(stored: bytes, key_id: str | None) -> None:
    assert key_id_of(stored) == key_id


# Keys as they are written


@pytest.mark.parametrize(
    "written",
    [
        f"a:{KEY_A},b:{KEY_B}",
        f" a:{KEY_A} , b:{KEY_B} ,",
        f"a:{KEY_A}\nb:{KEY_B}\n",
        f"a:{urlsafe_b64encode(A_BYTES).decode()},b:{KEY_B}",
    ],
    ids=["commas", "spaces", "lines", "for URLs"],
)
def test_keys_are_separated_by_commas_or_stand_on_lines(written: str) -> None:
    assert read_keyring(written).ids == ("a", "b")
    assert read_keyring(written).open(STORED, **EVENT) == BODY


@pytest.mark.parametrize("written", ["", " ", ",", "\n"])
def test_nothing_written_is_no_key(written: str) -> None:
    assert read_keyring(written) == NO_KEYS


@pytest.mark.parametrize(
    ("written", "problems"),
    [
        ("canary", ["entry 1 does not begin with an id of 1 to 16 of a-z 0-9 _ - and a colon"]),
        (f"Canary:{KEY_A}", ["entry 1 does not begin with an id of 1 to 16 of a-z 0-9 _ - and a colon"]),
        (f"a:{KEY_A},a:{KEY_B}", ["the id a stands twice"]),
        ("a:canary", ["key a is no base64"]),
        (f"a:{b64encode(b'canary-of-16-byt').decode()}", ["key a has 16 bytes, not 32"]),
        (
            f"a:canary,{KEY_B},b:",
            [
                "key a is no base64",
                "entry 2 does not begin with an id of 1 to 16 of a-z 0-9 _ - and a colon",
                "key b has 0 bytes, not 32",
            ],
        ),
    ],
)
def test_every_problem_is_named_and_no_key_is_repeated(written: str, problems: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(encryption_keys=written, pumps=0)

    (keys, pumps) = caught.value.problems
    assert (keys.path, keys.message) == ("SHIPPER_ENCRYPTION_KEYS", "; ".join(problems))
    assert pumps.path == "SHIPPER_PUMPS"
    assert "canary" not in str(caught.value)


def test_a_missing_package_is_told_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)

    with pytest.raises(
        ValueError, match=r"cryptography is missing.*pip install 'gameball-shipper\[encryption\]'"
    ):
        read_keyring(f"unseen:{new_key()}")


def test_a_new_key_is_a_key() -> None:
    assert read_keyring(f"a:{new_key()}").ids == ("a",)
    assert new_key() != new_key()


# In the settings


def test_keys_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_ENCRYPTION_KEYS", f"b:{KEY_B},a:{KEY_A}")

    assert load_settings().keyring.ids == ("b", "a")


def test_the_file_of_keys_is_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text(f"a:{KEY_A}")
    monkeypatch.setenv("SHIPPER_ENCRYPTION_KEYS_FILE", str(tmp_path / "keys"))

    assert load_settings().keyring.ids == ("a",)


def test_keys_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"b:{KEY_B}\na:{KEY_A}\n")

    assert load_settings(encryption_keys_file=str(path)).keyring.ids == ("b", "a")


def test_a_file_of_keys_that_is_not_there_or_is_wrong_is_told(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("a:canary")

    with pytest.raises(SettingsError) as missing:
        load_settings(encryption_keys_file=str(tmp_path / "none"))
    with pytest.raises(SettingsError) as wrong:
        load_settings(encryption_keys_file=str(path))

    assert "SHIPPER_ENCRYPTION_KEYS_FILE" in str(missing.value)
    assert str(missing.value).endswith("it cannot be read: No such file or directory")
    assert str(wrong.value).endswith("key a is no base64")
    assert "canary" not in str(wrong.value)


def test_keys_stand_in_one_place(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"b:{KEY_B}")

    with pytest.raises(SettingsError, match="is set, and SHIPPER_ENCRYPTION_KEYS_FILE too: set one of them"):
        load_settings(encryption_keys=f"a:{KEY_A}", encryption_keys_file=str(path))


@pytest.mark.parametrize("written", ["", " \n\n", ","])
def test_a_file_without_a_key_is_refused_since_it_would_switch_encryption_off(
    written: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    path.write_text(written)

    with pytest.raises(SettingsError, match="SHIPPER_ENCRYPTION_KEYS_FILE holds no key"):
        load_settings(encryption_keys_file=str(path))


def test_a_variable_of_blanks_is_refused_for_the_same_reason() -> None:
    with pytest.raises(SettingsError, match="SHIPPER_ENCRYPTION_KEYS holds no key"):
        load_settings(encryption_keys=" \n")


def test_a_key_that_was_given_as_the_name_of_its_file_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(encryption_keys_file=f"a:{KEY_A}")

    assert KEY_A not in str(caught.value)
    assert str(caught.value).endswith("it cannot be read: No such file or directory")


def test_no_key_is_in_the_representation_of_anything() -> None:
    given = Settings(encryption_keys=f"a:{KEY_A}")

    shown = f"{given!r} {given.keyring!r} {given.model_dump()!r}"

    assert KEY_A not in shown
    assert "ids=('a',)" in shown


# In an envelope


def test_an_event_is_sealed_encrypted_with_the_fingerprint_and_lane_of_its_plain_self() -> None:
    event = {"customerId": "c-42", "email": "canary@example.com", "events": {"visit": {"n": 1}}}
    event_id = EVENT["event_id"]

    plain = seal(event, settings=Settings(), event_id=event_id)
    under_a = seal(event, settings=Settings(encryption_keys=f"a:{KEY_A}"), event_id=event_id)
    under_b = seal(event, settings=Settings(encryption_keys=f"b:{KEY_B}"), event_id=event_id)

    assert plain.fingerprint == under_a.fingerprint == under_b.fingerprint
    assert plain.tail_header == under_a.tail_header == under_b.tail_header
    assert plain.lane == under_a.lane == under_b.lane
    assert (key_id_of(under_a.body), key_id_of(under_b.body)) == ("a", "b")
    assert A.open(under_a.body, **EVENT) == plain.body
    assert b"canary" not in under_a.body


def test_an_event_is_as_large_as_it_was_where_its_size_is_limited() -> None:
    event = {"customerId": "c", "events": {"visit": {"n": "x" * 60}}}
    plain = seal(event, settings=Settings())

    sealed = seal(event, settings=Settings(encryption_keys=f"a:{KEY_A}", max_body_bytes=len(plain.body)))

    assert len(sealed.body) > len(plain.body)
