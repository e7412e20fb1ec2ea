"""The locks: every package is one version with its hashes, from whatever index the installer is given."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PIN: Final = re.compile(r"[\w.-]+(\[[\w,-]+\])?==[0-9][\w.+!-]*( ;| *\\|$)")


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-runtime.lock", "requirements-bench.lock"]
)
def test_every_pin_of_a_lock_has_hashes_and_none_is_a_url(lock: str) -> None:
    text = (ROOT / lock).read_text()
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]

    pins = [line for line in lines if not line.startswith(" ")]
    blocks = re.split(r"\n(?=[A-Za-z])", "\n".join(lines))

    assert len(pins) > 10
    assert [pin for pin in pins if not PIN.match(pin)] == []
    assert [
        block.splitlines()[0] for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)
    ] == []
    assert re.findall(r"\w+://|--(?:extra-)?index-url|--find-links|--trusted-host| @ |^-e", text) == []
