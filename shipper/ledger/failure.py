"""Failure: what it means for an operation when redis-py, or Redis itself, says that something went wrong.

Either nothing was carried out, or nobody knows, or the primary alone has it. What an enqueue may promise
depends on the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    InvalidResponse,
    MasterDownError,
    MaxConnectionsError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shipper.errors import LedgerFullError, LedgerUnavailableError

REFUSALS: Final = (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    TryAgainError,
)
"""Answers with which Redis says that it did not run the script; some are connection errors to redis-py."""
FORBIDDEN_IN_SCRIPT: Final = ("The user executing the script can't", "ACL failure in script")
"""How Redis 7.0, and later ones and Valkey, say that a script's command was forbidden by an ACL."""
RIGHTS: Final = "docs/acl.md and deploy/acl/users.template say which rights each user needs"
_MAYBE_CARRIED_OUT: Final = (RedisConnectionError, RedisTimeoutError, OSError)
REFUSED_WITH: Final = ("BUSY", "MISCONF", "NOREPLICAS", "max number of clients", "Protocol error: unauth")


class ReplyLostError(LedgerUnavailableError):
    """Say that the request left and its answer did not come: it may have been carried out."""


class ForbiddenError(LedgerUnavailableError):
    """Say that Redis' ACL does not let this user do it: who, what, and where the rights are written."""


class ForbiddenMidwayError(ForbiddenError, ReplyLostError):
    """Say the same of a command inside a script, after others of it may have been carried out."""


class ReplicasBehindError(ReplyLostError):
    """Say that the primary carried it out, and that a failover may undo it; `answer` is the operation's."""

    def __init__(self, message: str, *, answer: Any) -> None:
        self.answer = answer
        super().__init__(message)


class _NothingLeft:
    """See `nothing_left`. A class, for a generator would cost a microsecond more in every enqueue."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (RedisError, OSError)):
            raise LedgerUnavailableError(f"Redis did not take the request: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, MaxConnectionsError):
        return "all connections of the pool are in use: raise its max_connections"
    return str(error) or "the time for it is over"


class _ReplyLost:
    """See `reply_lost`."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, InvalidResponse):
            raise ReplyLostError("what answered is not Redis: does SHIPPER_REDIS_URL lead to it?") from error
        if not isinstance(error, _MAYBE_CARRIED_OUT) or isinstance(error, REFUSALS):
            return
        if str(error).startswith(REFUSED_WITH):  # too many clients: a connection error to redis-py
            raise LedgerUnavailableError(f"Redis refused the request: {error}") from error
        raise ReplyLostError(f"Redis took the request, and its answer did not come: {error}") from error


nothing_left: Final = _NothingLeft
"""A request that did not leave whole was not carried out: Redis runs no half command."""
reply_lost: Final = _ReplyLost
"""A request that left may have been carried out, unless the answer says that it was refused."""


@contextmanager
def replicas_behind(wanted: int, answer: Any) -> Iterator[None]:
    """A script that was answered has run, whatever keeps the replicas' acknowledgements from us."""
    try:
        yield
    except (RedisError, OSError) as error:
        message = f"whether {wanted} replica(s) have it is not known: {error}"
        raise ReplicasBehindError(message, answer=answer) from error


def meaning_of(error: RedisError, *, user: str | None) -> LedgerUnavailableError | LedgerFullError:
    """Turn Redis' refusal into ours; `user` is who asked, None for Redis' default one."""
    midway = str(error).startswith(FORBIDDEN_IN_SCRIPT)
    if midway or isinstance(error, NoPermissionError):
        message = f"Redis does not let the user {user or 'default'} do this ({error}): {RIGHTS}"
        return ForbiddenMidwayError(message) if midway else ForbiddenError(message)
    if isinstance(error, OutOfMemoryError):
        return LedgerFullError(
            "Redis is full (maxmemory): nothing was accepted; free memory or raise maxmemory"
        )
    if isinstance(error, REFUSALS) or str(error).startswith(REFUSED_WITH):
        return LedgerUnavailableError(f"Redis refused the request: {error}")
    return ReplyLostError(f"the ledger's script failed: {error}")
