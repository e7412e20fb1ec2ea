"""Keyring: the keys under which events are stored, the first of which encrypts while all of them open.

What is stored is `01 | length of id | id | check | crc | nonce | ciphertext and tag`. A plain body begins
with `{`, so both kinds may lie in one ledger, and scripts need to know neither. `check` tells another key
under the same id from a changed text, `crc` a damaged id from an unknown one. The reasons:
docs/decisions/0008-encryption.md.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from zlib import crc32

from shipper.errors import ShipperError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
KEY_ID: Final = re.compile(r"[a-z0-9_-]{1,16}")
EXTRA: Final = "pip install 'gameball-shipper[encryption]'"

_FORMAT: Final = b"\x01"
_PLAIN: Final = b"{"
_CHECK_BYTES: Final = 4
_CRC_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_MARK: Final = _FORMAT.decode()
"""What an encrypted text begins with, where a string is stored. No text of ours or of Gameball's does."""


class LockedError(ShipperError):
    """Say that a key is missing: nothing is wrong with what is stored. `key_id` names the key."""

    def __init__(self, message: str, *, key_id: str) -> None:
        super().__init__(message)
        self.key_id = key_id


class DamagedError(ShipperError):
    """Say that what is stored was changed: no key opens it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """One key, ready to be used. `prefix` is all that a stored text has before its nonce."""

    prefix: bytes
    cipher: AESGCM = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Encrypt what is stored and open what was encrypted; without keys all stays as it is.

    A stored text belongs to one event of one account, and opens as nothing else.
    """

    ids: tuple[str, ...] = ()
    """The first encrypts."""
    _keys: Mapping[str, _Key] = field(default_factory=dict, repr=False)

    def encrypt(self, body: bytes, *, account: str, event_id: str) -> bytes:
        """Return an event's body as it is stored."""
        return self._encrypt(body, _place(account, event_id, "body")) if self.ids else body

    def open(self, stored: bytes, *, account: str, event_id: str) -> bytes:
        """Return an event's body as it was given; raise LockedError or DamagedError."""
        if stored[:1] == _PLAIN:
            return stored
        return self._open(stored, _place(account, event_id, "body"))

    def encrypt_text(self, text: str, *, account: str, event_id: str) -> str:
        """Return a text about an event, which may quote the customer, as it is stored."""
        if not (self.ids and text):
            return text
        stored = self._encrypt(text.encode("utf-8", "replace"), _place(account, event_id, "text"))
        return _MARK + b64encode(stored).decode("ascii")

    def open_text(self, stored: str, *, account: str, event_id: str) -> str:
        """Return a text as it was given; raise LockedError or DamagedError."""
        if not stored.startswith(_MARK):
            return stored
        try:
            data = b64decode(stored[1:], validate=True)
        except ValueError:
            raise DamagedError("changed since it was encrypted: cut short or garbled") from None
        return self._open(data, _place(account, event_id, "text")).decode("utf-8", "replace")

    def _encrypt(self, data: bytes, place: bytes) -> bytes:
        key = self._keys[self.ids[0]]
        nonce = os.urandom(_NONCE_BYTES)
        return key.prefix + nonce + key.cipher.encrypt(nonce, data, key.prefix + place)

    def _open(self, stored: bytes, place: bytes) -> bytes:
        prefix, key_id = _prefix_of(stored)
        key = self._keys.get(key_id)
        if key is None:
            raise LockedError(
                f"encrypted under key {key_id}, which is not among SHIPPER_ENCRYPTION_KEYS", key_id=key_id
            )
        if key.prefix != prefix:
            raise LockedError(
                f"encrypted under another key {key_id} than that of SHIPPER_ENCRYPTION_KEYS", key_id=key_id
            )
        nonce, rest = stored[len(prefix) :][:_NONCE_BYTES], stored[len(prefix) + _NONCE_BYTES :]
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - there for who has keys

        try:
            return key.cipher.decrypt(nonce, rest, prefix + place)
        except InvalidTag:
            raise DamagedError(
                f"changed since it was encrypted under key {key_id}: its tag does not fit"
            ) from None


def key_id_of(stored: bytes) -> str | None:
    """Return the id of the key under which a body is stored; None for a plain one, or one past reading."""
    try:
        return None if stored[:1] == _PLAIN else _prefix_of(stored)[1]
    except DamagedError:
        return None


@lru_cache(maxsize=8)
def read_keyring(text: str) -> Keyring:
    """Read `id:base64[,id:base64…]`, also with a key a line; empty: no keys.

    Raises ValueError with every problem; its message repeats nothing of a key.
    """
    problems: list[str] = []
    found: dict[str, bytes] = {}
    for number, entry in enumerate(filter(None, re.split(r"[,\s]+", text)), start=1):
        key_id, colon, encoded = entry.partition(":")
        if not colon or not KEY_ID.fullmatch(key_id):
            problems.append(f"entry {number} does not begin with an id of 1 to 16 of a-z 0-9 _ - and a colon")
        elif key_id in found:
            problems.append(f"the id {key_id} stands twice")
        else:
            found[key_id] = _decoded(key_id, encoded, problems)
    if not problems and found:
        return _keyring(found)
    if problems:
        raise ValueError("; ".join(problems))
    return NO_KEYS


def new_key() -> str:
    """Return a fresh key as base64."""
    return b64encode(os.urandom(KEY_BYTES)).decode("ascii")


def _decoded(key_id: str, encoded: str, problems: list[str]) -> bytes:
    try:
        key = b64decode(encoded.translate({ord("-"): "+", ord("_"): "/"}), validate=True)
    except (Base64Error, ValueError):
        problems.append(f"key {key_id} is no base64")
        return b""
    if len(key) != KEY_BYTES:
        problems.append(f"key {key_id} has {len(key)} bytes, not {KEY_BYTES}")
    return key


def _keyring(keys: Mapping[str, bytes]) -> Keyring:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - an extra
    except ImportError:
        raise ValueError(f"the package cryptography is missing or broken: {EXTRA}") from None
    made = {name: _Key(prefix=_prefix(name, key), cipher=AESGCM(key)) for name, key in keys.items()}
    return Keyring(ids=tuple(made), _keys=made)


def _prefix(key_id: str, key: bytes) -> bytes:
    check = blake2b(b"shipper: which key is this", key=key, digest_size=_CHECK_BYTES).digest()
    start = _FORMAT + bytes((len(key_id),)) + key_id.encode("ascii") + check
    return start + crc32(start).to_bytes(_CRC_BYTES, "big")


def _prefix_of(stored: bytes) -> tuple[bytes, str]:
    """Return what stands before the nonce, and the id in it; raise DamagedError if it is not whole."""
    length = stored[1] if len(stored) > 1 else 0
    end = 2 + length + _CHECK_BYTES
    whole = end + _CRC_BYTES
    if (
        stored[:1] != _FORMAT
        or len(stored) < whole + _NONCE_BYTES + _TAG_BYTES
        or crc32(stored[:end]).to_bytes(_CRC_BYTES, "big") != stored[end:whole]
    ):
        raise DamagedError("changed since it was stored: it begins neither plain nor encrypted")
    return stored[:whole], stored[2 : 2 + length].decode("ascii", "replace")


def _place(account: str, event_id: str, kind: str) -> bytes:
    return f"\0{account}\0{event_id}\0{kind}".encode()


NO_KEYS: Final = Keyring()
