"""Deliver accepted events to Gameball: what a worker process runs.

`celery -A workers worker` finds the app by the name `celery`, imported only when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workers.app import app as celery

__all__ = ["celery"]


def __getattr__(name: str) -> Any:
    if name == "celery":
        from workers.app import app  # noqa: PLC0415 - whoever reads settings needs no Celery

        return app
    raise AttributeError(f"module 'workers' has no attribute {name!r}")
