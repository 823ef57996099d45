"""What the tests of the labs' checks share."""

import pytest

from labs.checking import CheckFailed


def refused(check, student, *words):
    """A check refuses what a student wrote, in one line with these words."""
    with pytest.raises(CheckFailed) as caught:
        check(student)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert len(message.splitlines()) == 1 and "{{" not in message and "\x1b" not in message, message
