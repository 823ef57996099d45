"""Parts of a job, for job arrays."""

import re
from collections.abc import Sequence

from debias.errors import InputError
from experiments.engine.experiment import Run


def shard(runs: Sequence[Run], part: str | None) -> Sequence[Run]:
    """Part 'i/n' of `runs`: every n-th from the i-th; all of them for None.

    Raises:
        InputError: `part` is not two whole numbers with 1 <= i <= n.
    """
    if part is None:
        return runs
    numbers = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", part)
    index, count = map(int, numbers.groups()) if numbers else (0, 0)
    if not 1 <= index <= count:
        raise InputError(f"--shard {part}: use i/n with whole numbers 1 <= i <= n, such as 1/8")
    return runs[index - 1 :: count]
