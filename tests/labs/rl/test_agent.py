"""The agent: its networks, how it acts, its losses and their gradients, and what one step of learning does."""

import numpy as np
import pytest

from debias.backend import keras, tf
from debias.errors import InputError
from labs.rl.agent import Agent, Batch, network
from labs.rl.algorithms import ALGORITHMS, algorithm, clipped_ratio, policy_gradient

B, ACTIONS = 24, 3


@pytest.fixture(scope="module")
def net():
    """A network of vectors whose policy is not even."""
    keras.utils.set_random_seed(0)
    net = network((4,), ACTIONS)
    for weights in net.trainable_variables:
        weights.assign(weights + 0.3 * np.random.default_rng(0).normal(size=weights.shape))
    return net


@pytest.fixture(scope="module")
def agent(net):
    """It acts by the network, and learns nothing."""
    return Agent(net, ALGORITHMS["ppo"])


@pytest.fixture(scope="module")
def batch(agent):
    """A batch that the network has just played."""
    random = np.random.default_rng(1)
    observations = random.normal(size=(B, 4)).astype(np.float32)
    actions, log_probs, _ = agent.act(observations, np.array([0, 0], np.int32))
    numbers = random.normal(size=(2, B)).astype(np.float32)
    return Batch(observations, actions, log_probs, *numbers)


def gradients(net, loss):
    """Of a loss of log-probabilities, for the network's weights, in one vector."""
    with tf.GradientTape() as tape:
        value = loss()
    found = tape.gradient(value, net.trainable_variables)
    return np.concatenate(
        [
            np.ravel(g) if g is not None else np.zeros(v.shape).ravel()
            for g, v in zip(found, net.trainable_variables, strict=True)
        ]
    )


def softmax(logits):
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


@pytest.mark.parametrize("shape, dtype", [((4,), "float32"), ((2, 80, 40), "uint8"), ((4, 84, 84), "uint8")])
def test_the_observations_shape_chooses_the_network(shape, dtype):
    net = network(shape, 5)
    logits, values = net(np.zeros((3, *shape), dtype))
    assert logits.shape == (3, 5) and values.shape == (3, 1)
    assert any(isinstance(layer, keras.layers.Conv2D) for layer in net.layers) == (len(shape) == 3)


def test_a_new_policy_is_nearly_even():
    logits, _ = network((2, 80, 40), 3)(np.random.default_rng(0).integers(0, 255, (8, 2, 80, 40), np.uint8))
    assert np.abs(softmax(logits.numpy()) - 1 / 3).max() < 0.02


def test_a_matrix_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"observations of shape \(3, 4\): this agent sees vectors and images"):
        network((3, 4), 2)


def test_actions_follow_the_policy_and_log_probs_are_theirs(net, agent):
    observation, count = np.random.default_rng(2).normal(size=(1, 4)).astype(np.float32), 20_000
    actions, log_probs, values = agent.act(np.repeat(observation, count, axis=0), np.array([3, 1], np.int32))
    logits, value = (x.numpy() for x in net(observation))
    expected = softmax(logits.astype(np.float64))[0]
    shares = np.bincount(actions, minlength=ACTIONS) / count
    assert (np.abs(shares - expected) < 6 * np.sqrt(expected * (1 - expected) / count)).all()
    np.testing.assert_allclose(log_probs, np.log(expected)[actions.numpy()], rtol=1e-4)
    np.testing.assert_allclose(values, np.repeat(value[0], count), rtol=1e-5)


def test_the_same_seed_draws_the_same_actions_and_another_does_not(agent):
    observations = np.zeros((200, 4), np.float32)
    first, again, other = (agent.act(observations, np.array(seed, np.int32))[0] for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(first, again)
    assert (first.numpy() != other.numpy()).any()


def test_greedy_takes_the_likeliest(net, agent, batch):
    logits, _ = net(batch.observations)
    np.testing.assert_array_equal(agent.act_greedily(batch.observations), logits.numpy().argmax(-1))


def test_the_policy_gradient_is_that_of_the_softmax():
    """d/dlogits of -mean(A log pi(a)) is mean(A (pi - onehot(a)))."""
    random = np.random.default_rng(0)
    logits, weights = tf.constant(random.normal(size=(B, ACTIONS))), tf.constant(random.normal(size=B))
    actions = random.integers(0, ACTIONS, B)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        log_probs = tf.gather(tf.nn.log_softmax(logits), actions, batch_dims=1)
        loss = policy_gradient(log_probs, log_probs, weights, 0.1)
    expected = (softmax(logits.numpy()) - np.eye(ACTIONS)[actions]) * weights.numpy()[:, None] / B
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-12)


