"""Playing: what a rollout holds, how episodes are counted, and that play can be repeated."""

import numpy as np
import pytest

from labs.rl.environments import Step, make
from labs.rl.rollout import RESET, Player, play


class Counting:
    """Copy n counts its steps; its episodes last n + 2 steps, terminated in even copies, truncated in odd ones.

    As ale-py does, it starts again within the step (`finals` shows the last observation).
    """

    count, actions, observation_shape, dtype = 3, 2, (1,), np.float32

    def reset(self):
        self.steps = np.zeros(3)
        return self.steps[:, None].astype(np.float32)

    def step(self, actions):
        self.steps += 1
        finals, over = self.steps[:, None].astype(np.float32), self.steps == np.arange(3) + 2
        self.steps[over] = 0
        even = np.arange(3) % 2 == 0
        observations, rewards = self.steps[:, None].astype(np.float32), np.ones(3, np.float32)
        return Step(observations, rewards, over & even, over & ~even, over, finals, np.ones(3, bool))


class Oracle:
    """Always action 1, and values of 10 times what it sees."""

    def act(self, observations, seed):
        values = self.values(observations)
        return *(np.array(x) for x in ()), Tensor(np.ones(len(values), np.int32)), Tensor(0 * values.x), values

    def values(self, observations):
        return Tensor(10 * observations[:, 0])


class Tensor:
    """An array that answers to numpy()."""

    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def numpy(self):
        return self.x


def test_a_rollout_knows_what_followed_each_step():
    rollout = play(Oracle(), Player(Counting()), 4, seed=0)
    np.testing.assert_array_equal(rollout.observations[..., 0].T, [[0, 1, 0, 1], [0, 1, 2, 0], [0, 1, 2, 3]])
    np.testing.assert_array_equal(rollout.ends.T, [[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]])
    # Copies 0 and 2 terminate: nothing follows. Copy 1 is cut at 3, which was worth 30. Else the next observation's.
    np.testing.assert_array_equal(rollout.next_values.T, [[10, 0, 10, 0], [10, 20, 30, 10], [10, 20, 30, 0]])
    assert rollout.valid.all() and (rollout.actions == 1).all()


def test_episodes_go_on_from_rollout_to_rollout():
    player = Player(Counting())
    for _ in range(3):
        play(Oracle(), player, 2, seed=0)
    assert sorted(player.returns) == [2, 2, 2, 3, 3, 4] and player.steps == 18


def test_whole_episodes_count_one_of_each_copy():
    player = Player(Counting(), whole_episodes=True)
    rollout = play(Oracle(), player, 1, seed=0)
    np.testing.assert_array_equal(rollout.valid.sum(axis=0), [2, 3, 4])
    assert sorted(player.returns) == [2, 3, 4]  # not the second episode of copy 0, which is short by selection
    batch = rollout.batch(rollout.rewards, rollout.rewards)
    assert len(batch.actions) == 9
    play(Oracle(), player, 1, seed=0)
    assert sorted(player.returns) == [2, 2, 3, 3, 4, 4]


def test_dummy_steps_of_an_autoreset_do_not_enter_a_batch():
    """gymnasium's CartPole starts again in a step of its own, whose action is ignored."""
    copies = make("cartpole", 4, seed=0)
    player, pushed = Player(copies), np.ones(4, np.int32)
    rows, previously_over = [], np.zeros(4, bool)
    for _ in range(60):
        step = player.step(pushed)
        np.testing.assert_array_equal(step.valid, ~previously_over)
        previously_over = step.over
        rows.append(step)
    assert sum(step.over.sum() for step in rows) > 8
    assert player.steps == sum(step.valid.sum() for step in rows) < 240
    # A pole pushed one way falls after 8 to 11 steps, each worth 1.
    assert all(8 <= total <= 11 for total in player.returns)


@pytest.mark.parametrize("name", ["cartpole", "pong"])
def test_a_history_repeats_the_state(name):
    random = np.random.default_rng(0)
    player = Player(make(name, 3, seed=7))
    for t in range(40):
        player.step(random.integers(0, 2, 3, np.int32))
        if t == 25:
            player.reset()
    assert [row[0] for row in player.history].count(RESET) == 2
    again = Player(make(name, 3, seed=7))
    again.repeat(np.stack(player.history))
    np.testing.assert_array_equal(again.observations, player.observations)
    assert (again.returns, again.steps) == (player.returns, player.steps)
    for copies in (player.environments, again.environments):
        copies.close()
