"""The sandbox: a real HTTP server that stands in for Gameball where there is no account."""

from shipper.sandbox.options import Options
from shipper.sandbox.plan import Plan, load_plan

__all__ = ["Options", "Plan", "load_plan"]
