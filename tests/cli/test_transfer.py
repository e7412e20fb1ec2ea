"""`shipper dead export` and `import`: a file that only its owner reads, whole or not there, taken in once."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Run, one
from tests.inspector.story import HOUR, REFUSED, Story
from tests.support.servers import RedisServer, StartServer

CANARY = "canary@example.com"


@pytest.fixture
def letters(story: Story) -> list[str]:
    found = []
    for i in range(3):
        found.append(story.enqueue(f"c-{i}", "visit" if i else "order", email=CANARY))
        story.calls(REFUSED)
        story.passes(HOUR)
    return found


@pytest.fixture
def elsewhere(private_server: StartServer) -> RedisServer:
    return private_server()


def test_letters_are_written_to_a_file_that_only_its_owner_reads(
    run: Run, letters: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "letters.jsonl"

    done = run("dead", "export", "--all", "--output", str(file))

    assert done.stdout == "3 letter(s) written\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["letters.jsonl"]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["head", "letter", "letter", "letter", "end"]
    assert [line["event_id"] for line in lines[1:-1]] == letters


def test_a_filter_or_ids_say_which(run: Run, letters: list[str], tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in "abc"]

    by_filter = one(run("dead", "export", "--event", "visit", "-o", files[0], "--json"))
    by_ids = one(
        run("dead", "export", letters[0], "01HF7YAT000000000000000001", "-o", files[1], "--json", code=1)
    )
    refused = run("dead", "export", "-o", files[2], code=2)

    assert by_filter == {"account": "default", "file": files[0], "letters": 2, "left": 0}
    assert by_ids == {"account": "default", "file": files[1], "letters": 1, "left": 1}
    assert "Say which" in refused.stderr
    assert not Path(files[2]).exists()


def test_no_file_is_overwritten(run: Run, letters: list[str], tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    file.write_text("mine")

    refused = run("dead", "export", "--all", "-o", str(file), code=1)

    assert "is there already: name a new file" in refused.stderr
    assert file.read_text() == "mine"


def test_a_masked_export_tells_no_contact(run: Run, letters: list[str], tmp_path: Path) -> None:
    file = tmp_path / "masked.jsonl"
    run("dead", "export", "--all", "--masked", "-o", str(file))

    refused = run("dead", "import", str(file), "--yes", code=1)

    assert CANARY not in file.read_text()
    assert refused.stderr.startswith("Error: line 1 says that it is masked")


def test_letters_are_taken_in_elsewhere_through_a_pipe_and_known_ones_left(
    run: Run, letters: list[str], elsewhere: RedisServer
) -> None:
    file = run("dead", "export", "--all", "-o", "-").stdout
    there = elsewhere.url

    first = one(run("dead", "import", "-", "--yes", "--json", given=file, SHIPPER_REDIS_URL=there))
    again = run("dead", "import", "-", "--yes", given=file, code=1, SHIPPER_REDIS_URL=there)

    assert first == {"account": "default", "done": 3, "left": {}, "examples": []}
    assert again.stdout.startswith(
        "0 taken in\n3 are here already, or were delivered since they were exported\n"
    )
    assert f"  {letters[0]}  known, line 2\n" in again.stdout
    *before, came_in = one(run("show", letters[0], "--json", SHIPPER_REDIS_URL=there))["timeline"]
    assert before == one(run("show", letters[0], "--json"))["timeline"]
    assert came_in["what"] == "imported"
    assert '"sound":true' in run("audit", "--json", SHIPPER_REDIS_URL=there).stdout


def test_a_torn_file_is_refused_with_its_line_and_nothing_written(
    run: Run, letters: list[str], elsewhere: RedisServer
) -> None:
    file = run("dead", "export", "--all", "-o", "-").stdout
    there = elsewhere.url

    torn = run("dead", "import", "-", "--yes", given=file[:-50], code=1, SHIPPER_REDIS_URL=there)

    assert torn.stderr.startswith("Error: line 5 is no whole line of an export")
    assert '"accepted":0' in run("status", "--json", SHIPPER_REDIS_URL=there).stdout


def test_without_a_terminal_only_yes_is_an_answer(run: Run, letters: list[str], tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    run("dead", "export", "--all", "-o", str(file))

    refused = run("dead", "import", str(file), code=2)

    assert "Take 3 letter(s) of default" in " ".join(refused.stderr.split())
