"""Both adapters: what they show, how episodes end and begin, and what they refuse."""

import gymnasium as gym
import numpy as np
import pytest
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from debias.errors import InputError
from labs.rl import environments
from labs.rl.environments import Atari, Gymnasium, make


class Corridor(gym.Env):
    """Observation: steps so far. Ends after `length` steps, or is cut after `limit`."""

    observation_space = gym.spaces.Box(0, np.inf, (1,))
    action_space = gym.spaces.Discrete(2, start=5)
    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, length=3, limit=10, reward=1.0, render_mode=None):
        self.length, self.limit, self.reward, self.taken, self.render_mode = length, limit, reward, [], render_mode

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        self.taken.append(action)
        over = self.steps >= self.length
        return np.full(1, self.steps, np.float32), self.reward, over, not over and self.steps >= self.limit, {}


@pytest.fixture
def corridors(monkeypatch):
    """Makes copies of a corridor with an autoreset mode."""

    def build(mode, **options):
        def make_vec(name, count, render_mode=None):
            return SyncVectorEnv([lambda: Corridor(**options)] * count, autoreset_mode=mode)

        monkeypatch.setattr(environments, "_make_vec", make_vec)
        return Gymnasium("corridor", 2)

    return build


def walk(copies, steps):
    """Observations that were acted on, and what followed, of the first copy."""
    observations, rows = copies.reset(), []
    for _ in range(steps):
        step = copies.step(np.zeros(2, np.int32))
        rows.append((observations[0, 0], step))
        observations = step.observations
    return [row for row in rows if row[1].valid[0]]


@pytest.mark.parametrize("mode", AutoresetMode, ids=str)
def test_every_autoreset_mode_gives_the_same_valid_steps(corridors, mode):
    rows = walk(corridors(mode), 8)[:6]
    assert [seen for seen, _ in rows] == [0, 1, 2, 0, 1, 2]
    assert [step.terminated[0] for _, step in rows] == [False, False, True] * 2
    assert [step.over[0] for _, step in rows] == [False, False, True] * 2
    assert [step.rewards[0] for _, step in rows] == [1] * 6  # the step that only starts again has none


@pytest.mark.parametrize("mode", AutoresetMode, ids=str)
def test_a_truncated_episode_shows_its_last_observation(corridors, mode):
    rows = walk(corridors(mode, length=9, limit=3), 4)
    truncated = [step for _, step in rows if step.truncated[0]]
    assert [step.finals[0, 0] for step in truncated] == [3]
    assert not truncated[0].terminated[0] and truncated[0].over[0]


def test_actions_begin_where_the_space_does(corridors):
    copies = corridors(AutoresetMode.SAME_STEP)
    copies.reset()
    copies.step(np.array([0, 1], np.int32))
    assert [env.taken for env in copies._env.envs] == [[5], [6]] and copies.actions == 2


def test_cartpole_is_cut_but_not_terminated_after_500_steps():
    """A pole that is held up by hand: gymnasium's own limit is a truncation."""
    copies = make("cartpole", 1, seed=0)
    observations = copies.reset()
    for _ in range(500):
        x, speed, angle, turning = observations[0]
        step = copies.step(np.array([int(angle + 0.3 * turning + 0.02 * x + 0.05 * speed > 0)], np.int32))
        observations = step.observations
    assert step.truncated[0] and not step.terminated[0] and step.valid[0]
    assert not copies.step(np.array([0], np.int32)).valid[0]
    assert copies.step(np.array([0], np.int32)).valid[0]


@pytest.mark.parametrize("name, shape, actions", [("Acrobot-v1", (6,), 3), ("breakout", (4, 84, 84), 4)])
def test_other_environments_work_by_name(name, shape, actions):
    copies = make(name, 2)
    assert (copies.observation_shape, copies.actions) == (shape, actions)
    assert copies.reset().shape == (2, *shape)
    assert copies.step(np.zeros(2, np.int32)).observations.shape == (2, *shape)
    copies.close()


def test_names_of_an_atari_game_are_the_same_game():
    assert {environments.atari_game(name) for name in ("pong", "Pong", "ALE/Pong-v5")} == {"pong"}
    assert environments.atari_game("ALE/MsPacman-v5") == "ms_pacman"
    assert environments.atari_game("CartPole-v1") is None


def test_pong_is_cropped_to_the_field_and_a_point_ends_the_return():
    copies = make("pong", 4, seed=3)
    assert copies.observation_shape == (2, 80, 40) and copies.actions == 3
    copies.reset()
    points = 0
    for _ in range(120):  # standing still loses the first points
        step = copies.step(np.zeros(4, np.int32))
        assert step.observations.shape == (4, 2, 80, 40) and step.observations.dtype == np.uint8
        np.testing.assert_array_equal(step.terminated, step.rewards != 0)
        assert not step.over.any()
        points += int(np.abs(step.rewards).sum())
    assert points > 0
    copies.close()


