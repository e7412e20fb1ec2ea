"""Every setting by its name, read from the environment once and passed in from there.

Times are milliseconds. Each field is `SHIPPER_` and its name in capitals; `SHIPPER_REDIS_URL` may
also be `REDIS_URL`. Keys of Gameball are not here: they live in `workers.settings` alone.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shipper.context import NAME
from shipper.errors import Problem, SettingsError
from shipper.keyring import NO_KEYS, Keyring, read_keyring
from shipper.outcome import OnUnclear
from shipper.secrecy import is_forbidden
from shipper.tracing import TRACEPARENT

SECOND_MS: Final = 1000
HOUR_MS: Final = 3600 * SECOND_MS

ALIAS: Final = re.compile(r"[a-z0-9_-]{1,64}")
"""What an account may be called: its name is part of every key of its ledger."""

NO_URL: Final = (
    "is no URL of a Redis: redis://[user:password@]host[:port][/db], or rediss:// for TLS;"
    " in a password, write / as %2F, # as %23, ? as %3F and @ as %40"
)
_SOCKET_SCHEMES: Final = frozenset({"unix", "redis+socket"})
_REDIS_SCHEMES: Final = frozenset({"redis", "rediss", "unix"})
_BROKER_SCHEMES: Final = frozenset({"redis", "rediss", "redis+socket"})

Milliseconds = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
"""Zero means "no limit"."""
Names = Annotated[tuple[str, ...], NoDecode]
"""In the environment: separated by commas."""


class Settings(BaseSettings):
    """Hold what producers, workers and operators agree on. Immutable."""

    model_config = SettingsConfigDict(
        env_prefix="SHIPPER_",
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        hide_input_in_errors=True,  # a URL may hold a password
    )

    # Where
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        validation_alias=AliasChoices("SHIPPER_REDIS_URL", "REDIS_URL", "redis_url"),
        description="the ledger's Redis (rediss:// for TLS)",
        repr=False,  # it may hold a password, and what is shown ends up in logs
    )
    broker_url: str = Field("", description="Celery's Redis; empty: the ledger's", repr=False)
    accounts: Names = Field(("default",), description="aliases of the Gameball accounts served")
    require_durable_redis: bool = Field(False, description="workers refuse a Redis that may lose or evict")
    encryption_keys: SecretStr = Field(
        SecretStr(""), description="`id:key,…`: the first encrypts what is stored, all open it; empty: plain"
    )
    encryption_keys_file: str = Field("", description="a file that holds them instead; read at the start")

    # The producer
    enqueue_budget_ms: Milliseconds = Field(500, description="longest time one enqueue call may take")
    wait_replicas: CountOrNone = Field(
        0, description="replicas that must have an event before its enqueue returns; 0: none is waited for"
    )
    on_unclear: OnUnclear = Field(OnUnclear.RETRY, description="retry, or park for a person")
    allowed_events: Names = Field((), description="event names that may be sent; empty: any")
    merge_by: Literal["none", "email", "mobile"] = Field(
        "none", description="what the account merges channels by"
    )
    max_body_bytes: Count = Field(64 * 1024, description="largest encoded event")
    max_depth: Annotated[int, Field(ge=1, le=100)] = Field(32, description="deepest nesting of metadata")
    max_keys: Count = Field(256, description="most keys of an event, nested ones counted")
    max_customer_id: Count = Field(100, description="longest customer id, in characters")
    context: Annotated[Names, Field(max_length=8)] = Field(
        ("request_id",),
        description="context variables that travel with an event into the lines about it, unencrypted",
    )

    # The ledger
    backlog_max: Count = Field(1_000_000, description="most events waiting or in flight")
    backlog_bytes: CountOrNone = Field(0, description="most bytes held; 0: 70 % of Redis' maxmemory")
    id_retention_ms: Milliseconds = Field(
        6 * HOUR_MS, description="how long an ended event's id is remembered"
    )
    idempotency_retention_ms: Milliseconds = Field(
        168 * HOUR_MS, description="how long an ended event's idempotency key is remembered"
    )

    # The desk
    operator: str = Field(
        "", max_length=64, description="who is on the audit log for what is done; empty: the login name"
    )
    trail_days: Count = Field(400, description="how long the audit log is kept, in days")

    # The call
    timeout_ms: Milliseconds = Field(15 * SECOND_MS, description="longest whole attempt")
    connect_timeout_ms: Milliseconds = Field(3 * SECOND_MS, description="longest wait for a connection")
    lease_ms: Milliseconds = Field(30 * SECOND_MS, description="a worker's exclusive right to a call")
    coalesce_max: Annotated[int, Field(ge=1, le=100)] = Field(20, description="most events in one call")
    coalesce_bytes: Count = Field(64 * 1024, description="largest body of a merged call")
    pace_per_second: CountOrNone = Field(100, description="most calls in any second; 0: no limit")
    pace_per_30_seconds: CountOrNone = Field(1200, description="most calls in any 30 s; 0: no limit")
    pace_margin_ms: Milliseconds = Field(
        250, description="longest delay between claim and send; longer while Redis is slow"
    )

    # Retrying
    max_attempts: Count = Field(20, description="charged attempts before an event is dead")
    max_vague: Count = Field(3, description="vague answers before an event is dead")
    max_age_ms: Milliseconds = Field(72 * HOUR_MS, description="age at which a failed attempt is the last")
    max_crashes: Count = Field(3, description="workers in a row an event may kill")
    backoff_base_ms: Milliseconds = Field(2 * SECOND_MS, description="first backoff, full jitter")
    backoff_cap_ms: Milliseconds = Field(HOUR_MS, description="longest backoff")
    retry_after_max_ms: Milliseconds = Field(300 * SECOND_MS, description="longest Retry-After believed")

    # The gate
    breaker_calls: Annotated[int, Field(ge=1, le=100)] = Field(
        20, description="fewest calls to judge by; half failing opens"
    )
    breaker_window_ms: Milliseconds = Field(30 * SECOND_MS, description="how far back the breaker looks")
    pause_step_ms: Milliseconds = Field(
        10 * SECOND_MS, description="first pause of breaker and credentials, doubling"
    )
    pause_max_ms: Milliseconds = Field(300 * SECOND_MS, description="longest such pause")
    refusal_burst: CountOrNone = Field(
        50, description="customers refused in a row that pause the account; 0: never"
    )

    # Workers and hooks
    calls_in_flight: Annotated[int, Field(ge=1, le=256)] = Field(
        32, description="calls a pump keeps in flight"
    )
    pumps: Count = Field(1, description="pumps a worker runs for an account")
    pump_ms: Milliseconds = Field(5 * SECOND_MS, description="longest life of a pump")
    sweep_ms: Annotated[int, Field(ge=10, le=5000)] = Field(
        SECOND_MS, description="how often the Dispatcher looks"
    )
    hooks: Names = Field((), description="modules to import for completion hooks")
    tellers: Count = Field(4, description="completion hooks that run at once, over all workers")
    hook_tries: Count = Field(8, description="tries of a completion hook")
    hook_timeout_ms: Milliseconds = Field(30 * SECOND_MS, description="longest run of a completion hook")

    # Alarms, raised when a number reaches its mark
    alarm_dead: CountOrNone = Field(0, description="dead letters; 0: no alarm")
    alarm_unclear: CountOrNone = Field(0, description="unclear events; 0: no alarm")
    alarm_oldest_due_ms: CountOrNone = Field(
        0, description="how long a customer's events have been due; 0: no alarm"
    )
    alarm_pause_ms: CountOrNone = Field(0, description="how long the account has been held; 0: no alarm")

    # The page
    web_tokens: SecretStr = Field(
        SecretStr(""), description="`name:role:token,…`: who may open `shipper web`, as viewer or operator"
    )
    web_tokens_file: str = Field("", description="a file that holds them instead; read at the start")
    web_proxies: Names = Field(
        (), description="addresses or networks of the proxies before the page, whose X-Forwarded-For is true"
    )

    @property
    def keyring(self) -> Keyring:
        """Return the keys under which events are stored; without any they are stored as they are."""
        if self.encryption_keys_file:
            return _read_keys_file(self.encryption_keys_file)
        return read_keyring(self.encryption_keys.get_secret_value())

    @field_validator("accounts", "allowed_events", "hooks", "context", "web_proxies", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("accounts")
    @classmethod
    def _are_aliases(cls, accounts: tuple[str, ...]) -> tuple[str, ...]:
        bad = [alias for alias in accounts if not ALIAS.fullmatch(alias)]
        if bad or not accounts:
            raise ValueError("each alias is 1 to 64 of a-z, 0-9, _ and -, and there is at least one")
        return accounts

    @field_validator("context")
    @classmethod
    def _may_be_told(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if TRACEPARENT in names:
            raise ValueError("leave traceparent out: it is carried wherever there is a span")
        if bad := [name for name in names if not NAME.fullmatch(name)]:
            raise ValueError(
                f"{bad[0][:40]!r} is no name: a letter or _, then at most 39 of A-Z a-z 0-9 _ . -"
            )
        if bad := [name for name in names if is_forbidden(name)]:
            raise ValueError(f"{bad[0]!r} may tell what customers said, or a key, and no log line has it")
        return names

    @field_validator("web_proxies")
    @classmethod
    def _are_networks(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            ip_network(text, strict=False)
        return texts

    @field_validator("encryption_keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr) -> SecretStr:
        if keys.get_secret_value():
            _some_keys(keys.get_secret_value())
        return keys

    @field_validator("encryption_keys_file")
    @classmethod
    def _is_file_of_keys(cls, path: str) -> str:
        _read_keys_file(path)
        return path

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _are_urls(cls, url: str, info: ValidationInfo) -> str:
        if url or info.field_name == "redis_url":
            _check_url(url, _BROKER_SCHEMES if info.field_name == "broker_url" else _REDIS_SCHEMES)
        return url

    @model_validator(mode="after")
    def _have_one_place_for_keys(self) -> Settings:
        if self.encryption_keys.get_secret_value() and self.encryption_keys_file:
            raise ValueError(
                "SHIPPER_ENCRYPTION_KEYS is set, and SHIPPER_ENCRYPTION_KEYS_FILE too: set one of them"
            )
        return self

    @model_validator(mode="after")
    def _leave_time_to_settle(self) -> Settings:
        if self.lease_ms < self.timeout_ms + 5 * SECOND_MS:
            raise ValueError(
                f"lease_ms {self.lease_ms} must exceed timeout_ms {self.timeout_ms} by 5000 to settle in"
            )
        if self.connect_timeout_ms > self.timeout_ms:
            raise ValueError(
                f"connect_timeout_ms {self.connect_timeout_ms} exceeds timeout_ms {self.timeout_ms}"
            )
        return self


def load_settings(**given: Any) -> Settings:
    """Read the environment, overridden by what is given; raise SettingsError naming every problem."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError([_problem_of(detail) for detail in error.errors(include_url=False)]) from None


