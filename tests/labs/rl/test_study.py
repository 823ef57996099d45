"""What is kept of the lab: records of runs, tables, curves, videos, evaluation of full games, and the commands."""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from debias.errors import InputError
from labs.rl import commands, environments, evaluation, peer, pictures, report, settings, study, training, video
from labs.rl.agent import Agent, network
from labs.rl.algorithms import ALGORITHMS
from labs.rl.environments import Step

TOY = study.Trial("cartpole/ppo", dataclasses.replace(settings.CARTPOLE, **study.TOY), range(2), games=4)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Of two toy runs."""
    cache = tmp_path_factory.mktemp("cache")
    return list(study.run(TOY, cache)), cache


@pytest.fixture(scope="module")
def agent():
    """It has learned nothing."""
    return Agent(network((4,), 2), ALGORITHMS["ppo"])


class Fixed:
    """Copy n's only episode is n + 1 steps long, each worth 1."""

    actions, observation_shape, dtype = 2, (4,), np.float32

    def __init__(self, count):
        self.count = count

    def reset(self):
        self.steps = np.zeros(self.count)
        return np.zeros((self.count, 4), np.float32)

    def step(self, actions):
        self.steps += 1
        over = self.steps == np.arange(self.count) + 1
        self.steps[over] = 0
        seen, no = np.zeros((self.count, 4), np.float32), np.zeros(self.count, bool)
        return Step(seen, np.ones(self.count, np.float32), over, no, over, seen, ~no)

    def close(self):
        pass


def test_evaluation_plays_every_episode_to_its_end_and_counts_it_once(agent, monkeypatch):
    """Short episodes start again long before the longest ends: counted again they would drag the mean down."""
    monkeypatch.setattr(environments, "make", lambda name, count, *rest: Fixed(count))
    returns = evaluation.evaluate(agent, "fixed", episodes=12)
    assert sorted(returns) == list(range(1, 13))


