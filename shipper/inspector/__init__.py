"""What an operator can see and do: the use cases under `shipper`'s commands and its page."""

from shipper.inspector.change import Change
from shipper.inspector.check import Check
from shipper.inspector.choice import SPREAD_MS, Choice, Handled, Left
from shipper.inspector.correction import Correction
from shipper.inspector.difference import Difference
from shipper.inspector.edit import Edit, Edited, NotEditableError
from shipper.inspector.erasure import Erasure
from shipper.inspector.event import EventSeen
from shipper.inspector.export_file import BrokenExportError
from shipper.inspector.flow import Rates, Sample
from shipper.inspector.health import Health, Work
from shipper.inspector.hook import JOB, HookSeen, HooksHandled, is_hook_job
from shipper.inspector.hook_standing import HookStanding
from shipper.inspector.inspector import Inspector, Pause, open_inspectors
from shipper.inspector.job import MOST_RATE, Job, JobNotFoundError, JobStateError
from shipper.inspector.letter import Letter, Page
from shipper.inspector.metrics import Metrics
from shipper.inspector.preview import Preview, Previewed, PreviewError, Quote
from shipper.inspector.reason import ReasonGroup, Reasons
from shipper.inspector.standing import Standing
from shipper.inspector.timeline import Moment
from shipper.inspector.trail import TrailEntry, TrailFilter
from shipper.inspector.transfer import ImportCutError
from shipper.inspector.waiting import Wait
from shipper.ledger.audit import Audit, Finding, Mending
from shipper.ledger.failed_hooks import HookNotFoundError
from shipper.ledger.filter import read_code, read_field, say_field
from shipper.ledger.indices import LATEST
from shipper.ledger.letters import REASONS, Filter, Spot

__all__ = [
    "JOB",
    "LATEST",
    "MOST_RATE",
    "REASONS",
    "SPREAD_MS",
    "Audit",
    "BrokenExportError",
    "Change",
    "Check",
    "Choice",
    "Correction",
    "Difference",
    "Edit",
    "Edited",
    "Erasure",
    "EventSeen",
    "Filter",
    "Finding",
    "Handled",
    "Health",
    "HookNotFoundError",
    "HookSeen",
    "HookStanding",
    "HooksHandled",
    "ImportCutError",
    "Inspector",
    "Job",
    "JobNotFoundError",
    "JobStateError",
    "Left",
    "Letter",
    "Mending",
    "Metrics",
    "Moment",
    "NotEditableError",
    "Page",
    "Pause",
    "Preview",
    "PreviewError",
    "Previewed",
    "Quote",
    "Rates",
    "ReasonGroup",
    "Reasons",
    "Sample",
    "Spot",
    "Standing",
    "TrailEntry",
    "TrailFilter",
    "Wait",
    "Work",
    "is_hook_job",
    "open_inspectors",
    "read_code",
    "read_field",
    "say_field",
]
