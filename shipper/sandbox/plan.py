"""The plan a sandbox starts with: who earns what, and which faults strike."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from shipper.errors import Problem, SettingsError
from shipper.sandbox.contract import read_json
from shipper.sandbox.faults import FaultSpec
from shipper.sandbox.points import Rules

Model = TypeVar("Model", bound=BaseModel)


class Plan(BaseModel):
    """Points and faults. As a file: JSON, or TOML with `[points]` and `[[faults]]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: Rules = Rules()
    faults: tuple[FaultSpec, ...] = ()


def load_plan(path: Path) -> Plan:
    """Read a plan by the file's ending (`.toml`, else JSON); raise SettingsError naming every problem."""
    try:
        content = path.read_bytes()
        found = tomllib.loads(content.decode()) if path.suffix == ".toml" else read_json(content)
    except (OSError, ValueError) as error:
        raise SettingsError([Problem(str(path), f"cannot be read: {error}")]) from error
    return parse(Plan, found)


def parse(model: type[Model], found: object) -> Model:
    """Make a value of what JSON or TOML held; raise SettingsError naming every problem and its path."""
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise SettingsError(
            [_problem_of(detail["loc"], detail["msg"]) for detail in error.errors(include_url=False)]
        ) from None


def _problem_of(where: Sequence[Any], message: str) -> Problem:
    return Problem(".".join(map(str, where)), message.removeprefix("Value error, "))
