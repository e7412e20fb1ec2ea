"""Refusal: what an answer of Gameball says apart from whom it says it of: the field it names, and its kind.

Both are known by the ledger beside a dead letter, unencrypted, so neither may hold what a customer said.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, Final

NO_FIELD: Final = "-"
"""The answer names no field, or one of too many."""
NO_KIND: Final = "none"
"""There was no answer."""
SHARED_KIND: Final = "-"
"""There are so many kinds of answers that this one is not told from others."""
LONGEST: Final = 2048
"""Bytes of an answer that are looked at: what its event's history keeps."""
DEEPEST: Final = 32
"""Levels of an answer that make its kind: one may nest deeper than calls can."""

OURS: Final = ("customerId", "email", "mobile", "events")
"""Fields of a call that are not its metadata."""

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_-]{0,39}"
_QUOTED: Final = rf"""(?<!\w)["'`\u201c\u2018]({_NAME})["'`\u201d\u2019](?!\w)"""
_NOUN: Final = r"(?:fields?|propert(?:y|ies)|keys?|attributes?|parameters?|params?|arguments?|metadata)"
_WRONG: Final = (
    r"(?:is|are|was)\s+(?:a\s+)?(?:required|missing|mandatory|empty|null|unknown|not\s+(?:set|given|present|supported|allowed))"
    r"|(?:must|should|has\s+to|cannot|can't|can\s+not|may\s+not)\s"
    r"|(?:is|was)\s+(?:not|no|too)\s+(?:an?\s+)?(?:valid|text|string|number|numeric|integer|boolean|date|array|list|long|short|large)"
)
_PATHS: Final = (
    re.compile(rf"\bevents\.[^\s.\"']+\.({_NAME})"),
    re.compile(rf"\b(?:{_NOUN})[\s:=]+{_QUOTED}", re.IGNORECASE),
    re.compile(rf"{_QUOTED}\s+{_NOUN}\b", re.IGNORECASE),
    re.compile(rf"(?<!value )(?<!customer )(?<!event ){_QUOTED}\s+(?:{_WRONG})", re.IGNORECASE),
    re.compile(rf"\b(?:required|missing|mandatory|unknown|invalid)(?:\s*:)?\s+{_QUOTED}", re.IGNORECASE),
    re.compile(rf"\b((?=\w*[a-z]_|\w*[a-z][A-Z])[a-z]\w{{1,39}})\s+(?:{_WRONG})"),
)
_OURS: Final = re.compile(r"\b(customer_?id|email|mobile|events)\b", re.IGNORECASE)
_NAMERS: Final = ("field", "fieldName", "param", "parameter", "property", "attribute", "key", "path")
"""Names under which an answer may say which field it means."""

_VALUE: Final = re.compile(
    r"""(?<!\w)(?:"[^"]{0,200}"|'[^']{0,200}'|`[^`]{0,200}`|\u201c[^\u201d]{0,200}\u201d)(?!\w)"""
)
# Each begins where a run of its characters does: tried from each of them, a long run takes quadratic time.
_EMAIL: Final = re.compile(r"(?<![^\s\"'()<>,;:])[^\s\"'()<>,;:]+@[^\s\"'()<>,;:]+")
_NUMBERED: Final = re.compile(r"(?:\+|(?<![\w.:/-]))[\w.:/-]*\d[\w.:/-]*")
_KEPT: Final = ("code", "status", "type")
_NEVER: Final = frozenset({"requestid", "traceid", "correlationid", "documentationurl", "timestamp"})


def field_of(answer: str) -> str:
    """Return the field that an answer names, `-` for none.

    A metadata key by its own name; `customerId`, `email`, `mobile` and `events` as they are called in a call.
    Only what looks like a name in a place where a name is said counts, for a value may stand in quotes too.
    """
    said = _read(answer)
    named = next(_named_in(said), None) if said is not None else None
    return named or _field_in(_message_of(answer, said)) or NO_FIELD


def kind_of(answer: str) -> str:
    """Return the kind of an answer: 11 characters that all answers share which differ in values alone."""
    text = normalised(answer)
    if not text:
        return NO_KIND
    return urlsafe_b64encode(blake2b(text.encode(), digest_size=8).digest()).rstrip(b"=").decode("ascii")


