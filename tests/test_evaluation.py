"""Predictions against the logits, and groups where there are none."""

import numpy as np
import pytest

from debias.backend import keras
from debias.evaluation import UNGROUPED, grouping, predict


def model_of(shape, scale, offset=0.0):
    """Logit `scale` * first pixel + `offset`."""
    image = keras.Input(shape)
    return keras.Model(image, keras.layers.Rescaling(scale, offset)(keras.layers.Flatten()(image))[:, 0])


def test_predictions_are_the_sigmoid_of_logits_in_order(splits):
    first = splits.test.images()[:, 0, 0, 0] / 255
    scores = predict(model_of(splits.test.image_shape, 4.0, -1.0), splits.test)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(1 - 4 * first)), rtol=1e-5)


def test_logits_that_are_nan_are_no_scores(splits):
    with pytest.raises(FloatingPointError, match="diverged"):
        predict(model_of(splits.test.image_shape, float("nan")), splits.test)


def test_without_groups_all_are_one(splits):
    groups, names = grouping(splits.test)
    assert groups is splits.test.groups and names == ("left", "right")
    groups, names = grouping(splits.test.without_groups())
    assert names == UNGROUPED and groups.shape == splits.test.labels.shape and not groups.any()
