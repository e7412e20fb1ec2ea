"""A whole ledger as one value: put it into Redis before a script, read it back after, and compare.

Every structure is a field, empty unless said; what a script must leave alone is thereby in every comparison.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from redis import Redis

from shipper.ledger.keys import prefix_of
from shipper.ledger.record import (
    CallOnRecord,
    Fate,
    Record,
    Tried,
    read_call,
    read_fate,
    read_history,
    read_record,
    read_tried,
)

Entry = Mapping[str, Any]
Note = tuple[int, str, int, tuple[str, ...]]
"""An entry of the audit log: when, the deed as it was given, how many, which."""


def _none() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All that Redis holds of an account. Each field is named after what its key holds."""

    rec: Mapping[str, Record | bytes] = field(default_factory=_none)
    st: Mapping[str, Tried] = field(default_factory=_none)
    lanes: Mapping[str, list[str]] = field(default_factory=_none)
    due: Mapping[str, int] = field(default_factory=_none)
    lease: Mapping[str, int] = field(default_factory=_none)
    calls: Mapping[str, CallOnRecord] = field(default_factory=_none)
    broken: frozenset[str] = frozenset()
    why: Mapping[str, list[Entry]] = field(default_factory=_none)
    fate: Mapping[str, Fate] = field(default_factory=_none)
    ended: tuple[str, ...] = ()
    exported: Mapping[str, int] = field(default_factory=_none)
    idem: Mapping[str, str] = field(default_factory=_none)
    idemx: tuple[str, ...] = ()
    dead: Mapping[str, int] = field(default_factory=_none)
    uncl: Mapping[str, int] = field(default_factory=_none)
    dx: frozenset[str] = frozenset()
    groups: Mapping[str, int] = field(default_factory=_none)
    people: Mapping[str, int] = field(default_factory=_none)
    fields: Mapping[str, int] = field(default_factory=_none)
    kinds: Mapping[str, int] = field(default_factory=_none)
    hooks: Mapping[str, int] = field(default_factory=_none)
    hj: Mapping[str, bytes] = field(default_factory=_none)
    hl: Mapping[str, str] = field(default_factory=_none)
    hf: Mapping[str, int] = field(default_factory=_none)
    pace: Mapping[str, int] = field(default_factory=_none)
    gate: Mapping[str, str] = field(default_factory=_none)
    recent: tuple[str, ...] = ()
    burst: frozenset[str] = frozenset()
    bell: tuple[str, ...] = ()
    pumps: Mapping[str, int] = field(default_factory=_none)
    tellers: Mapping[str, int] = field(default_factory=_none)
    crew: Mapping[str, int] = field(default_factory=_none)
    sweeps: Mapping[str, int] = field(default_factory=_none)
    trail: tuple[Note, ...] = ()
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=_none)
    jdue: Mapping[str, int] = field(default_factory=_none)
    jids: frozenset[str] = frozenset()
    jopen: frozenset[str] = frozenset()
    n: Mapping[str, int] = field(default_factory=_none)
    """Counters that are not zero."""
    flow: tuple[str, ...] = ()
    alarms: Mapping[str, str] = field(default_factory=_none)
    hist: Mapping[str, str] = field(default_factory=_none)
    meta: Mapping[str, str] = field(default_factory=_none)
    """The server's own run id reads as `here`."""
    forged: Mapping[str, bytes] = field(default_factory=_none)
    """Keys that hold a string where the ledger keeps something else."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", {name: value for name, value in self.n.items() if value})

    def __add__(self, other: Book) -> Book:
        """Join two ledgers of one account; counters add up."""
        joined = {f.name: _join(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        counters = {name: self.n.get(name, 0) + other.n.get(name, 0) for name in {**self.n, **other.n}}
        return Book(**{**joined, "n": counters})

    def but(self, **changed: Any) -> Book:
        """Return the same ledger with some structures replaced."""
        return replace(self, **changed)


def _join(mine: Any, theirs: Any) -> Any:
    if isinstance(mine, tuple):
        return mine + theirs
    return mine | theirs


COUNTED: Final = ("groups", "people", "fields", "kinds")
"""Counts that belong to dead letters: those of two ledgers add up."""
STRINGS: Final = ("idem", "hj", "hl", *COUNTED, "gate", "meta", "n", "hist", "alarms")
SCORES: Final = (
    "due",
    "lease",
    "dead",
    "uncl",
    "hooks",
    "hf",
    "pace",
    "pumps",
    "tellers",
    "crew",
    "sweeps",
    "jdue",
    "exported",
)
LEXICAL: Final = ("jids", "jopen")
"""ZSETs of which all scores are 0."""
SETS: Final = ("broken", "burst")
LISTS: Final = ("ended", "idemx", "recent", "bell", "flow")


def write_record(record: Record | bytes) -> bytes:
    """Return a record as the enqueue script stores it."""
    if isinstance(record, bytes):
        return record
    flags = ("p" if record.park else "r") + "s" * record.solo
    header = f"1|{record.lane}|{record.accepted_at}|{record.key_hash}|{record.fingerprint}"
    header += f"|{','.join(record.names)}|{record.signature}|{flags}|{record.hook}|{record.head_len}"
    header += f"|{record.context}" if record.context else ""
    return header.encode() + b"\0" + record.body


def write_tried(tried: Tried) -> str:
    """Return the numbers of an event as the scripts store them."""
    numbers = (tried.number, tried.charged, tried.crashes, tried.vague, tried.causes, tried.life)
    code = "-" if tried.code is None else tried.code
    ending = f"{tried.reason} {code} {tried.field or '-'} {tried.kind or 'none'}" if tried.reason else "   "
    return " ".join(map(str, (*numbers, int(tried.solo), tried.since))) + f" {ending}"


def write_call(call: CallOnRecord) -> str:
    """Return a call under way as the claim script stores it."""
    events = (f"{event_id} {number}" for event_id, number in call.numbers.items())
    at = f"{call.claimed_at}/{call.due_since}" if call.due_since else str(call.claimed_at)
    return " ".join((call.token, at, call.worker, *events))


def write_fate(fate: Fate) -> str:
    """Return what is left of an ended event."""
    letter = {"delivered": "d", "discarded": "x", "expunged": "e"}[fate.state]
    age = fate.ended_at - fate.accepted_at
    return f"{letter} {fate.fingerprint} {fate.attempts} {fate.causes} {fate.ended_at} {age}"


def put(redis: Redis, book: Book, account: str = "default") -> None:
    """Write a ledger into an empty Redis."""
    key = prefix_of(account)
    with redis.pipeline(transaction=False) as pipe:
        hashes: dict[str, Mapping[Any, Any]] = {name: getattr(book, name) for name in STRINGS}
        hashes["meta"] = {k: _run_id(redis) if v == "here" else v for k, v in book.meta.items()}
        hashes["jobs"] = {name: json.dumps(job) for name, job in book.jobs.items()}
        hashes["rec"] = {i: write_record(record) for i, record in book.rec.items()}
        hashes["st"] = {i: write_tried(tried) for i, tried in book.st.items()}
        hashes["calls"] = {lane: write_call(call) for lane, call in book.calls.items()}
        hashes["fate"] = {i: write_fate(fate) for i, fate in book.fate.items()}
        hashes["why"] = {i: "\n".join(_lines(history)) for i, history in book.why.items()}
        for name, pairs in hashes.items():
            if pairs:
                pipe.hset(key + name, mapping=dict(pairs))
        scores = {name: getattr(book, name) for name in SCORES} | {"dx": dict.fromkeys(book.dx, 0)}
        scores |= {name: dict.fromkeys(getattr(book, name), 0) for name in LEXICAL}
        for name, members in scores.items():
            if members:
                pipe.zadd(key + name, dict(members))
        for name in SETS:
            if getattr(book, name):
                pipe.sadd(key + name, *getattr(book, name))
        lists = {name: getattr(book, name) for name in LISTS}
        lists |= {f"l:{lane}": ids for lane, ids in book.lanes.items()}
        for name, items in lists.items():
            if items:
                pipe.rpush(key + name, *items)
        _put_trail(pipe, f"{key}trail", book.trail)
        for name, value in book.forged.items():
            pipe.set(key + name, value)
        pipe.execute()


def _put_trail(pipe: Any, key: str, trail: tuple[Note, ...]) -> None:
    latest = 0
    for at, deed, count, ids in trail:
        latest = max(at, latest)
        pipe.xadd(key, {"at": at, "deed": deed, "count": count, "ids": " ".join(ids)}, id=f"{latest}-*")


def _lines(history: list[Entry]) -> list[str]:
    return [json.dumps(entry, separators=(",", ":")) for entry in history]


_FOUND: Final = (
    "local prefix, found = ARGV[1], {} "
    "for _, key in ipairs(redis.call('KEYS', '*')) do "
    "  if string.sub(key, 1, #prefix) == prefix then "
    "    local kind, value = redis.call('TYPE', key).ok, nil "
    "    if kind == 'hash' then value = redis.call('HGETALL', key) "
    "    elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') "
    "    elseif kind == 'set' then value = redis.call('SMEMBERS', key) "
    "    elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1) "
    "    elseif kind == 'stream' then value = redis.call('XRANGE', key, '-', '+') "
    "    else value = redis.call('GET', key) end "
    "    found[#found + 1] = {string.sub(key, #prefix + 1), value} "
    "  end "
    "end "
    "return found"
)


def read(redis: Redis, account: str = "default") -> Book:
    """Read the whole ledger back. What is of an unexpected type is in `forged`."""
    found = {name.decode(): value for name, value in redis.eval(_FOUND, 0, prefix_of(account))}
    forged = {name: found.pop(name) for name, value in list(found.items()) if isinstance(value, bytes)}
    lanes = {name[2:]: _texts(found.pop(name)) for name in list(found) if name.startswith("l:")}
    hashes = {name: _decoded(_pairs(found.pop(name, []))) for name in STRINGS if name not in {"hj", "meta"}}
    given: dict[str, Any] = {
        "rec": {k: read_record(v) or v for k, v in _entries(found, "rec")},
        "st": {k: read_tried(v) for k, v in _entries(found, "st")},
        "calls": {k: read_call(v) for k, v in _entries(found, "calls")},
        "fate": {k: read_fate(v) for k, v in _entries(found, "fate")},
        "why": {k: read_history(v) for k, v in _entries(found, "why")},
        "hj": dict(_entries(found, "hj")),
        "dx": frozenset(_texts(found.pop("dx", [])[::2])),
        "trail": tuple(_note(_pairs(flat)) for _, flat in found.pop("trail", [])),
        "jobs": {name: json.loads(job) for name, job in _entries(found, "jobs")},
        **{name: frozenset(_texts(found.pop(name, [])[::2])) for name in LEXICAL},
        "meta": _meta(redis, _decoded(_pairs(found.pop("meta", [])))),
        **hashes,
        **{name: {k: int(v) for k, v in hashes[name].items()} for name in ("n", *COUNTED)},
        **{name: {k: int(v) for k, v in _entries(found, name)} for name in SCORES},
        **{name: frozenset(_texts(found.pop(name, []))) for name in SETS},
        **{name: tuple(_texts(found.pop(name, []))) for name in LISTS},
    }
    assert not found, f"keys that no ledger has: {sorted(found)}"
    return Book(lanes=lanes, forged=forged, **given)


def _note(fields: dict[bytes, bytes]) -> Note:
    ids = tuple(fields[b"ids"].decode().split())
    return int(fields[b"at"]), fields[b"deed"].decode(), int(fields[b"count"]), ids


def _entries(found: dict[str, list[bytes]], name: str) -> Iterator[tuple[str, bytes]]:
    for key, value in _pairs(found.pop(name, [])).items():
        yield key.decode(), value


def _meta(redis: Redis, meta: dict[str, str]) -> dict[str, str]:
    here = "run_id" in meta and meta["run_id"] == _run_id(redis)
    return {**meta, "run_id": "here"} if here else meta


def _decoded(pairs: dict[bytes, bytes]) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in pairs.items()}


def _pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _texts(values: list[bytes]) -> list[str]:
    return [value.decode() for value in values]


def _run_id(redis: Redis) -> str:
    return str(redis.info("server")["run_id"])
