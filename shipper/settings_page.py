"""Render the settings as a page: `python -m shipper.settings_page docs/reference/settings.md`."""

from __future__ import annotations

import sys
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

## Everywhere

| variable | default | meaning |
|---|---|---|
"""
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
    lines = [_line(name, field) for name, field in Settings.model_fields.items()]
    return f"{_HEAD}{''.join(lines)}{_GAMEBALL}"


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
