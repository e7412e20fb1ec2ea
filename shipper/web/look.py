"""Look: templates and what they write: every value escaped for HTML, and nothing in it reorders a line."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from shipper.cli.text import clean, duration, in_shell, iso, moment, number
from shipper.clock import now_ms
from shipper.web.filters import query_of

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
LONGEST: Final = 4_000
"""Characters of one value that a page shows."""
LONGEST_BLOCK: Final = 20_000
"""The same, of an event's content or an answer."""


class Look:
    """Draw pages from the templates of this package."""

    def __init__(self) -> None:
        self._versions = {path.name: _version(path) for path in sorted(STATIC.iterdir())}
        self._jinja = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            finalize=_shown,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._jinja.filters.update(
            ago=ago,
            block=block,
            command=command,
            cut=_cut,
            duration=duration,
            exact=exact,
            figure=figure,
            json=_json,
            moment=when,
            number=number,
            query=query_of,
            raw=Markup,
            some=some,
        )
        self._jinja.globals.update(static=self.static)

    def draw(self, template: str, **facts: Any) -> str:
        """Return a page's HTML."""
        return self._jinja.get_template(template).render(**facts)

    def static(self, name: str) -> str:
        """Return the address of a file, which changes with its content: a browser may keep it for ever."""
        return f"/static/{self._versions[name]}/{name}"

    @property
    def files(self) -> dict[str, Path]:
        """Return the static files by the part of their address behind `/static/`."""
        return {f"{version}/{name}": STATIC / name for name, version in self._versions.items()}


def when(ms: int | None) -> Markup:
    """Write a moment, UTC, so that programs read it too."""
    if ms is None:
        return Markup("")
    return Markup('<time datetime="{}">{}</time>').format(iso(ms), moment(ms))


def ago(ms: int | None) -> Markup:
    """Write how long ago a moment was; the moment itself is its title."""
    if ms is None:
        return Markup("")
    span = now_ms() - ms
    said = (
        f"{duration(span)} ago" if span >= 1000 else "just now" if span > -1000 else f"in {duration(-span)}"
    )
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(iso(ms), moment(ms), said)


def some(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun: `1 event`, `2,000 events`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def block(value: Any) -> Markup:
    """Write a value as indented JSON, a text as it is, line by line; what is very long is cut."""
    text = value if isinstance(value, str) else _json(value)
    lines = text[:LONGEST_BLOCK].split("\n")
    rest = len(text) - LONGEST_BLOCK
    cut = Markup("\n… {} more characters").format(number(rest)) if rest > 0 else Markup("")
    return Markup("\n").join(escape(clean(line)) for line in lines) + cut


def command(text: str) -> Markup:
    """Write a command as it is copied into a shell."""
    return escape(" ".join(in_shell(word) for word in shlex.split(text)))


def exact(value: object) -> Markup:
    """Write a value as it is, for a form that hands it on: escaped for HTML alone."""
    return escape(value)


def figure(value: float) -> str:
    """Write the end of a scale: `2.5`, `40`, `1,000`."""
    return f"{value:,.10g}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _cut(text: object, most: int) -> str:
    return clean(text, most=most)


def _shown(value: Any) -> Any:
    """Escape what is not printable, in every value that a template writes."""
    if isinstance(value, Markup):
        return value
    return clean(value, most=LONGEST) if isinstance(value, str) else "" if value is None else value


def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
