"""What an operator does meanwhile: pauses, redrives, discards, erases a customer, has hooks tried again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from random import Random
from typing import Final

from shipper.errors import ShipperError
from shipper.inspector import Filter
from shipper.ledger.letters import UNCLEAR
from tests.faults.soak.hooks import NOTED
from tests.faults.soak.plan import Trouble, Undo
from tests.faults.soak.scene import Scene

OPERATOR: Final = "operator"
SPREAD_MS: Final = 5
AT_ONCE: Final = 20


def pause(scene: Scene, dice: Random) -> Undo:
    # It ends by itself: whoever would resume may find Redis away for as long as this plan keeps it so.
    scene.inspector.pause(for_ms=dice.randint(500, 3000))

    def resume() -> None:
        with suppress(ShipperError):
            scene.inspector.resume()

    return resume


def letters(scene: Scene, *, unclear: bool, most: int | None = None) -> list[str]:
    """Return the ids of dead letters."""
    found = scene.inspector.letters.all(Filter(unclear=unclear))
    return [letter.event_id for letter in islice(found, most)]


def redrive(scene: Scene, *, unclear: bool, most: int | None = None) -> int:
    """Send letters again, unclear ones knowing what may come of it; return how many were chosen."""
    ids = letters(scene, unclear=unclear, most=most)
    # Noted first: a redrive whose answer was lost may have been done.
    scene.redriven.update(ids)
    if unclear:
        scene.confirmed.update(ids)
    if ids:
        choice = scene.inspector.letters.choose(ids)
        scene.inspector.letters.redrive(choice, may_duplicate=unclear, spread_ms=SPREAD_MS)
    return len(ids)


def redrive_dead(scene: Scene, dice: Random) -> None:
    redrive(scene, unclear=False)


def redrive_unclear(scene: Scene, dice: Random) -> None:
    redrive(scene, unclear=True, most=dice.randint(1, AT_ONCE))


def discard(scene: Scene, dice: Random) -> None:
    unclear = dice.random() < 0.5
    ids = letters(scene, unclear=unclear, most=5)
    if ids:
        scene.inspector.letters.discard(scene.inspector.letters.choose(ids))


def expunge(scene: Scene, dice: Random) -> None:
    customer = f"c-{dice.randrange(4)}-{dice.randrange(scene.customers // 4)}"
    scene.erased.add(customer)
    scene.inspector.expunge(customer)


def retry_hooks(scene: Scene) -> int:
    """Have hooks told that behave, and were given up because their tries were cut off; return how many."""
    names = [failed.job for failed in scene.inspector.hooks.failed() if failed.hook == NOTED]
    return scene.inspector.hooks.retry(names).done


def retry_some_hooks(scene: Scene, dice: Random) -> None:
    failed = scene.inspector.hooks.failed(limit=dice.randint(1, AT_ONCE))
    scene.inspector.hooks.retry([each.job for each in failed])


TROUBLES: Final[Sequence[Trouble]] = (
    Trouble(name="operator pauses", begin=pause, target=OPERATOR, lasts_s=(0.5, 2.0)),
    Trouble(name="operator redrives the dead", begin=redrive_dead, target=OPERATOR),
    Trouble(name=f"operator redrives {UNCLEAR} ones", begin=redrive_unclear, target=OPERATOR),
    Trouble(name="operator discards", begin=discard, target=OPERATOR),
    Trouble(name="operator expunges a customer", begin=expunge, target=OPERATOR),
    Trouble(name="operator has hooks tried again", begin=retry_some_hooks, target=OPERATOR),
)
