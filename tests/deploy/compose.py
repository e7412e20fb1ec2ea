"""Read docker-compose.yml as Compose does: anchors merged, variables put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).parents[2]
NOTHING: Final[Mapping[str, str]] = {}

_VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+):(?P<kind>[-+])(?P<text>[^}]*)\}")


def compose(environ: Mapping[str, str] = NOTHING) -> dict[str, Any]:
    """Return the compose file under an environment."""
    text = _VARIABLE.sub(lambda found: _value(found, environ), (ROOT / "docker-compose.yml").read_text())
    assert "${" not in text, "a variable is written in a way that this reader does not know"
    loaded: dict[str, Any] = YAML(typ="safe").load(text)
    return loaded


def _value(found: re.Match[str], environ: Mapping[str, str]) -> str:
    given = environ.get(found["name"], "")
    return (given or found["text"]) if found["kind"] == "-" else (given and found["text"])
