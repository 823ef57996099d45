"""Training: the same seed gives the same curve, a killed run ends as if it had not been, and bad input is one line."""

import dataclasses
import io
import shutil
import zipfile

import h5py
import numpy as np
import pytest

from debias.backend import keras
from debias.errors import InputError
from labs.rl import environments, settings, training
from labs.rl.agent import network
from labs.rl.settings import Settings

POLE = dataclasses.replace(settings.CARTPOLE, steps=2_000, copies=4, horizon=64, reports=4, goal=None)
GAME = dataclasses.replace(settings.PONG, steps=384, copies=4, horizon=32, reports=3)
TOYS = {
    "ppo": POLE,
    "a2c": dataclasses.replace(POLE, algorithm="a2c", passes=1, minibatches=1),
    "reinforce": dataclasses.replace(POLE, algorithm="reinforce", passes=1, minibatches=1),
    "pong": GAME,
}


class Killed(Exception):
    """What a kill after a report looks like from within."""


def kill(row):
    raise Killed


def losses(log):
    """What two runs must agree on, bit for bit; not minutes."""
    return log.drop(columns="minutes").to_numpy(float)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a whole training of POLE; to be copied where it is written into."""
    folder = tmp_path_factory.mktemp("trained") / "whole"
    training.train(POLE, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", TOYS)
def test_same_seed_same_curve_and_a_killed_run_ends_as_if_it_had_not_been(name, trained, tmp_path):
    toy = TOYS[name]
    if toy == POLE:
        shutil.copytree(trained, tmp_path / "whole")
    else:
        training.train(toy, tmp_path / "whole")
    whole = training.read_log(tmp_path / "whole")
    assert len(whole) >= 3 and whole["steps"].iloc[-1] >= toy.steps

    for _ in range(2 if toy == POLE else 1):  # each call gets one report further
        with pytest.raises(Killed):
            training.train(toy, tmp_path / "killed", kill)
    # What a kill within the next report would leave beside the checkpoint:
    kept = np.load(tmp_path / "killed" / training.HISTORY)
    np.save(tmp_path / "killed" / training.HISTORY, np.append(kept, kept[:3], axis=0))
    agent = training.train(toy, tmp_path / "killed")
    np.testing.assert_array_equal(losses(training.read_log(tmp_path / "killed")), losses(whole))
    assert (training.read_log(tmp_path / "killed")["minutes"].diff().dropna() > 0).all()
    again = training.load(tmp_path / "whole", agent.network.input_shape[1:], agent.network.output_shape[0][-1])
    for ours, theirs in zip(agent.network.weights, again.network.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_finished_training_is_loaded_and_not_played_again(trained, monkeypatch):
    monkeypatch.setattr(training, "Run", lambda *_: pytest.fail("plays again"))
    loaded = training.train(POLE, trained)
    for ours, theirs in zip(training.load(trained, (4,), 2).network.weights, loaded.network.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_agents_file_holds_the_weights_of_its_network_alone_and_says_what_it_said(trained, tmp_path):
    copies = environments.make("cartpole", 1)
    run = training.Run(POLE, copies, tmp_path)  # with an optimiser, as in training
    run.update()
    training.save(run.agent, tmp_path / "saved.keras")
    copies.close()
    weights = sum(weight.numpy().nbytes for weight in run.agent.network.weights)
    for path in (tmp_path / "saved.keras", trained / training.AGENT):
        with zipfile.ZipFile(path) as parts, h5py.File(io.BytesIO(parts.read("model.weights.h5"))) as file:
            kept = []
            file.visititems(lambda name, item, kept=kept: kept.append(item) if isinstance(item, h5py.Dataset) else None)
            assert sum(item.size * item.dtype.itemsize for item in kept) == weights
            assert not [item.name for item in kept if "optimizer" in item.name]
        assert path.stat().st_size < 1.5 * weights + 60_000  # Keras's own description and HDF5's tables are the rest
    observations = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    loaded = training.load(tmp_path / "saved.keras", (4,), 2)
    for ours, theirs in zip(run.agent.network(observations), loaded.network(observations), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert run.agent.network.compiled  # it goes on learning


def test_a_network_of_ones_own_trains_and_another_cannot_go_on_with_it(tmp_path):
    def build(shape, actions):
        observations = keras.Input(shape)
        x = keras.layers.Dense(5, "relu")(observations)
        return keras.Model(observations, [keras.layers.Dense(actions)(x), keras.layers.Dense(1)(x)])

    with pytest.raises(Killed):
        training.train(POLE, tmp_path, kill, build=build)
    assert training.load(tmp_path, (4,), 2).network.count_params() == build((4,), 2).count_params()
    with pytest.raises(InputError, match="checkpoint damaged or of another model: delete this folder"):
        training.train(POLE, tmp_path)


@pytest.mark.slow
def test_another_seed_another_curve(trained, tmp_path):
    training.train(dataclasses.replace(POLE, seed=1), tmp_path)
    assert (losses(training.read_log(trained)) != losses(training.read_log(tmp_path))).any()


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
def test_the_pole_is_learnt(algorithm):
    """A few hundred random episodes last 22 steps on average."""
    chosen = {"ppo": settings.CARTPOLE, "reinforce": settings.CARTPOLE_REINFORCE}[algorithm]
    rows = []
    training.train(dataclasses.replace(chosen, steps=25_000, goal=100.0, reports=10), report=rows.append)
    assert rows[-1]["mean_return"] > 100


def test_training_ends_when_the_goal_is_reached():
    """It hardly learns, so that its hundred episodes stay short."""
    rows, pole = [], dataclasses.replace(POLE, goal=10.0, steps=40_000, reports=40, learning_rate=1e-6)
    training.train(pole, report=rows.append)
    assert rows[-1]["episodes"] >= 100 and rows[-1]["mean_return"] >= 10 and rows[-1]["steps"] < 10_000


def test_learning_rate_stays_and_then_falls_in_a_line():
    pole = dataclasses.replace(POLE, floor=0.1, steps=1_000)
    run = training.Run(pole, environments.make("cartpole", 4))
    while not run.finished:
        before = run.player.steps
        run.update()
        expected = pole.learning_rate * (0.1 + 0.9 * min(1, 2 - 2 * before / pole.steps))
        assert float(run.agent.optimizer.learning_rate) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_other_environments_train_at_toy_length():
    for name in ("Acrobot-v1", "breakout"):
        rows = []
        chosen = dataclasses.replace(settings.for_environment(name), steps=128, copies=2, horizon=32, reports=1)
        training.train(chosen, report=rows.append)
        assert np.isfinite(rows[-1]["total"])


@pytest.mark.parametrize("content", [None, b"", b"not an agent"])
def test_no_agent_or_a_damaged_one_is_one_line(tmp_path, content):
    path = tmp_path / "agent.keras"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="no agent at|not a whole agent") as error:
        training.load(path, (4,), 2)
    assert "\n" not in str(error.value)


def test_an_agent_for_other_observations_or_actions_is_refused(tmp_path):
    path = tmp_path / "agent.keras"
    network((4,), 2).save(path)
    with pytest.raises(InputError, match=r"sees observations of shape \(4,\), these have \(2, 80, 40\)"):
        training.load_for("pong", path)
    with pytest.raises(InputError, match="chooses among 2 actions, here are 3: set all_actions as in training"):
        training.load(path, (4,), 3)


def test_a_folder_of_another_training_is_refused(trained):
    with pytest.raises(InputError, match="holds a training with seed 0, not 1: give another folder"):
        training.train(dataclasses.replace(POLE, seed=1), trained)


@pytest.mark.parametrize("name", [training.SETTINGS, training.LOG])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_damaged_file_of_a_training_is_one_line(trained, tmp_path, name, content):
    folder = shutil.copytree(trained, tmp_path / "agent")
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: damaged or missing: delete its folder to start the run again"):
        training.train(POLE, folder)


@pytest.mark.slow
def test_a_damaged_history_is_one_line(tmp_path):
    with pytest.raises(Killed):
        training.train(dataclasses.replace(POLE, reports=16), tmp_path, kill)
    (tmp_path / training.HISTORY).write_bytes(b"")
    with pytest.raises(InputError, match="history.npy: damaged or missing: delete its folder"):
        training.train(dataclasses.replace(POLE, reports=16), tmp_path)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"copies": 0}, "copies must be at least 1, got 0"),
        ({"discount": 1.5}, "discount must be between 0 and 1, got 1.5"),
        ({"learning_rate": 0.0}, "learning_rate must be > 0, got 0.0"),
        ({"minibatches": 999}, "minibatches must be at most half of copies"),
        ({"algorithm": "a2c", "passes": 4}, "a2c learns once from a batch: passes must be 1, got 4"),
        ({"algorithm": "dqn"}, "no algorithm 'dqn'"),
    ],
)
def test_wrong_settings_are_one_line(wrong, said):
    with pytest.raises(InputError) as error:
        Settings(**wrong)
    assert said in str(error.value)
