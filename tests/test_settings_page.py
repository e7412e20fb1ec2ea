from __future__ import annotations

from pathlib import Path

from shipper.settings import Settings
from shipper.settings_page import SECTIONS, render

PAGE = Path(__file__).parents[1] / "docs/reference/settings.md"


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    assert PAGE.read_text() == render()


def test_every_setting_is_in_the_section_of_who_reads_it_and_in_no_other() -> None:
    told = sorted(name for section in SECTIONS for name in section.fields)

    assert told == sorted(Settings.model_fields)


def test_the_page_names_every_setting_with_its_meaning() -> None:
    page = render()

    missing = [name for name in Settings.model_fields if f"`SHIPPER_{name.upper()}`" not in page]

    assert missing == []
    assert "| `SHIPPER_LEASE_MS` | 30000 (30 s) | a worker's exclusive right to a call |" in page
