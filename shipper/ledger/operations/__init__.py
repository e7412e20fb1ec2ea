"""Everything that can be asked of the ledger."""

from shipper.ledger.operations.alarm import alarm
from shipper.ledger.operations.audit import (
    WINDOW,
    LaneSeen,
    Mended,
    Place,
    Recounted,
    audit_events,
    audit_lanes,
    mend,
    recount,
)
from shipper.ledger.operations.claim import (
    BEAT_MS,
    LATEST_MS,
    Claim,
    ClaimedCall,
    ClaimedEvent,
    claim,
    retire,
)
from shipper.ledger.operations.edit import Draft, edit, edit_all
from shipper.ledger.operations.enqueue import BATCH, EARLY_MS, Admission, enqueue, peek
from shipper.ledger.operations.gate import pause, resume
from shipper.ledger.operations.hook import hook_claim, hook_lease_ms, hook_redo, hook_settle
from shipper.ledger.operations.job import STEP_MS, job_fill, job_start, job_step, job_turn
from shipper.ledger.operations.letters import discard, expunge, redrive
from shipper.ledger.operations.look import Shown, Status, show, status
from shipper.ledger.operations.note import note
from shipper.ledger.operations.observe import observe
from shipper.ledger.operations.operation import Argument, Operation
from shipper.ledger.operations.restore import Stored, give_out, restore, stored
from shipper.ledger.operations.settle import SettledCall, SettledEvent, settle
from shipper.ledger.operations.stocktaking import (
    MANY,
    Kept,
    Walked,
    audit_letters,
    letter_lanes,
    mend_letters,
    mend_people,
)
from shipper.ledger.operations.sweep import (
    ABSENCE_MS,
    CRASH_BACKOFF_MS,
    GRACE_MS,
    MEMORY_SHARE_PERCENT,
    TICKET_MS,
    Sweep,
    forget,
    sweep,
)

__all__ = [
    "ABSENCE_MS",
    "BATCH",
    "BEAT_MS",
    "CRASH_BACKOFF_MS",
    "EARLY_MS",
    "GRACE_MS",
    "LATEST_MS",
    "MANY",
    "MEMORY_SHARE_PERCENT",
    "STEP_MS",
    "TICKET_MS",
    "WINDOW",
    "Admission",
    "Argument",
    "Claim",
    "ClaimedCall",
    "ClaimedEvent",
    "Draft",
    "Kept",
    "LaneSeen",
    "Mended",
    "Operation",
    "Place",
    "Recounted",
    "SettledCall",
    "SettledEvent",
    "Shown",
    "Status",
    "Stored",
    "Sweep",
    "Walked",
    "alarm",
    "audit_events",
    "audit_lanes",
    "audit_letters",
    "claim",
    "discard",
    "edit",
    "edit_all",
    "enqueue",
    "expunge",
    "forget",
    "give_out",
    "hook_claim",
    "hook_lease_ms",
    "hook_redo",
    "hook_settle",
    "job_fill",
    "job_start",
    "job_step",
    "job_turn",
    "letter_lanes",
    "mend",
    "mend_letters",
    "mend_people",
    "note",
    "observe",
    "pause",
    "peek",
    "recount",
    "redrive",
    "restore",
    "resume",
    "retire",
    "settle",
    "show",
    "status",
    "stored",
    "sweep",
]
