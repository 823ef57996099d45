"""Command line: python -m labs COMMAND --help."""

import sys

from debias.errors import InputError


def main() -> int:
    """Run the command; bad input ends in one line and exit code 2."""
    try:
        from labs.commands import run

        return run(sys.argv[1:])
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted: what the lab had not finished is not kept", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
