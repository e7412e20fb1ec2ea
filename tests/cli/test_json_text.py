"""JSON that a person or a program wrote is read strictly."""

from __future__ import annotations

import re

import pytest

from shipper.cli.json_text import DEEPEST, read_json


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"total": 1, "total": 2}', "has the key 'total' twice in an object"),
        ('[{"a": {"b": 1, "b": 1}}]', "has the key 'b' twice in an object"),
        ("[-Infinity]", "holds -Infinity, which is no number of JSON"),
        ("{", "is no JSON: Expecting property name"),
        ("", "is no JSON: Expecting value"),
        ("[" * 100_000, "is nested too deep"),
        ("[" * 700 + "]" * 700, "is nested too deep"),
        ('{"a":' * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1), "is nested too deep"),
    ],
)
def test_a_text_that_can_be_none_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}"):
        read_json(text)


@pytest.mark.parametrize(
    "text",
    ["[" * DEEPEST + "]" * DEEPEST, f'"{"[" * 1000}"', "[" + "[]," * 1000 + "{}]"],
    ids=["deep", "brackets in a text", "many beside each other"],
)
def test_a_text_as_deep_as_may_be_is_read_however_many_brackets_it_has(text: str) -> None:
    found = read_json(text)

    assert found is not None
