"""What an operator can see and do: the use cases under `shipper`'s commands and its page."""

from shipper.inspector.check import Check
from shipper.inspector.choice import SPREAD_MS, Choice, Handled, Left
from shipper.inspector.erasure import Erasure
from shipper.inspector.event import EventSeen, Moment
from shipper.inspector.health import Health, Work
from shipper.inspector.hook import HookSeen, HooksHandled
from shipper.inspector.inspector import Inspector, Pause, open_inspectors
from shipper.inspector.letter import Letter, Page
from shipper.inspector.reason import ReasonGroup, Reasons
from shipper.inspector.standing import Standing
from shipper.ledger.audit import Audit, Finding, Mending
from shipper.ledger.letters import REASONS, Filter, Spot

__all__ = [
    "REASONS",
    "SPREAD_MS",
    "Audit",
    "Check",
    "Choice",
    "Erasure",
    "EventSeen",
    "Filter",
    "Finding",
    "Handled",
    "Health",
    "HookSeen",
    "HooksHandled",
    "Inspector",
    "Left",
    "Letter",
    "Mending",
    "Moment",
    "Page",
    "Pause",
    "ReasonGroup",
    "Reasons",
    "Spot",
    "Standing",
    "Work",
    "open_inspectors",
]
