"""The ledger's rules in plain Python: each takes a Book, changes it and answers as its script does."""

from tests.simulator.rules.claim import claim, retire
from tests.simulator.rules.edits import edit, give_out, restore
from tests.simulator.rules.enqueue import enqueue, peek
from tests.simulator.rules.gate import pause, resume
from tests.simulator.rules.hooks import hook_claim, hook_redo, hook_settle
from tests.simulator.rules.jobs import job_start, job_step, job_turn
from tests.simulator.rules.letters import discard, expunge, mend, redrive
from tests.simulator.rules.settle import settle
from tests.simulator.rules.sweep import forget, sweep

__all__ = [
    "claim",
    "discard",
    "edit",
    "enqueue",
    "expunge",
    "forget",
    "give_out",
    "hook_claim",
    "hook_redo",
    "hook_settle",
    "job_start",
    "job_step",
    "job_turn",
    "mend",
    "pause",
    "peek",
    "redrive",
    "restore",
    "resume",
    "retire",
    "settle",
    "sweep",
]
