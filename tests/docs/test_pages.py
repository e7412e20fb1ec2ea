"""The reader of pages: what it takes for a block, a chain, and the output shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import Command, blocks_of, chains_of, commands_of, matches

PAGE = """# Page

```console
$ one
$ two \\
    --long
said
```

<!-- file: hooks.py -->
```python
x = 1
```

```console
$ three
```

<!-- continues -->
```python
print(1)
```

<!-- not run: it would delete the world -->
```console
$ four
```

<!-- from: examples/hooks.py -->
```python
y = 2
```

```toml
z = 3
```
"""


def test_blocks_run_in_chains_and_only_those_that_are_meant_to(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE)

    chains = chains_of(blocks_of(tmp_path, "page.md"))

    assert [[block.place for block in chain.blocks] for chain in chains] == [
        ["page.md:3"],
        ["page.md:11", "page.md:15", "page.md:20"],
    ]


def test_commands_have_the_lines_shown_below_them(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    block = blocks_of(tmp_path, "page.md")[0]

    assert commands_of(block) == [
        Command(line="one"),
        Command(line="two     --long", shown=("said",)),
    ]


def test_a_comment_that_means_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("<!-- not runn: why -->\n```console\n$ one\n```\n")

    with pytest.raises(AssertionError, match="a comment before a block that means nothing: not runn"):
        blocks_of(tmp_path, "page.md")


@pytest.mark.parametrize(
    ("shown", "said", "expected"),
    [
        ((), "anything\n", True),
        (("accepted 1",), "accepted 1\n", True),
        (("accepted 1",), "accepted 2\n", False),
        (("accepted 1",), "accepted 1\nmore\n", False),
        (("accepted ...",), "accepted 01K9\n", True),
        (("a ... b ...",), "a 1 b 2\n", True),
        (("first", "...", "last"), "first\nx\ny\nlast\n", True),
        (("first", "...", "last"), "first\nlast\n", True),
        (("first", "..."), "first\nx\ny\n", True),
        (("first", "..."), "second\nx\n", False),
        (("...", "last"), "x\ny\nlast\n", True),
        (("...", "last"), "x\ny\n", False),
        (("a.b",), "axb\n", False),
    ],
)
def test_output_is_compared_with_what_is_shown(shown: tuple[str, ...], said: str, expected: bool) -> None:
    assert matches(shown, said) is expected
