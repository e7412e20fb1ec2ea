"""Run the command line: `python -m shipper`."""

from shipper.cli import main

if __name__ == "__main__":
    main()