def normalised(answer: str) -> str:
    """Return an answer without numbers, ids, addresses and quoted values, on one line."""
    kept = _cut(answer)
    said = _read(kept)
    if said is None:
        return _plain(kept)
    text = json.dumps(_bare(said), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()  # half of a character that JSON spelled as an escape


def says(answer: str, text: str, *, hide: Callable[[str], str] = str) -> bool:
    """Tell whether an answer contains a text, whatever its case, blanks and escapes, where none is hidden."""
    wanted, said = _folded(text), _read(answer)
    readings = [answer] if said is None else [answer, " ".join(_strings(said))]
    return any(wanted in _folded(hide(reading)) for reading in readings)


def kind_says(normal: str, text: str) -> bool | None:
    """Tell whether all answers of a kind, of which `normalised` made this, contain a text; None: some may."""
    folded = _folded(normal)
    if _folded(text) in folded:
        return True
    plain = _plain(text)
    return None if plain != " ".join(text.split()) and _folded(plain) in folded else False


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _strings(said: Any) -> Iterator[str]:
    """Find the texts of an answer in their order, however deep they stand."""
    rest = [said]
    while rest:
        match rest.pop():
            case dict() as named:
                rest += reversed(named.values())
            case list() as listed:
                rest += reversed(listed)
            case str() as text:
                yield text
            case _:  # a number, a truth, nothing
                continue


def _cut(answer: str) -> str:
    return answer.encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore")


def _read(answer: str) -> dict[str, Any] | None:
    if not answer.lstrip("\ufeff \r\n\t").startswith("{"):
        return None
    try:
        said = json.loads(answer.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _named_in(said: Mapping[str, Any]) -> Iterator[str]:
    """Find the field where an answer names it beside its message: `field: x`, or `errors: {x: ...}`."""
    for name in _NAMERS:
        if isinstance(said.get(name), str) and (found := _leaf(said[name])):
            yield found
    errors = said.get("errors")
    if isinstance(errors, dict):
        yield from filter(None, map(_leaf, errors))
    for each in errors if isinstance(errors, list) else ():
        if isinstance(each, dict):
            yield from _named_in({name: value for name, value in each.items() if name != "errors"})


def _leaf(path: str) -> str | None:
    """Return the last name of a path such as `events.purchase.total`."""
    if ours := _ours(path):
        return ours
    name = re.split(r"[.\[\]/$]+", path.strip("$.[]/"))[-1]
    return name if re.fullmatch(_NAME, name) else None


def _ours(name: str) -> str | None:
    plain = name.replace("_", "").lower()
    return next((each for each in OURS if each.lower() == plain), None)


def _message_of(answer: str, said: Mapping[str, Any] | None) -> str:
    if said is None:
        return _cut(answer)
    texts = (value for name in ("message", "error", "detail") if isinstance(value := said.get(name), str))
    return _cut(" ".join(texts))


def _field_in(message: str) -> str | None:
    for pattern in _PATHS:
        if found := pattern.search(message):
            return _ours(found[1]) or found[1]
    found = _OURS.search(message)
    return _ours(found[1]) if found else None


def _plain(text: str) -> str:
    line = " ".join(text.split())
    named = _field_in(line)
    # Addresses first: what follows takes them for numbers.
    for pattern, sign in ((_EMAIL, "…"), (_VALUE, "'…'"), (_NUMBERED, "#")):
        line = pattern.sub(partial(_sign, kept=named, sign=sign), line)
    return line


def _sign(found: re.Match[str], *, kept: str | None, sign: str) -> str:
    """Replace a value, but not the name of the field that the answer is about."""
    return found[0] if kept is not None and found[0].strip("\"'`\u201c\u201d") == kept else sign


def _bare(said: Any, name: str = "", *, level: int = 0) -> Any:
    match said:
        case dict() | list() if level == DEEPEST:
            return "…"
        case dict():
            return {
                each: "#" if each.lower() in _NEVER else _bare(value, each, level=level + 1)
                for each, value in sorted(said.items())
            }
        case list():
            return [_bare(value, level=level + 1) for value in said]
        case str():
            return said if name in _KEPT else _plain(said)
        case bool() | None:
            return said
        case _:
            return said if name in _KEPT else 0
