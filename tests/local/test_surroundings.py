from __future__ import annotations

import site
from pathlib import Path

import pytest

from shipper.local import surroundings as module
from shipper.local.surroundings import HOME, surroundings, without_ours


def test_a_process_of_ours_finds_us_and_no_setting_of_celerys(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"HOME": "/home/me", "PYTHONPATH": "/mine", "CELERY_BROKER_URL": "redis://elsewhere"}

    found = surroundings(given, SHIPPER_LOG="json")

    assert found["HOME"] == "/home/me"
    assert found["PYTHONPATH"] == f"/mine:{HOME}"
    assert found["SHIPPER_LOG"] == "json"
    assert "CELERY_BROKER_URL" not in found


def test_installed_packages_are_not_put_before_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "getsitepackages", lambda: ["/venv/lib/site-packages"])
    monkeypatch.setattr(module, "HOME", Path("/venv/lib/site-packages"))

    found = surroundings({"PYTHONPATH": "/mine"})

    assert found["PYTHONPATH"] == "/mine"


def test_the_demo_knows_nothing_of_a_real_account_or_ledger() -> None:
    given = {
        "PATH": "/bin",
        "SHIPPER_REDIS_URL": "rediss://production",
        "REDIS_URL": "rediss://production",
        "SHIPPER_PACE_PER_SECOND": "1",
        "GAMEBALL_API_KEY": "live",
        "GAMEBALL_SHOP_API_KEY_FILE": "/run/secrets/key",
        "SANDBOX_API_KEY": "k",
    }

    assert without_ours(given) == {"PATH": "/bin"}