def test_greedy_evaluation_repeats_and_sampled_depends_on_the_seed(agent):
    greedy = [evaluation.evaluate(agent, "cartpole", 12, seed=3, greedy=True) for _ in range(2)]
    np.testing.assert_array_equal(*greedy)
    sampled = [evaluation.evaluate(agent, "cartpole", 12, seed=seed) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(*sampled[:2])
    assert (sampled[1] != sampled[2]).any()


@pytest.mark.slow
def test_a_finished_run_is_not_made_again(records, monkeypatch):
    made, cache = records
    monkeypatch.setattr(training, "train", lambda *_: pytest.fail("trains again"))
    assert list(study.run(TOY, cache)) == made
    for record in made:
        assert record["commit"] and record["versions"] and record["host"]
        assert record["settings"]["seed"] == record["seed"]


@pytest.mark.slow
def test_a_run_with_other_settings_is_refused(records):
    other = dataclasses.replace(TOY, settings=dataclasses.replace(TOY.settings, discount=0.5))
    with pytest.raises(InputError, match="was made with other settings: delete it to make it anew"):
        list(study.run(other, records[1]))


SPEED = {
    "sps": 9.0,
    "sps_sb3": 3.0,
    "sps_vs_sb3": 3.0,
    "sps_sb3_on_ours": 5.0,
    "sps_vs_sb3_on_ours": 1.8,
    "peers": "x 1.0",
}


@pytest.mark.slow
def test_everything_is_written_from_records(records, tmp_path):
    (tmp_path / peer.SPEED).write_text(json.dumps(SPEED | {"commit": "another"}))
    study.write_results(records[0], tmp_path, seconds=1)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["sps_vs_sb3"] == 3.0 and summary["speed_commit"] == "another"
    assert summary["commit"] == [records[0][0]["commit"]]
    seeds = summary["runs"]["cartpole"]["ppo"]
    assert [line["seed"] for line in seeds] == [0, 1]
    for line, record in zip(seeds, records[0], strict=True):
        assert line["sampled_mean"] == pytest.approx(np.mean(record["sampled_returns"]))
        assert {"steps", "minutes", "greedy_mean"} <= set(line)
    logs = pd.read_csv(tmp_path / "logs.csv")
    assert set(logs["seed"]) == {0, 1} and (logs.groupby("seed")["steps"].diff().dropna() > 0).all()
    for name in ("cartpole.png", "cartpole_before.gif", "cartpole_after.gif", "cartpole.keras"):
        assert (tmp_path / name).stat().st_size > 1_000
    assert training.load_for("cartpole", tmp_path / "cartpole.keras")


@pytest.mark.slow
def test_a_new_comparison_renews_the_speed_and_nothing_else(records, tmp_path, monkeypatch):
    study.write_results(records[0], tmp_path, seconds=1)
    before = json.loads((tmp_path / study.SUMMARY).read_text())
    assert "Speed" not in (tmp_path / "table.md").read_text()

    def measure(folder):
        (folder / peer.SPEED).write_text(json.dumps(SPEED | {"commit": "another"}))
        return SPEED

    monkeypatch.setattr(peer, "compare", measure)
    assert study.compare(tmp_path) == study.compare(tmp_path) == SPEED
    after = json.loads((tmp_path / study.SUMMARY).read_text())
    assert after == before | SPEED | {"speed_commit": "another"}
    assert "Speed" in (tmp_path / "table.md").read_text()


@pytest.mark.slow
def test_results_made_in_a_new_folder_take_over_the_last_comparison(records, tmp_path, monkeypatch):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    (old / peer.SPEED).write_text(json.dumps(SPEED))
    for name, value in {"VIDEO_SECONDS": 1, "RESULTS": old, "TRIALS": (TOY,), "CACHE": records[1]}.items():
        monkeypatch.setattr(study, name, value)
    assert "Speed" in study.complete(new)
    assert json.loads((new / study.SUMMARY).read_text())["sps_vs_sb3"] == 3.0


def test_the_committed_table_is_that_of_the_committed_numbers():
    summary = json.loads((study.RESULTS / study.SUMMARY).read_text("utf-8"))
    expected = report.tables(summary["runs"], peer.speed(study.RESULTS))
    assert (study.RESULTS / "table.md").read_text("utf-8") == expected
    assert summary == report.with_speed(summary, peer.speed(study.RESULTS))


@pytest.mark.slow
@pytest.mark.parametrize("best", [0, 1])
def test_the_agent_kept_is_the_one_that_was_best_at_the_end_of_its_training(records, tmp_path, best):
    means = [dict(record, mean_return=float(record["seed"] == best)) for record in records[0]]
    study.write_results(means, tmp_path, seconds=1)
    theirs = training.load_for("cartpole", Path(records[0][best]["folder"])).network.get_weights()
    ours = training.load_for("cartpole", tmp_path / "cartpole.keras").network.get_weights()
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))


def test_tables_show_each_seed_and_the_mean():
    played = {"mean_return": 19.0, "sampled_mean": 18.5, "greedy_mean": 20.25}
    runs = [{"seed": seed, "steps": 1_000_000, "minutes": 6.0 + seed, **played} for seed in range(2)]
    text = report.tables({"pong": {"ppo": runs}}, SPEED)
    mean = next(line for line in text.splitlines() if "mean of 2" in line)
    assert "1,000,000" in mean and "6.5" in mean and "20.2" in mean
    assert "3.00" in text and "1.80" in text and "x 1.0" in text


def test_curves_of_seeds_share_a_grid_and_a_run_that_ended_keeps_its_value():
    rows = pd.DataFrame(
        {"seed": [0, 0, 1, 1], "steps": [0, 100, 0, 200], "mean_return": [0.0, 10.0, 0.0, 20.0], "minutes": 0.0}
    )
    grid, lines = pictures.on_common_grid(rows, "steps", points=3)
    np.testing.assert_allclose(grid, [0, 100, 200])
    np.testing.assert_allclose(lines, [[0, 10, 10], [0, 10, 20]])


