from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import pytest
from redis import Redis

from shipper.ledger.keys import FIXED, key_of, lane_key_of, prefix_of
from shipper.ledger.scripts import compose, load

FLAGS = {
    "alarm": "allow-oom",
    "audit_events": "no-writes",
    "audit_lanes": "no-writes",
    "audit_letters": "no-writes",
    "claim": "allow-oom",
    "discard": "allow-oom",
    "edit": "allow-oom",
    "enqueue": "",
    "expunge": "allow-oom",
    "forget": "allow-oom",
    "give_out": "allow-oom",
    "hook_claim": "allow-oom",
    "hook_redo": "allow-oom",
    "hook_settle": "allow-oom",
    "job_fill": "allow-oom",
    "job_start": "allow-oom",
    "job_step": "allow-oom",
    "job_turn": "allow-oom",
    "letter_lanes": "no-writes",
    "mend": "allow-oom",
    "mend_letters": "allow-oom",
    "mend_people": "allow-oom",
    "note": "allow-oom",
    "observe": "allow-oom",
    "pause": "allow-oom",
    "peek": "no-writes",
    "recount": "allow-oom",
    "redrive": "allow-oom",
    "restore": "",
    "resume": "allow-oom",
    "retire": "allow-oom",
    "settle": "allow-oom",
    "show": "no-writes",
    "status": "no-writes",
    "sweep": "allow-oom",
}
"""Only what takes events in is refused by a full Redis; what only reads runs on a replica too."""


def scripts() -> list[str]:
    folder = resources.files("shipper.ledger") / "lua"
    names = (path.name.removesuffix(".lua") for path in folder.iterdir())
    return sorted(name for name in names if not name.startswith("_"))


def test_every_script_is_known_to_these_tests() -> None:
    assert scripts() == sorted(FLAGS)


@pytest.mark.parametrize("name", FLAGS)
def test_a_script_says_what_redis_may_run_when_it_is_full(name: str) -> None:
    script = load(name)

    shebang = script.text.partition("\n")[0]
    assert shebang == ("#!lua flags=" + FLAGS[name] if FLAGS[name] else "#!lua")
    assert script.reads_only is (FLAGS[name] == "no-writes")


@pytest.mark.parametrize("name", FLAGS)
def test_redis_takes_a_script_and_knows_it_by_our_digest(name: str, redis: Redis) -> None:
    script = load(name)

    known_by = redis.script_load(script.text)

    assert known_by == script.sha == hashlib.sha1(script.text.encode()).hexdigest()  # noqa: S324


@pytest.mark.parametrize("name", FLAGS)
def test_a_script_reads_the_time_once(name: str) -> None:
    assert load(name).text.count("'TIME'") == 1


def test_every_key_is_used_by_some_script() -> None:
    used = {key for name in FLAGS for key in load(name).keys}

    assert used == FIXED.keys()


def test_scripts_are_of_one_reading_whatever_becomes_of_their_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = load("settle")
    load.cache_clear()
    monkeypatch.setattr("shipper.ledger.scripts._FOLDER", tmp_path / "gone")

    assert load("settle") == before


def test_a_script_is_joined_with_its_fragments_and_their_keys() -> None:
    sources = {
        "ring": "#!lua flags=allow-oom\n-- Ring.\n-- INCLUDE: base bell\n-- KEYS: n bell\nreturn 1\n",
        "_base": "local C = redis.call\n",
        "_bell": "-- KEYS: bell meta\nlocal function ring() end\n",
        "_other": "-- KEYS: due\n",
    }

    script = compose("ring", sources)

    assert script.keys == ("bell", "meta", "n")
    assert script.text.splitlines()[:3] == [
        "#!lua flags=allow-oom",
        "local P = string.sub(KEYS[1], 1, -5)",
        "local BELL, META, N = KEYS[1], P .. 'meta', P .. 'n'",
    ]
    assert (
        script.text.index("redis.call") < script.text.index("function ring") < script.text.index("return 1")
    )


WRONG = {
    "no such script": ("absent", {}, FileNotFoundError, "absent"),
    "a script without its shebang": ("x", {"x": "-- KEYS: n\nreturn 1"}, ValueError, "#!lua"),
    "a key that the ledger has not": ("x", {"x": "#!lua\n-- KEYS: n bogus\n"}, ValueError, "bogus"),
    "a fragment that is not there": ("x", {"x": "#!lua\n-- INCLUDE: gone\n-- KEYS: n\n"}, KeyError, "_gone"),
}


@pytest.mark.parametrize(("name", "sources", "error", "names"), WRONG.values(), ids=WRONG.keys())
def test_a_script_that_cannot_be_joined_says_why(
    name: str, sources: dict[str, str], error: type[Exception], names: str
) -> None:
    with pytest.raises(error, match=names):
        compose(name, sources)


def test_all_keys_of_an_account_share_its_hash_tag() -> None:
    assert prefix_of("default") == "{shipper:default}:"
    assert key_of("default", "due") == "{shipper:default}:due"
    assert lane_key_of("shop-2", "ann") == "{shipper:shop-2}:l:ann"


def test_a_key_that_is_not_one_has_no_name() -> None:
    with pytest.raises(KeyError, match="bogus"):
        key_of("default", "bogus")
