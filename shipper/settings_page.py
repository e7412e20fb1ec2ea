"""Render the settings as a page: `python -m shipper.settings_page docs/reference/settings.md`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from shipper.settings import HOUR_MS, SECOND_MS, Settings

_HEAD: Final = """\
# Settings

Made from `shipper/settings.py`: change them there, then run `python -m shipper.settings_page
docs/reference/settings.md`. All are read from the environment; times are milliseconds, lists are separated by
commas, 0 means what the line says. What cannot work is refused at the start, every problem in one message.
"""
_TABLE: Final = """
| variable | default | meaning |
|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The settings that one kind of process reads."""

    title: str
    lead: str
    names: str
    """Of its fields, separated by blanks."""

    @property
    def fields(self) -> tuple[str, ...]:
        """List them."""
        return tuple(self.names.split())


SECTIONS: Final = (
    Section(
        title="Everywhere: apps, workers, commands and the page",
        lead="The same for all that share a ledger.",
        names="redis_url accounts encryption_keys encryption_keys_file context",
    ),
    Section(
        title="Apps that enqueue",
        lead=(
            "Set them where `enqueue_event` is called: a worker reads them only for a hook that enqueues.\n"
            "`shipper send`, an edit and an import check by them too."
        ),
        names=(
            "enqueue_budget_ms wait_replicas on_unclear allowed_events merge_by max_body_bytes max_depth"
            " max_keys max_customer_id backlog_max backlog_bytes"
        ),
    ),
    Section(
        title="Apps and workers",
        lead="An app refuses an id that is older; workers forget those of ended events.",
        names="id_retention_ms",
    ),
    Section(
        title="Workers",
        lead=(
            "`shipper status`, `health`, `doctor`, redrives and the page judge by some of them: let them\n"
            "see the same values."
        ),
        names=(
            "broker_url require_durable_redis idempotency_retention_ms trail_days"
            " timeout_ms connect_timeout_ms lease_ms coalesce_max coalesce_bytes"
            " pace_per_second pace_per_30_seconds pace_margin_ms"
            " max_attempts max_vague max_age_ms max_crashes"
            " backoff_base_ms backoff_cap_ms retry_after_max_ms"
            " breaker_calls breaker_window_ms pause_step_ms pause_max_ms refusal_burst"
            " calls_in_flight pumps pump_ms sweep_ms hooks tellers hook_tries hook_timeout_ms"
            " alarm_dead alarm_unclear alarm_oldest_due_ms alarm_pause_ms"
        ),
    ),
    Section(
        title="Whoever operates",
        lead="For `shipper` on the command line.",
        names="operator",
    ),
    Section(
        title="The page",
        lead="For `shipper web` alone.",
        names="web_tokens web_tokens_file web_proxies",
    ),
)
"""Who reads what; within a section in the order of `Settings`."""
_GAMEBALL: Final = """
## Workers only: Gameball's accounts

For an account `shop-eu` of `SHIPPER_ACCOUNTS` the names begin with `GAMEBALL_SHOP_EU_`. A key is in its
variable or in the file that `…_FILE` names, and is read when it is needed: a rotated key needs no restart.

| variable | default | meaning |
|---|---|---|
| `GAMEBALL_API_KEY`, `GAMEBALL_API_KEY_FILE` | - | the account's key |
| `GAMEBALL_SECRET_KEY`, `GAMEBALL_SECRET_KEY_FILE` | - | its secret: for v4.1, sent whenever it is there |
| `GAMEBALL_BASE_URL` | `https://api.gameball.co` | https, unless it is a loopback address |
| `GAMEBALL_API_VERSION` | `v4.0` | or `v4.1`, which wants both keys |
| `GAMEBALL_LANG` | - | two letters for the `lang` header |
| `GAMEBALL_PROXY` | - | none but this is used, whatever else the environment says |
| `GAMEBALL_CA_BUNDLE` | certifi's | certificates to trust |

## Logs

| variable | default | meaning |
|---|---|---|
| `SHIPPER_LOG` | `auto` | `json`, `human`, or `auto`: human on a terminal |
"""


def render() -> str:
    """Return the whole page."""
    return f"{_HEAD}{''.join(map(_section, SECTIONS))}{_GAMEBALL}"


def _section(section: Section) -> str:
    lines = [_line(name, field) for name, field in Settings.model_fields.items() if name in section.fields]
    return f"\n## {section.title}\n\n{section.lead}\n{_TABLE}{''.join(lines)}"


def _line(name: str, field: FieldInfo) -> str:
    variable = f"`SHIPPER_{name.upper()}`" + (", `REDIS_URL`" if name == "redis_url" else "")
    return f"| {variable} | {_default(name, field.default)} | {field.description} |\n"


def _default(name: str, value: object) -> str:
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`" if value else "-"
    if isinstance(value, SecretStr):
        return "-"
    if isinstance(value, int) and name.endswith("_ms"):
        return f"{value} ({_spoken(value)})"
    return f"`{value}`" if value != "" else "-"


def _spoken(value_ms: int) -> str:
    if value_ms % HOUR_MS == 0:
        return f"{value_ms // HOUR_MS} h"
    if value_ms % SECOND_MS == 0:
        return f"{value_ms // SECOND_MS} s"
    return f"{value_ms} ms"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
