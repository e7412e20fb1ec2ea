"""`shipper sandbox`: the stand-in for Gameball, which lives in a package of its own."""

from shipper.sandbox.command import sandbox

__all__ = ["sandbox"]
