"""What a sandbox is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from shipper.sandbox.contract import Keys
from shipper.sandbox.plan import Plan
from shipper.sandbox.windows import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One sandbox is one account of Gameball: start two for two accounts."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: a free one."""
    keys: Keys = field(default_factory=Keys)
    limits: Limits = field(default_factory=Limits)
    latency_ms: int = 0
    """How long Gameball works on each call before it applies it."""
    seed: int = 0
    """What the shares of faults are drawn from."""
    log: Path | None = None
    """Where accepted calls are written; None: a temporary file. One that exists is continued."""
    plan: Plan = field(default_factory=Plan)
