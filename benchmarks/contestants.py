"""Contestants: who is measured, each a module of `peers`, tuned as its own documents advise."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Who delivers: a module with `load` and its workers' commands."""

    name: str
    module: str
    slots: int
    """Calls that its workers may have in flight at once."""
    workers: str = "WORKERS"
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    share: float = 1.0
    """Part of the events that it is given: the slow would take the whole day."""

    def environ(self, redis_url: str, far_end_url: str) -> dict[str, str]:
        """Return the environment of its processes."""
        found = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SHIPPER_", "GAMEBALL_"))
        }
        return {
            **found,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{found.get('PATH', '')}",
            "PYTHONPATH": str(ROOT),
            "BENCH_REDIS_URL": redis_url,
            "BENCH_FAR_END": far_end_url,
            "SHIPPER_REDIS_URL": redis_url,
            "GAMEBALL_BASE_URL": far_end_url,
            **self.environment,
        }


_KEY: Final = {"GAMEBALL_API_KEY": "bench"}
_NO_PACE: Final = {"SHIPPER_PACE_PER_SECOND": "0", "SHIPPER_PACE_PER_30_SECONDS": "0"}

OURS: Final = Contestant(name="this project", module="ours", slots=64, environment={**_KEY, **_NO_PACE})
WIDE: Final = Contestant(
    name="this project, 256 calls a worker",
    module="ours",
    slots=512,
    environment={**_KEY, **_NO_PACE, "SHIPPER_CALLS_IN_FLIGHT": "256"},
)
PACED: Final = Contestant(name="this project, paced", module="ours", slots=64, environment=_KEY)
LIMIT: Final = Contestant(name="bare libcurl loop", module="bare_curl", slots=64)
NAIVE: Final = Contestant(
    name="Celery, defaults", module="celery_naive", slots=os.cpu_count() or 1, share=0.05
)
WELL: Final = Contestant(name="Celery done well", module="celery_well", slots=64, share=0.1)
QUICK: Final = Contestant(
    name="Celery, no acknowledging",
    module="celery_well",
    slots=64,
    environment={"BENCH_CELERY": "quick"},
    share=0.2,
)
PEERS: Final = (
    NAIVE,
    WELL,
    QUICK,
    Contestant(name="Celery, gevent", module="celery_well", slots=200, workers="GEVENT", share=0.06),
    Contestant(name="dramatiq", module="dramatiq_app", slots=64, share=0.2),
    Contestant(name="RQ", module="rq_app", slots=8, share=0.03),
    Contestant(name="huey", module="huey_app", slots=64, share=0.2),
    Contestant(name="taskiq", module="taskiq_app", slots=200, share=0.2),
    Contestant(name="arq", module="arq_app", slots=200, share=0.1),
)
ALL: Final = (OURS, LIMIT, *PEERS)
