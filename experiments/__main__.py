"""Command line: python -m experiments COMMAND --help."""

import logging
import sys

from debias.commandline import exit_code


def main() -> int:
    """Run the command; returns the exit code."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of each model that a process traces anew
    return exit_code(_run)


def _run() -> int:
    from experiments.commands import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
