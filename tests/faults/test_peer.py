"""The opponent must be a good one: what it is beaten at must be no mistake of ours in it."""

from __future__ import annotations

from pathlib import Path

from tests.faults.campaign import ALWAYS
from tests.faults.history import Answer, End
from tests.faults.load import Wish
from tests.faults.peer.side import Celery
from tests.support.sandbox import Sandbox
from tests.support.servers import StartServer
from tests.support.waiting import until


def wish(number: int) -> Wish:
    return Wish(reference=f"r-{number}", customer=f"c-{number}", name="write_review")


def customers_of(sandbox: Sandbox) -> set[str]:
    """Return whose events arrived: how often, plain Celery does not promise."""
    return {call["customerId"] for call in sandbox.accepted()}


def test_plain_celery_tries_again_what_may_be_cured_and_keeps_what_is_refused(
    private_server: StartServer, tmp_path: Path
) -> None:
    for name in ("gameball", "celery"):
        (tmp_path / name).mkdir()
    server = private_server(options=ALWAYS)
    with Sandbox(tmp_path / "gameball") as sandbox, Celery(server, sandbox, tmp_path / "celery") as side:
        sandbox.add_fault({"status": 503}, {"customer": "c-1", "first": 2})
        sandbox.add_fault({"close": True}, {"customer": "c-2", "first": 2})
        sandbox.add_fault({"status": 400, "code": 3000}, {"customer": "c-3"})
        answers = {side.send(wish(number)) for number in range(4)}
        waiting = side.active()
        side.worker()

        # Not until nothing is active: a message is nowhere while a worker takes it.
        until(lambda: customers_of(sandbox) == {"c-0", "c-1", "c-2"})
        until(lambda: side.ends([]) == {"r-3": End(state="dead")})

        assert (answers, waiting) == ({(Answer.YES, "")}, 4)
        assert customers_of(sandbox) == {"c-0", "c-1", "c-2"}
        assert side.findings() == []
