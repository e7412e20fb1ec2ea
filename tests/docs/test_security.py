"""SECURITY.md proves each control by a test: those that it names are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "SECURITY.md").read_text()
PROOFS: Final = sorted(set(re.findall(r"\[(test_\w+)\]\((tests/[\w/]+\.py)\)", TEXT)))


@pytest.mark.parametrize(("name", "path"), PROOFS, ids=lambda value: value)
def test_the_test_that_is_named_exists(name: str, path: str) -> None:
    tree = ast.parse((ROOT / path).read_text())

    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert name in names


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", TEXT)

    assert len(PROOFS) > 30
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_control_has_a_proof() -> None:
    controls = TEXT.partition("## Attackers and controls")[2].partition("## What is left")[0]

    items = [item for item in re.split(r"\n(?=- )", controls) if item.startswith("- ")]

    assert [item.splitlines()[0] for item in items if "](tests/" not in item] == []


def test_nobody_is_sent_to_an_address_that_may_not_be_ours() -> None:
    assert re.findall(r"https?://|\S+@\S+\.\S+", TEXT) == ["https://"] * TEXT.count("`https://")
