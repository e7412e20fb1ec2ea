"""The command line: `shipper`, also `python -m shipper`."""

from shipper.cli.commands import cli, main

__all__ = ["cli", "main"]
