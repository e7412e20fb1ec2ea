"""`python -m tests.walk`: the walk with twenty thousand letters, and its pictures; `make walk` calls it."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Final

import click

import shipper
from shipper.settings import Settings
from tests.support.chromium import NO_BROWSER, chromium_path, open_chromium
from tests.support.programs import find_redis
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer
from tests.support.stage import Stage
from tests.support.worker import PATIENT
from tests.walk.album import Album
from tests.walk.at_terminal import walk_at_terminal
from tests.walk.on_page import walk_on_page
from tests.walk.proof import prove
from tests.walk.shop import DELIVERED, Shop

BUDGET_MS: Final = 15_000
"""Of an enqueue: a disk that stalls must not end the walk."""
ROOT: Final = Path(__file__).parents[2]
PICTURES: Final = ROOT / "docs/images"
LETTERS: Final = 20_000
RATE: Final = 50
PACE: Final = {"pace_per_second": 200, "pace_per_30_seconds": 4500}
"""What Gameball takes of this account: enough for two cures at once and live events."""
LIVE_SECONDS: Final = 0.2
ALWAYS: Final = {"appendonly": "yes", "appendfsync": "always"}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("sides", nargs=-1, type=click.Choice(["terminal", "page"]), metavar="[terminal|page]")
@click.option("--letters", type=click.IntRange(100), default=LETTERS, show_default=True)
@click.option("--rate", type=click.IntRange(1, 1000), default=RATE, show_default=True)
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), default=PICTURES, hidden=True)
def main(sides: Sequence[str], letters: int, rate: int, into: Path) -> None:
    """Put a queue of dead letters right in a terminal, then on the page, and prove that nothing is lost.

    Each side has a Redis, a sandbox and a worker of its own; the letters die at that worker's hands. The
    pictures of docs/desk-walk.md are taken on the way.
    """
    into.mkdir(parents=True, exist_ok=True)
    for side in sides or ("terminal", "page"):
        _walk(side, letters=letters, rate=rate, album=Album(folder=into))


def _walk(side: str, *, letters: int, rate: int, album: Album) -> None:
    began = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{side:>8}  {time.monotonic() - began:5.0f} s  {text}", err=True)

    with ExitStack() as stack:
        shop = Shop(stage=_stage(stack), letters=letters, pace=PACE)
        say(f"{letters:,} events are refused by the sandbox, one call after the other")
        first = shop.fall(within_s=60 + letters / 20)
        first.terminate()
        first.wait()
        shop.worker(**PACE)
        with _live(shop) as enqueued:
            if side == "terminal":
                walk_at_terminal(shop, album, rate=rate, say=say)
            else:
                path = chromium_path()
                if path is None:
                    raise click.ClickException(NO_BROWSER)
                walk_on_page(shop, stack.enter_context(open_chromium(path)), album, rate=rate, say=say)
        shop.stage.until_at_rest()
        proof = prove(shop)
        say("everything was delivered once or discarded, and adds up")
        for field in fields(proof):
            say(f"  {field.name.replace('_', ' ')}: {getattr(proof, field.name):,}")
        say(f"  live events took, p50 and p99: {_delays(shop, enqueued)}")
    if album.wide:
        raise click.ClickException("wider than 80 columns:\n" + "\n".join(album.wide))


def _stage(stack: ExitStack) -> Stage:
    program = find_redis()
    if program is None:
        raise click.ClickException(
            "no redis-server on the PATH (Debian, as root: apt-get install redis-tools)"
        )
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="walk-")))
    for name in ("redis", "gameball", "stage"):
        (folder / name).mkdir()
    server = RedisServer(program, folder / "redis", ALWAYS)
    stack.callback(server.kill)
    server.start()
    sandbox = stack.enter_context(Sandbox(folder / "gameball"))
    shipper.configure(Settings(redis_url=server.url, enqueue_budget_ms=BUDGET_MS))
    stack.callback(shipper.close)
    return Stage(server, sandbox, folder / "stage", stack, environment=PATIENT)


@contextmanager
def _live(shop: Shop) -> Iterator[dict[int, float]]:
    """Let live events come all the while; yield when each was enqueued, in ms, by its number."""
    enqueued: dict[int, float] = {}
    over = threading.Event()

    def come() -> None:
        while not over.wait(LIVE_SECONDS):
            at = time.time() * 1000
            shop.live(1)
            enqueued[shop.numbers[shop.ids[DELIVERED][-1]]] = at

    thread = threading.Thread(target=come, daemon=True)
    thread.start()
    try:
        yield enqueued
    finally:
        over.set()
        thread.join()


def _delays(shop: Shop, enqueued: dict[int, float]) -> str:
    arrived = {
        said["n"]: call["at_ms"] for call in shop.stage.sandbox.accepted() for said in call["events"].values()
    }
    delays = sorted(arrived[number] - at for number, at in enqueued.items())
    p50, p99 = (delays[int(len(delays) * share)] for share in (0.5, 0.99))
    return f"{p50:,.0f} and {p99:,.0f} ms, of {len(delays):,}"


if __name__ == "__main__":
    main()
