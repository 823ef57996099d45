"""Growth of time with size."""

import pytest

from experiments.benchmark import sampling


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_slope_is_the_power_and_outliers_of_single_rounds_do_not_matter(power):
    sizes = (10, 40, 90)
    seconds = {str(size): [3 * size**power, 3 * size**power, 50.0 * size**3] for size in sizes}
    assert sampling.slope(sizes, seconds) == pytest.approx(power)