def test_pongs_three_actions_stay_go_up_and_go_down():
    """The right paddle, columns 34 to 36 of the field, by its mean row."""

    def paddle(action):
        copies = make("pong", 1, seed=0)
        copies.reset()
        for _ in range(4):
            screen = copies.step(np.array([action], np.int32)).observations[0, -1]
        copies.close()
        rows, columns = np.nonzero(screen[:, 32:] > 120)
        return rows.mean()

    stay, up, down = map(paddle, range(3))
    assert up < stay < down


def test_same_seed_same_pong_and_its_twin_shows_the_same_game():
    first, second = make("pong", 1, seed=5), make("pong", 1, seed=5, pictures=True)
    np.testing.assert_array_equal(first.reset(), second.reset())
    for _ in range(30):
        steps = [copies.step(np.array([1], np.int32)) for copies in (first, second)]
        np.testing.assert_array_equal(steps[0].observations, steps[1].observations)
    picture = second.picture()
    assert picture.shape == (210, 160, 3)
    grey = picture.astype(float).mean(-1)
    ours = steps[1].observations[0, -1].astype(float)
    scaled = grey[34:194].reshape(80, 2, 40, 4).mean((1, 3))
    assert np.corrcoef(scaled.ravel(), ours.ravel())[0, 1] > 0.9
    first.close()
    second.close()


def test_sticky_actions_change_the_game():
    def watched(sticky):
        copies = make("pong", 2, seed=0, sticky=sticky)
        copies.reset()
        seen = [copies.step(np.full(2, t % 3, np.int32)).observations.copy() for t in range(20)]
        copies.close()
        return np.stack(seen)

    assert not np.array_equal(watched(0.0), watched(0.9))


def test_an_atari_game_that_is_cut_shows_its_last_observation():
    """With a limit of 400 frames the emulator truncates, and starts again within the step."""
    copies = make("pong", 2, seed=0)
    shape = {"img_height": 105, "img_width": 40, "stack_num": 2, "autoreset_mode": AutoresetMode.SAME_STEP}
    copies._env = AtariVectorEnv("pong", num_envs=2, max_num_frames_per_episode=400, **shape)
    copies.reset()
    before, steps = None, 0
    while True:
        step = copies.step(np.zeros(2, np.int32))
        if step.over.any():
            break
        before, steps = step.observations.copy(), steps + 1
    assert 60 < steps <= 100 and step.truncated.any()
    cut = int(np.flatnonzero(step.truncated)[0])
    # The earlier frame of the last observation is the later one of the observation before it; a new game's is not.
    np.testing.assert_array_equal(step.finals[cut, 0], before[cut, 1])
    assert (step.observations[cut] != step.finals[cut]).any()
    copies.close()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("CartPole-v9", 2), "no environment 'CartPole-v9': did you mean"),
        (("ALE/Pnog-v5", 2), "no Atari game 'Pnog': did you mean pong"),
        (("Pong-v0", 2), "Pong-v0 is not preprocessed: use pong"),
        (("PongNoFrameskip-v4", 2), "PongNoFrameskip-v4 is not preprocessed: use pong"),
        (("ALE/SpaceInvaders-v4", 2), "is not preprocessed: use space_invaders"),
        (("Blackjack-v1", 2), "observations of type Tuple"),
        (("MountainCarContinuous-v0", 2), "actions of type Box: this agent chooses among discrete ones"),
        (("FrozenLake-v1", 2), "observations of type Discrete"),
        (("cartpole", 0), "environments must be at least 1, got 0"),
        (("cartpole", 2, 0, 0.25), "sticky and all_actions are options of Atari games"),
        (("pong", 2, 0, 1.5), "sticky must be at least 0 and less than 1, got 1.5"),
    ],
)
def test_bad_input_is_one_line(arguments, said):
    with pytest.raises(InputError) as error:
        make(*arguments)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_missing_rom_is_one_line(monkeypatch):
    monkeypatch.setattr(environments.ale_py.roms, "get_rom_path", lambda game: None)
    with pytest.raises(InputError, match="pong: its ROM is missing: install ale-py again"):
        make("pong", 2)


def test_a_reward_that_is_no_number_is_one_line(corridors):
    copies = corridors(AutoresetMode.SAME_STEP, reward=float("nan"))
    copies.reset()
    with pytest.raises(InputError, match="corridor: copy 0 gave the reward nan"):
        copies.step(np.zeros(2, np.int32))


def test_atari_copies_start_differently():
    copies = Atari("pong", 6, seed=0)
    copies.reset()
    for _ in range(40):  # until the ball is in play
        shown = copies.step(np.zeros(6, np.int32)).observations
    assert len({screen.tobytes() for screen in shown}) > 1
    copies.close()
