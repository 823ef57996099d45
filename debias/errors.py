"""The one error that users cause and can mend."""


class InputError(ValueError):
    """Bad input: one line that says what is wrong, where, and what to do. Commands print it and exit with 2."""
