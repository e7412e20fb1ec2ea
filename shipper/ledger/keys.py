"""Name every key of the ledger. All keys of an account share one hash tag, hence one cluster slot."""

from __future__ import annotations

from typing import Final

FIXED: Final = {
    "rec": "HASH id → record: header NUL body; written once, and anew by a person's edit",
    "st": "HASH id → numbers of an event that was tried and has not ended",
    "due": "ZSET lane → ms at which somebody must look at it; lanes that are not leased",
    "lease": "ZSET lane → ms at which its call's lease ends",
    "calls": "HASH lane → its one call: token, claimed at, worker, id and number of each event",
    "broken": "SET of quarantined lanes",
    "why": "HASH id → history: a JSON line an attempt",
    "fate": "HASH id → how an event ended: letter, fingerprint, attempts, causes, at, after ms",
    "ended": "LIST of ended ids, oldest first, until retention forgets them",
    "exported": "ZSET id → ms at which a file took it; minus ms once delivered or expunged, and forgotten",
    "idem": "HASH idempotency key (hashed) → id, fingerprint",
    "idemx": "LIST of idempotency keys of ended events and when they ended; 0: perhaps not yet",
    "dead": "ZSET id → ms at which it died",
    "uncl": "ZSET id → ms at which it became unclear",
    "dx": "ZSET of score 0: pages of dead letters by reason, code, field, kind, name, lane and group",
    "groups": "HASH `reason code name field` → how many dead letters",
    "people": "HASH group → how many customers have letters in it; group NUL lane → how many are theirs",
    "fields": "HASH field that Gameball's answer names → how many dead letters; few hundreds",
    "kinds": "HASH kind of answer → how many dead letters; few hundreds",
    "hooks": "ZSET id:life → ms at which its completion hook is due",
    "hj": "HASH id:life → what to tell the hook, and the record",
    "hl": "HASH id:life → tries, token and last error of a hook",
    "hf": "ZSET id:life → ms at which its hook was given up",
    "pace": "ZSET token → ms of the claims of the last 30 s; minus the ms at which a token was given back",
    "gate": "HASH why, until, step, need, probe, pend: what holds the account",
    "recent": "LIST of the last 100 calls: at, failed (0 or 1)",
    "burst": "SET of lanes refused since the last acceptance",
    "bell": "LIST of at most one item: somebody enqueued",
    "pumps": "ZSET ticket → ms at which a pump is no longer believed alive",
    "tellers": "ZSET ticket → the same, of those who run completion hooks",
    "crew": "ZSET worker → ms at which it is no longer believed alive; workers that run pumps",
    "sweeps": "ZSET worker → ms of its last sweep, the latest hundred: what Redis forgot, a worker misses",
    "trail": "STREAM, the audit log: at, deed (JSON: id, by, did, about), count, ids",
    "jobs": "HASH redrive job → how it stands, as JSON; the latest thousand",
    "jdue": "ZSET redrive job that is not over → ms of its next step",
    "jids": "ZSET of score 0: `job place id`, what is still to be sent of a job that was given ids",
    "jopen": "ZSET of score 0: `job ms id`, what a job sent that has not ended, since when nobody looked",
    "n": "HASH of counters",
    "alarms": "HASH alarm → when it was raised, value and mark; `at`: last look; `held`: since when",
    "hist": "HASH of what workers counted and timed: buckets of durations, retries by verdict",
    "flow": "LIST of samples of the counters, a line each ten seconds of the last hour, newest first",
    "meta": "HASH of facts: last sweep, last sample, last look for hooks, run id, byte cap, roll-backs",
}
"""The fixed keys of an account and what each holds. Beside them there is one LIST `l:<lane>` a lane."""


def prefix_of(account: str) -> str:
    """Return what every key of an account starts with."""
    return f"{{shipper:{account}}}:"


def key_of(account: str, name: str) -> str:
    """Return the full name of a fixed key; raise KeyError for a name that is not one."""
    if name not in FIXED:
        raise KeyError(name)
    return prefix_of(account) + name


def lane_key_of(account: str, lane: str) -> str:
    """Return the key of a lane's LIST of event ids."""
    return f"{prefix_of(account)}l:{lane}"