@pytest.mark.parametrize("name, size", [("cartpole", (600, 400)), ("pong", (160, 210))])
def test_a_video_moves(tmp_path, name, size):
    video.record(tmp_path / "game.gif", name, seconds=2)
    with Image.open(tmp_path / "game.gif") as film:
        assert film.size == size and film.n_frames > 5
        first = np.asarray(film.convert("RGB")).astype(int)
        film.seek(film.n_frames - 1)
        assert (first != np.asarray(film.convert("RGB"))).any()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_train_and_play_from_the_command_line(tmp_path, capsys):
    folder, film = str(tmp_path / "agent"), tmp_path / "game.gif"
    assert commands.run(["train", "--env", "cartpole", "--folder", folder, "--steps", "300"]) == 0
    play = ["play", "--env", "cartpole", "--checkpoint", folder, "--video", str(film), "--seconds", "2", "--greedy"]
    assert commands.run(play) == 0
    assert "return" in capsys.readouterr().out and film.stat().st_size > 1_000


@pytest.mark.parametrize(
    "words, said",
    [
        (["play", "--env", "pong", "--checkpoint", "nowhere"], "no agent at nowhere"),
        (["train", "--env", "Pendulum-v1", "--folder", "x"], "actions of type Box"),
        (["train", "--env", "cartpole", "--folder", "x", "--steps", "0"], "steps must be at least 1, got 0"),
        (["train", "--env", "Pong-v0", "--folder", "x"], "use pong"),
        (["train", "--env", "cartpole", "--folder", "x", "--seed", "-1"], "seed must be at least 0"),
        (["study", "cartpole/sarsa"], "no trial 'cartpole/sarsa'"),
        (["train", "--env", "pong"], "--folder"),
    ],
)
def test_bad_words_are_one_line(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        commands.run(words)
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "film, wanted, said",
    [
        ("x.mp4", {}, "x.mp4: a video is written as a GIF: give a name that ends in .gif"),
        ("film", {}, "film: a video is written as a GIF"),
        ("x.gif", {"seconds": float("nan")}, "seconds must be at least 0 and less than 3,600, got nan"),
        ("x.gif", {"seconds": float("inf")}, "seconds must be"),
        ("x.gif", {"seconds": -1}, "seconds must be"),
        ("x.gif", {"seed": -1}, "seed must be at least 0"),
        ("x.gif", {"seed": 2**31}, "less than 2,000,000"),
    ],
)
def test_videos_that_cannot_be_are_one_line_before_anything_is_played(tmp_path, monkeypatch, film, wanted, said):
    monkeypatch.setattr(video.environments, "make", lambda *_, **__: pytest.fail("played"))
    with pytest.raises(InputError) as error:
        video.record(tmp_path / film, "cartpole", **wanted)
    assert said in str(error.value) and "\n" not in str(error.value) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff"])
def test_a_damaged_record_is_one_line(tmp_path, content):
    path = tmp_path / "cartpole" / "ppo" / "0" / study.RUN
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(InputError, match="run.json: damaged or missing: delete its folder to start the run again"):
        next(study.run(TOY, tmp_path))


@pytest.mark.parametrize("name", [study.SUMMARY, peer.SPEED])
def test_damaged_results_are_one_line(tmp_path, monkeypatch, name):
    monkeypatch.setattr(peer, "compare", lambda folder: {})
    (tmp_path / study.SUMMARY).write_text('{"runs": []}')
    (tmp_path / name).write_text("{")
    with pytest.raises(InputError, match=rf"{name}: damaged or missing: restore it \(git checkout\) or delete it"):
        study.compare(tmp_path)


def test_without_the_peer_the_comparison_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(peer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="stable-baselines3 is not installed: .venv/bin/pip install"):
        peer.compare(tmp_path)


@pytest.mark.slow
def test_a_learner_is_timed_in_a_process_of_its_own():
    toy = dataclasses.replace(settings.CARTPOLE, copies=2, horizon=16)
    assert peer._alone(peer._rate, "ours", toy, 64) > 0
    assert peer._alone(os.getpid) != os.getpid()


def test_ratios_of_the_comparison_are_medians_of_rounds():
    rates = {"ours": [100.0, 300.0, 200.0], "sb3": [50.0, 100.0, 50.0]}
    assert peer._medians(rates) == {"sps": 200.0, "sps_sb3": 50.0, "sps_vs_sb3": 3.0}
