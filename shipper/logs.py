"""Logs: one line a fact (`delivery.settled event_id=…`), for people or as JSON; never what customers said.

Everything goes through the standard library's loggers, so an app that never calls `configure_logs` keeps
its own handlers and format. Producers do not import this module: structlog brings rich along.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO, cast

import structlog
from structlog.processors import JSONRenderer, format_exc_info
from structlog.stdlib import BoundLogger, ProcessorFormatter, filter_by_level
from structlog.typing import Processor

from shipper.errors import Problem, SettingsError
from shipper.secrecy import is_forbidden

STYLES: Final = ("json", "human", "auto")

Fields = MutableMapping[str, Any]


def get_logger(name: str) -> BoundLogger:
    """Return the logger of a module: `log.info("delivery.settled", event_id=…, attempt=2)`."""
    processors: list[Processor] = [filter_by_level, drop_forbidden, _to_record]
    logger = structlog.wrap_logger(logging.getLogger(name), processors=processors, wrapper_class=BoundLogger)
    return cast("BoundLogger", logger)


def configure_logs(style: str = "auto", *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send the logs of this process to `stream` (stderr): `json`, `human`, or `auto`: human on a terminal.

    Replaces the handlers of the root logger: for doors only, which read the style from `SHIPPER_LOG`.
    Raises SettingsError for an unknown style.
    """
    if style not in STYLES:
        raise SettingsError([Problem("SHIPPER_LOG", f"is {style[:80]!r}: known are {', '.join(STYLES)}")])
    out = stream or sys.stderr
    human = style == "human" or (style == "auto" and out.isatty())
    render = _human_line if human else JSONRenderer()
    handler = logging.StreamHandler(out)
    handler.setFormatter(ProcessorFormatter(processors=[_from_record, format_exc_info, render]))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def drop_forbidden(_logger: Any, _method: str, fields: Fields) -> Fields:
    """Take out what must not be logged, at any depth, and name it in `dropped`: a last guard."""
    dropped: set[str] = set()
    kept: Fields = _kept(fields, dropped)
    return {**kept, "dropped": sorted(dropped)} if dropped else kept


def _kept(value: Any, dropped: set[str]) -> Any:
    if isinstance(value, list | tuple):
        return [_kept(item, dropped) for item in value]
    if not isinstance(value, dict):
        return value
    forbidden = {name for name in value if is_forbidden(name)}
    dropped.update(str(name) for name in forbidden)
    return {name: _kept(inner, dropped) for name, inner in value.items() if name not in forbidden}


def _to_record(_logger: Any, _method: str, fields: Fields) -> tuple[tuple[str], dict[str, Any]]:
    """Make a record that any handler can show, with the fields beside its message for ours."""
    passed = {name: fields.pop(name) for name in ("exc_info", "stack_info") if name in fields}
    return (_text(fields),), {"extra": {"shipper_fields": fields}, **passed}


def _from_record(_logger: Any, _method: str, fields: Fields) -> Fields:
    """Take time, level and fields from a record, ours or another library's."""
    record = fields["_record"]
    line = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        **getattr(record, "shipper_fields", {"event": fields["event"]}),
    }
    return {**line, "exc_info": fields["exc_info"]} if fields.get("exc_info") else line


def _human_line(_logger: Any, _method: str, fields: Fields) -> str:
    time, level, _, exception = (fields.pop(name, "") for name in ("time", "level", "logger", "exception"))
    trace = "".join(f"\n  {_shown(line)}" for line in exception.splitlines())
    return f"{time} {level:<8} {_text(fields)}{trace}"


def _text(fields: Fields) -> str:
    rest = [f"{name}={value!r}" for name, value in fields.items() if name != "event"]
    return " ".join([_shown(str(fields["event"])), *rest])


def _shown(text: str) -> str:
    """Escape what could steer a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
