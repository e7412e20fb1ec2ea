"""Mutation: the ledger's scripts with one thing wrong, to try whether a simulation notices."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from shipper.errors import ShipperError
from shipper.ledger.ledger import Ledger
from shipper.ledger.scripts import Script, compose, sources
from tests.simulator.book import DUMP
from tests.simulator.mix import MIXES
from tests.simulator.simulation import run

LOADER: Final = "shipper.ledger.ledger.load"
"""Where the ledger finds its scripts, for tests to put another loader there."""
TABLE: Final = Path(__file__).parent / "mutants.toml"
PATIENCE_MS: Final = 60_000
"""For a slow machine: an answer that is late is neither a broken promise nor a mutant caught."""
MOST_SEEDS: Final = 60
"""Seeds of each mix after which a mutant has survived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A change to one script file that must not go unnoticed."""

    name: str
    file: str
    old: str
    new: str
    caught: str
    """The first seed known to catch it, as `mix:seed`."""
    alone: str = ""
    """The first seed known to catch it by promises and structure alone; empty if only the rules can."""


def mutants() -> list[Mutant]:
    """Read the mutants of `mutants.toml`."""
    return [Mutant(**row) for row in tomllib.loads(TABLE.read_text())["mutant"]]


def mutated(mutant: Mutant) -> dict[str, str]:
    """Return the sources with the change made; raise ValueError if its place is not found exactly once."""
    texts = sources()
    places = texts[mutant.file].count(mutant.old)
    if places != 1:
        raise ValueError(
            f"{mutant.file}.lua has {places} places of {mutant.old!r}: the mutant needs a new text"
        )
    return texts | {mutant.file: texts[mutant.file].replace(mutant.old, mutant.new)}


def loader(texts: Mapping[str, str]) -> Callable[[str], Script]:
    """Return what loads these sources, and the simulator's own dump beside them."""

    @cache
    def load(name: str) -> Script:
        return DUMP if name == "dump" else compose(name, dict(texts))

    return load


def first_seed(ledger: Ledger, known: str, *, by_rules: bool, most: int = MOST_SEEDS) -> str | None:
    """Return the seed that catches what is wrong with the scripts: the known one if it still does."""
    for name, seed in _seeds(known, most):
        try:
            run(ledger, MIXES[name], seed, by_rules=by_rules)
        except (AssertionError, ShipperError):
            return f"{name}:{seed}"
    return None


def _seeds(known: str, most: int) -> Iterator[tuple[str, int]]:
    if known:
        name, _, seed = known.partition(":")
        yield name, int(seed)
    yield from ((each, number) for number in range(most) for each in MIXES)
