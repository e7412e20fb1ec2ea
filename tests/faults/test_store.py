from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.faults.row import Row
from tests.faults.store import Found, Store, hash_of


def found(*, sources: str = "abc", failure: str = "", problems: tuple[str, ...] = ()) -> Found:
    row = Row(fault="f", policy="retry", injected="1 kill", load="10 events", problems=problems)
    return Found(
        name="redis-kill",
        seed=7,
        took_s=3,
        sources=sources,
        product={"shipper/client.py": "1", "workers/pump.py": "1", "workers/sky.py": "1"},
        machine="2 cores",
        rows=(row,),
        failure=failure,
    )


def test_a_campaign_that_shows_nothing_is_not_green() -> None:
    assert found().green
    assert not replace(found(), rows=()).green


def test_what_a_campaign_found_is_found_again(tmp_path: Path) -> None:
    store = Store(quick=False, folder=tmp_path)

    store.keep(found(problems=("lost",)))

    assert store.find("redis-kill") == found(problems=("lost",))
    assert store.find("of-nobody") is None


def test_the_last_result_counts_and_quick_ones_are_kept_apart(tmp_path: Path) -> None:
    store = Store(quick=False, folder=tmp_path)

    store.keep(found(failure="stopped after 30 s"))
    store.keep(found())

    assert store.find("redis-kill") == found()
    assert Store(quick=True, folder=tmp_path).find("redis-kill") is None


def test_only_a_green_result_of_the_same_sources_need_not_be_made_again(tmp_path: Path) -> None:
    store = Store(quick=False, folder=tmp_path)

    store.keep(found())
    assert store.done("redis-kill", "abc") == found()
    assert store.done("redis-kill", "changed") is None

    store.keep(found(problems=("lost",)))
    assert store.done("redis-kill", "abc") is None
    store.keep(found(failure="ended with exit code 1"))
    assert store.done("redis-kill", "abc") is None


def test_a_result_knows_which_files_of_the_product_changed_since() -> None:
    ran = found()

    assert ran.changed(dict(ran.product)) == []
    assert ran.changed({"shipper/client.py": "1", "workers/pump.py": "2", "workers/air.py": "1"}) == [
        "workers/air.py",
        "workers/pump.py",
        "workers/sky.py",
    ]


def test_the_hash_changes_with_what_a_source_says_and_with_its_name_alone(tmp_path: Path) -> None:
    (tmp_path / "shipper").mkdir()
    source = tmp_path / "shipper" / "claim.lua"
    source.write_text("return 1")
    before = hash_of(["shipper"], tmp_path)

    (tmp_path / "shipper" / "notes.txt").write_text("no source")
    assert hash_of(["shipper"], tmp_path) == before

    source.write_text("return 2")
    changed = hash_of(["shipper"], tmp_path)
    renamed = source.rename(source.with_name("settle.lua"))

    assert len({before, changed, hash_of(["shipper"], tmp_path)}) == 3
    assert renamed.exists()
