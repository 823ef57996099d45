"""The whole benchmark, with sizes so small that its numbers mean nothing; and what the last line says."""

import json
import math
import time

import pytest

from debias.config import Config
from experiments import commands
from experiments.benchmark import images, measure, memory, noise, peers, profile, sampling, sweeps, training
from experiments.engine.experiment import Experiment, Setting
from experiments.report import benchmark

COURSE = """
import h5py, numpy as np
class TrainingDatasetLoader:
    def __init__(self, path):
        with h5py.File(path) as file:
            self.images, self.pos_train_inds = file["images"][:], np.flatnonzero(file["labels"][:, 0])
    def get_batch(self, n, p_pos):
        return np.float32(self.images[:n] / 255), np.repeat(np.float32([1, 0]), n // 2)[:, None]
"""
EPOCH = (profile.DRAWN, profile.STEPPED, profile.STEPPED, profile.VALIDATED, profile.SAVED)
MARKS = tuple(enumerate((profile.FITTED, *EPOCH, *EPOCH, profile.TRAINED, profile.EVALUATED)))  # second and kind


class InThisProcess:
    """Stands in for a child, whose process would take seconds to start."""

    def __init__(self, make, *arguments, environment=None):
        self.job = make(*arguments)

    def __call__(self, *arguments):
        return self.job(*arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def once(jobs, count):
    """Stands in for rounds of trainings, each of which takes a second."""
    for job in jobs.values():
        job()
    return {name: [1.0] for name in jobs}


@pytest.fixture
def small(tmp_path, tiny_config, dataset_path, monkeypatch):
    """A small network, few images, rounds and steps; stand-ins for the peers, the renderer and whole runs."""
    from debias import dbvae
    from debias.backend import tf

    build, stored, resampling = dbvae.build, noise.stored, sampling._resampling
    network = Config(preset="digits", latent_dim=2)
    monkeypatch.setattr(dbvae, "build", lambda _, shape: build(network, shape))
    monkeypatch.setattr(noise, "stored", lambda folder, count=0, sparse=False: stored(folder, 256, sparse))
    monkeypatch.setattr(sampling, "_resampling", lambda faces, *how: resampling(faces // 1000, *how))
    for module, sizes in {
        training: {
            "rounds": once,
            "IMAGES": 1,
            "EPOCH": 1,
            "alone": lambda file, size, threads=None: lambda steps: None,
        },
        training.course: {"IMAGE_SHAPE": (8, 8, 3)},
        noise: {"IMAGE_SHAPE": (8, 8, 3)},
        memory: {"STEPS": 1},
        measure: {"ROUNDS": 1},
        sampling: {"DRAWS": {"ours": 4, "theirs": 2}},
        images: {"JPEGS": 2, "PORTRAITS": 1, "ENCODED": 4},
        images.assets: {"load_model": lambda cache: None},
        images.build: {"draw_image": lambda *_: None},
        training.twin: {"trainer": lambda *_: lambda steps: None},
    }.items():
        for name, size in sizes.items():
            monkeypatch.setattr(module, name, size)
    for module in (memory, profile, training):
        monkeypatch.setattr(module, "Child", InThisProcess)
    experiment = Experiment("test", "Test", (Setting("max", "dbvae-max"),), (5,), tiny_config, str(dataset_path))
    monkeypatch.setattr(profile.transfer, "EXPERIMENT", experiment)
    monkeypatch.setattr(profile, "profiled", lambda: lambda *_: [(k, time.perf_counter() + n) for n, k in MARKS])
    monkeypatch.setattr(sweeps, "RUNS", experiment)
    monkeypatch.setattr(sweeps, "evaluated_in_parallel", lambda todo, *_: [(each.run.id, {}) for each in todo])
    course = peers._course_path(tmp_path / "cache")
    course.parent.mkdir(parents=True)
    course.write_text(COURSE)
    peers._torch_folder(tmp_path / "cache").mkdir()
    tf.config.run_functions_eagerly(True)  # to compile every trainer takes minutes
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.slow  # a dozen trainers
def test_each_line_gets_a_number_and_the_quick_form_writes_nothing(small, tmp_path, capsys):
    results = tmp_path / "results"
    command = ["benchmark", "--cache", str(tmp_path / "cache"), "--results", str(results)]
    assert commands.run(command) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(last) == list(measure.KEYS) and None not in last.values()
    found = json.loads((results / "benchmark" / "summary.json").read_text())[benchmark.ROUNDS]
    assert all(math.isfinite(value) for rounds in found.values() for value in rounds)
    told = {goal.key for goal in benchmark.GOALS} | set(benchmark.OTHERS) | set(measure.KEYS)
    told |= {f"resampling_{size}_s" for size in benchmark.RESAMPLED} | {f"profile_{part}_s" for part in benchmark.PARTS}
    told |= {f"{name}_b{size}_images_per_s" for size, names in training.WHOLE.items() for name in names}
    assert told <= found.keys()
    assert (results / "benchmark" / "trials.md").read_text().count("- **") == 6
    written = {path.relative_to(results).as_posix(): path.stat().st_mtime_ns for path in results.rglob("*.*")}
    drawn = [f"{name}.{kind}" for name in ("speed", "profile") for kind in ("png", "svg")]
    files = [f"benchmark/{name}" for name in ("summary.json", "table.md", "sentence.md", "trials.md", *drawn)]
    assert set(written) == {*files, "index.html", "deviations.md"}
    assert commands.run([*command, "--quick"]) == 0
    assert None not in json.loads(capsys.readouterr().out).values()
    assert {name: (results / name).stat().st_mtime_ns for name in written} == written


def test_the_last_line_has_all_keys_and_none_for_what_was_not_measured():
    found = measure.last_line({"vs_lab_b32": [1.0, 3.0, 2.0], "something else": [4.0]})
    assert set(found) == {
        *("resident_ratio_b32", "streaming_ratio_b32", "vs_lab_b32", "sampler_vs_lab"),
        *("resampling_55k_s", "rss_400k_gb", "vs_torch_b128", "faces_per_core_s"),
    }
    assert {name: value for name, value in found.items() if value is not None} == {"vs_lab_b32": 2.0}
