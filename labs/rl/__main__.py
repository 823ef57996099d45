"""Command line: python -m labs.rl COMMAND --help."""

import sys

from debias.commandline import exit_code


def main() -> int:
    """Run the command; returns the exit code."""
    return exit_code(_run)


def _run() -> int:
    from labs.rl.commands import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