def test_at_ratio_1_the_gradient_of_ppo_is_the_policy_gradient(net, agent, batch):
    """Schulman et al. 2017: both losses agree to first order where the policy has not moved yet."""

    def loss(of):
        return lambda: of(
            agent.policy(batch.observations)[0].log_prob(batch.actions), batch.log_probs, batch.advantages, 0.2
        )

    expected = gradients(net, loss(policy_gradient))
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(gradients(net, loss(clipped_ratio)), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    "ratio, advantage, expected",
    [(1.5, 1.0, 1.2), (0.5, 1.0, 0.5), (0.5, -1.0, -0.8), (1.5, -1.0, -1.5), (1.1, 2.0, 2.2)],
)
def test_clipping_takes_the_worse_of_both(ratio, advantage, expected):
    """By hand, clip 0.2: what is already 20 % likelier gains no more; what became worse is pulled back."""
    log_ratio = tf.Variable([np.log(ratio)], dtype=tf.float64)
    with tf.GradientTape() as tape:
        loss = clipped_ratio(log_ratio, tf.zeros(1, tf.float64), tf.constant([advantage], tf.float64), 0.2)
    assert float(loss) == pytest.approx(-expected)
    clipped = expected != pytest.approx(ratio * advantage)
    assert float(tape.gradient(loss, log_ratio)[0]) == pytest.approx(0 if clipped else -ratio * advantage)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_losses_are_what_their_formulas_say(net, batch, name):
    losses = Agent(net, ALGORITHMS[name], value_weight=0.7).losses(batch, 0.3)
    logits, values = (x.numpy().astype(np.float64) for x in net(batch.observations))
    chances = softmax(logits)
    entropy = -(chances * np.log(chances)).sum(-1).mean()
    value = ((values[:, 0] - batch.returns) ** 2).mean()
    # The policy has not moved: PPO's ratio is 1, its loss minus the mean advantage.
    log_probs = np.log(chances)[np.arange(B), batch.actions]
    policy = -batch.advantages.mean() if name == "ppo" else -(log_probs * batch.advantages).mean()
    total = policy - 0.3 * entropy + (0 if name == "reinforce" else 0.7 * value)
    np.testing.assert_allclose([float(x) for x in losses], [total, policy, value, entropy, 0], rtol=1e-4, atol=1e-5)


def test_learning_moves_the_policy_towards_what_was_worth_it(batch):
    keras.utils.set_random_seed(0)
    net = network((4,), ACTIONS)
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(net.trainable_variables)
    agent = Agent(net, ALGORITHMS["ppo"], optimizer, passes=3, minibatches=4)
    # Action 0 is good, the others are bad, whatever is seen.
    actions = np.arange(B, dtype=np.int32) % ACTIONS
    log_probs = agent.policy(batch.observations)[0].log_prob(actions).numpy()
    played = batch._replace(actions=actions, log_probs=log_probs, advantages=np.where(actions == 0, 1, -1).astype("f"))
    agent.learn(played, np.float32(0), np.array([0, 0], np.int32))
    moved = agent.policy(batch.observations)[0].log_prob(actions).numpy() - log_probs
    assert moved[actions == 0].mean() > 0 > moved[actions != 0].mean()
    assert int(optimizer.iterations) == 12


def test_reinforce_leaves_the_value_head_alone(batch):
    net = network((4,), ACTIONS)
    optimizer = keras.optimizers.Adam(1e-2)
    optimizer.build(net.trainable_variables)
    before = [weights.numpy() for weights in net.get_layer("values").weights]
    Agent(net, ALGORITHMS["reinforce"], optimizer).learn(batch, np.float32(0), np.array([0, 0], np.int32))
    for weights, old in zip(net.get_layer("values").weights, before, strict=True):
        np.testing.assert_array_equal(weights, old)


def test_an_unknown_algorithm_is_one_line():
    with pytest.raises(InputError, match="no algorithm 'sarsa': use reinforce, a2c, ppo"):
        algorithm("sarsa")
