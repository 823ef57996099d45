"""Command line: python -m experiments COMMAND --help."""

import sys

from debias.errors import InputError


def main() -> int:
    """Run the command; bad input ends in one line and exit code 2."""
    try:
        from experiments.commands import run  # inside the try: an interrupt while TensorFlow loads is not an error

        return run(sys.argv[1:])
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted: the same command continues where it stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
