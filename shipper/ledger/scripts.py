"""Load the ledger's Lua scripts: each file, with the fragments it includes before it.

A script's header names its fragments (`-- INCLUDE: base count`) and keys (`-- KEYS: rec st`). The loader
joins the keys of the script and of its fragments and binds each to a local in capitals. Only the first is
given to Redis: the others are made from its prefix `P`, as `l:<lane>` is, for each key given costs as much
as a command. All are in one slot, by their hash tag.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from shipper.ledger.keys import FIXED

_FOLDER: Final = resources.files("shipper.ledger") / "lua"
_INCLUDE: Final = re.compile(r"^-- INCLUDE: (.+)$", re.MULTILINE)
_KEYS: Final = re.compile(r"^-- KEYS: (.+)$", re.MULTILINE)
_SHEBANG: Final = re.compile(r"^#!lua(?: flags=[a-z,-]+)?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script ready to run: its text, the SHA-1 that Redis knows it by, and its keys in order."""

    name: str
    text: str
    sha: str
    keys: tuple[str, ...]

    @property
    def reads_only(self) -> bool:
        """Tell whether Redis runs it even on a replica and when it is full."""
        return "no-writes" in self.text.partition("\n")[0]


@cache
def load(name: str) -> Script:
    """Return the script of a file `lua/<name>.lua`; raise FileNotFoundError where there is none."""
    return compose(name, sources())


@cache
def sources() -> dict[str, str]:
    """Read the texts of all files by name without suffix, once a process.

    None may come later: from another version that was installed meanwhile, or not at all, for want of a file
    descriptor, when a call has been made and has to be written down.
    """
    return {path.name.removesuffix(".lua"): path.read_text() for path in _FOLDER.iterdir()}


def compose(name: str, texts: dict[str, str]) -> Script:
    """Join a script with its fragments; `texts` maps file names without suffix to texts."""
    if name not in texts:
        raise FileNotFoundError(f"no ledger script is named {name}")
    source = texts[name]
    shebang = _SHEBANG.match(source)
    if not shebang:
        raise ValueError(f"{name}.lua does not start with #!lua")
    fragments = [texts[f"_{part}"] for part in _words(_INCLUDE, source)]
    body = source[shebang.end() :]
    keys = tuple(dict.fromkeys(key for part in (*fragments, body) for key in _words(_KEYS, part)))
    unknown = set(keys) - FIXED.keys()
    if unknown:
        raise ValueError(f"{name}.lua names keys that the ledger has not: {', '.join(sorted(unknown))}")
    text = "\n".join([shebang.group().rstrip(), *_bindings(keys), *fragments, body])
    return Script(
        name=name, text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), keys=keys
    )


def _words(header: re.Pattern[str], source: str) -> list[str]:
    return [word for line in header.findall(source) for word in line.split()]


def _bindings(keys: tuple[str, ...]) -> list[str]:
    names = ", ".join(key.upper() for key in keys)
    values = ", ".join(["KEYS[1]", *(f"P .. '{key}'" for key in keys[1:])])
    return [f"local P = string.sub(KEYS[1], 1, -{len(keys[0]) + 1})", f"local {names} = {values}"]
