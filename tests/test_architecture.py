from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.house import (
    RULES,
    Import,
    Rule,
    imports_between_packages,
    imports_in_a_circle,
    imports_of,
    imports_upwards,
    libraries_out_of_place,
    modules_without_floor,
    scripts_out_of_shape,
)

ROOT: Final = Path(__file__).parents[1]


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_its_rule(rule: Rule) -> None:
    assert rule(ROOT) == []


def test_there_is_a_house_to_look_at() -> None:
    imports = imports_of(ROOT)

    assert Import(importer="shipper.settings", imported="shipper.outcome", lazy=False) in imports
    assert list((ROOT / "shipper/ledger/lua").glob("*.lua"))


GOOD_HOUSE: Final = {
    "shipper/__init__.py": "from shipper.client import enqueue_event",
    "shipper/errors.py": "",
    "shipper/event.py": "from shipper import errors\nfrom shipper.errors import ShipperError",
    "shipper/ledger/__init__.py": "from shipper.ledger.ledger import Ledger",
    "shipper/ledger/ledger.py": "from redis import Redis\nfrom shipper.ledger import keys",
    "shipper/ledger/keys.py": "",
    "shipper/ledger/lua/peek.lua": "#!lua\n-- Look.\n-- KEYS: rec\n-- ARGV: now\n-- RETURNS: ok\nreturn 1\n",
    "shipper/ledger/lua/_bell.lua": "-- Ring the bell.\n",
    "shipper/client.py": "from shipper.ledger import Ledger\nimport shipper.event",
    "shipper/cli/__init__.py": "import rich.table\nimport shipper\ndef up():\n    from workers import app",
    "shipper/__main__.py": "from shipper.cli import main",
    "workers/__init__.py": "from workers.app import app",
    "workers/app.py": "from celery import Celery\nfrom shipper.client import enqueue_event",
    "workers/gameball.py": "import requests",
}


@pytest.mark.parametrize("rule", RULES)
def test_a_good_house_has_no_complaints(rule: Rule, tmp_path: Path) -> None:
    root = build(tmp_path, GOOD_HOUSE)

    assert rule(root) == []


@pytest.mark.parametrize(
    ("rule", "path", "text", "complaint"),
    [
        (modules_without_floor, "shipper/attic.py", "", "shipper.attic has no floor in FLOORS"),
        (
            imports_upwards,
            "shipper/errors.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shipper.ledger import keys",
            "shipper.errors imports shipper.ledger.keys, which is on a higher floor",
        ),
        (
            imports_upwards,
            "shipper/event.py",
            "def f():\n    from shipper import enqueue_event",
            "shipper.event imports shipper, which is on a higher floor",
        ),
        (
            imports_upwards,
            "shipper/__init__.py",
            "from shipper.cli import main",
            "shipper imports shipper.cli, which is on a higher floor",
        ),
        (
            imports_upwards,
            "workers/gameball.py",
            "import workers.app",
            "workers.gameball imports workers.app, which is on a higher floor",
        ),
        (
            imports_between_packages,
            "shipper/client.py",
            "def f():\n    import workers.app",
            "shipper.client imports workers.app: only doors may, and only in a function",
        ),
        (
            imports_between_packages,
            "shipper/cli/__init__.py",
            "from workers import app",
            "shipper.cli imports workers.app: only doors may, and only in a function",
        ),
        (
            imports_in_a_circle,
            "shipper/ledger/keys.py",
            "def f():\n    from shipper.ledger.ledger import Ledger",
            "shipper.ledger.keys imports shipper.ledger.ledger imports shipper.ledger.keys",
        ),
        (
            libraries_out_of_place,
            "shipper/client.py",
            "from redis.exceptions import RedisError",
            "shipper.client imports redis.exceptions.RedisError, which belongs to shipper.ledger",
        ),
        (
            libraries_out_of_place,
            "shipper/ledger_tools.py",
            "import redis",
            "shipper.ledger_tools imports redis, which belongs to shipper.ledger",
        ),
        (
            libraries_out_of_place,
            "shipper/cli/__init__.py",
            "def f():\n    import celery",
            "shipper.cli imports celery, which belongs to workers.app and workers.broker and workers.tasks",
        ),
        (
            scripts_out_of_shape,
            "shipper/ledger/lua/claim.lua",
            "-- Claim.\n-- KEYS: rec\n-- ARGV: now\nreturn 1\n",
            "claim.lua does not tell its RETURNS",
        ),
        (
            scripts_out_of_shape,
            "shipper/ledger/lua/_bell.lua",
            "return 1\n",
            "_bell.lua does not say what it does",
        ),
        (
            scripts_out_of_shape,
            "shipper/ledger/lua/_bell.lua",
            "-- Ring.\n" * 81,
            "_bell.lua has 81 lines, more than 80",
        ),
    ],
)
def test_a_broken_rule_is_found(rule: Rule, path: str, text: str, complaint: str, tmp_path: Path) -> None:
    root = build(tmp_path, GOOD_HOUSE | {path: text})

    assert complaint in rule(root)


def build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


TELLS_ITS_MODULES: Final = (
    "import sys, shipper; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
)
SLOW: Final = {
    "celery",
    "kombu",
    "requests",
    "pycurl",
    "rich",
    "click",
    "starlette",
    "uvicorn",
    "jinja2",
    "workers",
}


def test_importing_shipper_loads_no_worker_command_line_or_web_framework() -> None:
    said = subprocess.run(
        [sys.executable, "-c", TELLS_ITS_MODULES], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = set(said.stdout.split())

    assert "shipper" in loaded
    assert loaded & SLOW == set()


SEALS: Final = (
    "import sys; from shipper.envelope import seal; from shipper.settings import Settings\n"
    "seal({'customerId': 'c', 'events': {'visit': {}}}, settings=Settings())\n"
    "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
)


@pytest.mark.parametrize(
    ("keys", "loads"), [("", False), ("a:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=", True)]
)
def test_only_who_has_encryption_keys_loads_what_encrypts(keys: str, loads: bool) -> None:
    said = subprocess.run(
        [sys.executable, "-c", SEALS],
        cwd=ROOT,
        env={**os.environ, "SHIPPER_ENCRYPTION_KEYS": keys},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ("cryptography" in said.stdout.split()) is loads
