"""Trainers in turns; the loops that are compared train the same network on what they are given."""

import numpy as np
import pytest

from debias.config import Config
from experiments.benchmark import noise, training


def test_ratios_say_how_many_times_as_fast_ours_is(monkeypatch):
    short, whole = training.IMAGES // 32, training.EPOCH // 32
    per_step = {"fixed": 1.0, "resident": 2.0, "streamed": 4.0, "lab": 3.0, "bfloat16": 8.0}
    steps = {}

    def rounds(jobs, count):
        for job in jobs.values():
            job()
        return {name: [seconds * steps[name]] * count for name, seconds in per_step.items() if name in jobs}

    def compared(*names):
        return training.compared({name: lambda n, name=name: steps.update({name: n}) for name in names}, 32, 2)

    monkeypatch.setattr(training, "rounds", rounds)
    found = compared(*per_step)
    assert steps == {"fixed": whole, "resident": whole, "streamed": whole, "lab": short, "bfloat16": short}
    assert found["resident_b32_images_per_s"] == [16.0] * 2
    assert (found["resident_ratio_b32"], found["streaming_ratio_b32"]) == ([0.5] * 2, [0.25] * 2)
    assert (found["vs_lab_b32"], found["trial_bfloat16"]) == ([1.5] * 2, [0.25] * 2)
    assert compared("resident", "lab").keys() == {"resident_b32_images_per_s", "lab_b32_images_per_s", "vs_lab_b32"}


class Loader:
    """As the course's, with a note of what it was asked for."""

    def __init__(self, images):
        self.images, self.pos_train_inds, self.asked = images, np.arange(4), []

    def get_batch(self, n, p_pos):
        self.asked.append((n, len(p_pos), p_pos.sum()))
        return np.float32(self.images[:n] / 255), np.repeat(np.float32([1, 0]), n // 2)[:, None]


@pytest.fixture
def data(tmp_path):
    with noise.stored(tmp_path, 16) as path:
        yield noise.opened(path)


@pytest.mark.slow  # two trainings
def test_ours_and_the_courses_loop_train(data, monkeypatch):
    from debias import dbvae
    from experiments.benchmark import course

    made, build, small = [], dbvae.build, Config(preset="digits", latent_dim=2, learning_rate=0.1)
    monkeypatch.setattr(dbvae, "build", lambda _, shape: made.append(build(small, shape)) or made[-1])
    loader = Loader(data.images())
    for train in (training.trainer(data, 4, "streamed"), course.trainer(loader, 4)):
        model = made.pop(0)
        before = [np.array(kernel) for kernel in _kernels(model)]
        train(2)
        assert not any(np.array_equal(a, b) for a, b in zip(before, _kernels(model), strict=True))
    assert loader.asked == [(4, 4, 1.0)] * 2


def _kernels(model):
    """The weights nearest to the images, of the encoder and of the decoder."""
    return model.encoder.trainable_variables[0], model.decoder.trainable_variables[-1]
