"""Troubles of Gameball: every wrong answer that the sandbox can give, for seconds, to a part of the calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from tests.faults.soak.plan import Trouble, Undo
from tests.faults.soak.scene import Scene

GAMEBALL: Final = "gameball"

REDIRECT: Final = "a redirect to another host"
ANSWERS: Final[Mapping[str, tuple[float, dict[str, Any]]]] = {
    "500 instead of applying": (0.6, {"status": 500, "code": 5000}),
    "applied, answered with 500": (0.4, {"status": 500, "when": "after"}),
    "throttled": (0.5, {"status": 429}),
    "503 with Retry-After": (0.5, {"status": 503, "retry_after": 1}),
    "503 for now": (0.5, {"status": 503, "code": 5003}),
    "credentials refused": (1.0, {"status": 401, "code": 1000}),
    "customers busy": (0.5, {"code": 2001}),
    "applied after the caller gave up": (0.2, {"delay_ms": 1500, "when": "before"}),
    "applied, its answer too late": (0.2, {"delay_ms": 1500, "when": "after"}),
    "reset before applying": (0.5, {"reset": True, "when": "before"}),
    "applied, then reset": (0.4, {"reset": True, "when": "after"}),
    "applied, then closed": (0.4, {"close": True, "when": "after"}),
    "an answer that drips": (0.2, {"drip": 5}),
    "an answer that never ends": (0.2, {"drip": 1000, "oversize": 1_000_000_000}),
    "an answer that unpacks to a gigabyte": (0.3, {"wrong_body": "gzip_bomb"}),
    "a success that says it is none": (0.2, {"wrong_body": "success_false"}),
    "a body cut short": (0.3, {"wrong_body": "short"}),
    "a gateway's HTML": (0.4, {"status": 502, "html": "<html>Bad Gateway</html>"}),
    "refused for good": (0.1, {"code": 3009}),
    "refused without a word": (0.1, {"status": 400, "code": 4000}),
    REDIRECT: (0.5, {"status": 307}),
}
"""The part of the calls that is struck, and how."""


def _strike(name: str) -> Trouble:
    def begin(scene: Scene, dice: Random) -> Undo:
        share, act = ANSWERS[name]
        if name == REDIRECT:
            act = {**act, "headers": {"Location": f"{scene.elsewhere.url}/api/v4.0/integrations/events"}}
        number = scene.field.sandbox.add_fault(act, {"share": share})
        return lambda: scene.field.sandbox.remove_fault(number)

    return Trouble(name=f"Gameball: {name}", begin=begin, target=GAMEBALL, lasts_s=(0.5, 3.0))


def kill(scene: Scene, dice: Random) -> Undo:
    scene.field.sandbox.kill()
    return scene.field.sandbox.start


def freeze(scene: Scene, dice: Random) -> Undo:
    scene.field.sandbox.freeze()
    return scene.field.sandbox.thaw


TROUBLES: Final[Sequence[Trouble]] = (
    *(_strike(name) for name in ANSWERS),
    Trouble(name="Gameball killed", begin=kill, target=GAMEBALL, lasts_s=(0.2, 2.0)),
    Trouble(name="Gameball frozen", begin=freeze, target=GAMEBALL, lasts_s=(0.5, 3.0)),
)