def _problem_of(detail: Mapping[str, Any]) -> Problem:
    field = str(detail["loc"][0]) if detail["loc"] else ""
    name = field if field.isupper() else f"SHIPPER_{field.upper()}"
    message = detail["msg"].removeprefix("Value error, ")
    if not field:
        return Problem("", message)
    if field.lower().endswith("_url"):  # it may hold a password
        return Problem(name, NO_URL)
    if field.lower().endswith(("encryption_keys", "encryption_keys_file")):  # a key in the wrong one is a key
        return Problem(name, message)
    return Problem(name, f"is {str(detail['input'])[:80]!r}: {message[:1].lower()}{message[1:]}")


def _check_url(url: str, schemes: Container[str]) -> None:
    """Refuse what is no URL, and most passwords that were not escaped: the rest would be taken for a host."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it parses it
    except ValueError:
        raise ValueError(NO_URL) from None  # its message repeats a piece of the password
    socket = parts.scheme in _SOCKET_SCHEMES
    if parts.scheme not in schemes or parts.fragment or not (socket or re.fullmatch(r"/?\d*/?", parts.path)):
        raise ValueError(NO_URL)


@lru_cache(maxsize=8)
def _read_keys_file(path: str) -> Keyring:
    """Read a file of keys once a process, so that all of its parts agree; raise ValueError."""
    if not path:
        return NO_KEYS
    try:
        return _some_keys(Path(path).read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None


def _some_keys(text: str) -> Keyring:
    """Read keys where some must be: a secret that arrived empty would switch encryption off, unnoticed."""
    keyring = read_keyring(text)
    if not keyring.ids:
        raise ValueError("holds no key: leave the setting out to store events as they are")
    return keyring
