"""Run the sandbox: `python -m shipper.sandbox`."""

from shipper.sandbox.command import sandbox

sandbox(prog_name="python -m shipper.sandbox")
