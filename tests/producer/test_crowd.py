"""Ten thousand events from eight threads in each of four forked processes, while Redis dies under them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.producer.book import OpenBook
from tests.support.servers import StartServer
from tests.support.waiting import until
from tests.support.worker import ROOT

ALWAYS = {"appendonly": "yes", "appendfsync": "always"}


def test_ten_thousand_events_are_there_once_each_or_were_refused_though_redis_is_killed_under_them(
    private_server: StartServer, open_book: OpenBook, tmp_path: Path
) -> None:
    server = private_server(options=ALWAYS)
    book = open_book(server)
    arguments = (server.url, str(tmp_path), "4", "8", "313")
    crowd = subprocess.Popen([sys.executable, "-m", "tests.producer.crowd", *arguments], cwd=ROOT)
    kills = 0

    while crowd.poll() is None and kills < 6:
        accepted = book.count("accepted")
        until(lambda: crowd.poll() is not None or book.count("accepted") > accepted + 600)  # noqa: B023
        server.kill()
        server.start()
        kills += 1
    ended = crowd.wait(200)

    said = [line for path in sorted(tmp_path.glob("process-*.jsonl")) for line in _lines(path)]
    accepted_ids = {line["accepted"]: line["customer"] for line in said if "accepted" in line}
    held = book.events()
    parents = {event_id for event_id, event in held.items() if event["customerId"] == "parent"}
    assert (ended, len(said), kills) == (0, 4 * 8 * 313, 6)
    assert {event_id: event["customerId"] for event_id, event in held.items() if event_id not in parents} == (
        accepted_ids
    )
    assert set(book.customers().values()) - {2} == {1}
    assert len(parents) == 2
    assert {line["refused"] for line in said if "refused" in line} <= {"LedgerUnavailableError"}
    # Whoever was refused after the answer of a first try was lost would not know what had come of it.
    assert all(line["unclear"] == 0 for line in said if "refused" in line)
    assert len(accepted_ids) > 9000
    kinds = Counter(
        "refused" if "refused" in line else "unclear" if line["unclear"] else "at once" for line in said
    )
    assert kinds["at once"] > 0
    assert kinds["unclear"] > 0
    assert book.count("accepted") == len(accepted_ids) + 2
    book.assert_sound()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
