"""`shipper dead`: the dead-letter desk on the command line, a file for each command."""

from shipper.cli.dead.commands import dead

__all__ = ["dead"]
