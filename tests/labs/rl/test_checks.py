"""Each check approves of right answers, however written, and refuses plausible mistakes with words that name them."""

import numpy as np
import pytest

from debias.backend import keras, tf, tfp
from labs.rl import checks
from labs.rl.agent import network
from tests.labs.refusing import refused

# --- returns --------------------------------------------------------------------------------------------------------


def to_go(rewards, discount):
    return np.array([sum(discount**i * r for i, r in enumerate(rewards[t:])) for t in range(len(rewards))])


def in_place(rewards, discount):
    for t in reversed(range(len(rewards) - 1)):
        rewards[t] += discount * rewards[t + 1]
    return rewards


def from_the_start(rewards, discount):
    return np.cumsum((rewards * discount ** np.arange(len(rewards)))[::-1])[::-1]


def standardised(x):
    return (x - x.mean()) / x.std()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda r, g: to_go(r, 1.0), ["not discounted"]),
        (lambda r, g: np.full(len(r), to_go(r, g)[0]), ["whole episode"]),
        (lambda r, g: to_go(r[::-1], g)[::-1], ["looks back"]),
        (lambda r, g: to_go(r, g)[::-1], ["reversed"]),
        (from_the_start, ["start at step t"]),
        (lambda r, g: r.copy(), ["rewards alone"]),
        (lambda r, g: g * to_go(r, g), ["own reward is discounted"]),
        (lambda r, g: to_go(r, g) - r, ["own reward is missing"]),
        (lambda r, g: standardised(to_go(r, g)), ["normalised"]),
        (in_place, ["rewards is written into"]),
        (lambda r, g: to_go(r, 0.99), ["expected"]),
        (lambda r, g: to_go(r, 0.9), ["discount 0", "expected"]),
        (lambda r, g: to_go(r, g)[None], ["shape (1, 9)", "(9,)"]),
        (lambda r, g: to_go(r, g).tolist(), ["list", "NumPy array"]),
        (lambda r, g: to_go(r, g).astype(int), ["int64", "float64"]),
        (lambda r, g: to_go(r, g) / (len(r) - 1), ["expected"]),
    ],
)
def test_wrong_returns_are_named(wrong, words):
    refused(checks.discounted_returns, wrong, *words)


# --- actions --------------------------------------------------------------------------------------------------------


def drawn(logits, seed, **parameters):
    policy = tfp.distributions.Categorical(**(parameters or {"logits": logits}))
    actions = policy.sample(seed=seed)
    return actions, policy.log_prob(actions)


def likeliest(logits, seed):
    actions = tf.argmax(logits, axis=1, output_type=tf.int32)
    return actions, tfp.distributions.Categorical(logits=logits).log_prob(actions)


def drawn_twice(logits, seed):
    policy = tfp.distributions.Categorical(logits=logits)
    return policy.sample(seed=seed), policy.log_prob(policy.sample(seed=seed + 1))


def drawn_for_each(logits, count, seed):
    policy = tfp.distributions.Categorical(logits=logits)
    actions = policy.sample(count, seed=seed)
    return actions, policy.log_prob(actions)


def with_log_probs(change):
    """Right actions with other numbers beside them."""

    def student(logits, seed):
        actions, log_probs = drawn(logits, seed)
        return actions, change(logits, actions, log_probs)

    return student


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (likeliest, ["likeliest", "draw"]),
        (lambda x, s: drawn(tf.zeros_like(x), s), ["drawn alike"]),
        (lambda x, s: drawn(tf.nn.softmax(x), s), ["probabilities are taken for logits"]),
        (lambda x, s: drawn(-x, s), ["minus before the logits"]),
        (lambda x, s: drawn(x, s, probs=x), ["probs"]),
        (lambda x, s: drawn(0.5 * x, s), ["shares", "expected"]),
        (lambda x, s: drawn(x, None), ["same seed draws other actions"]),
        (lambda x, s: drawn(x, (1, 2)), ["another seed draws the same actions"]),
        (drawn_twice, ["other actions", "draw once"]),
        (lambda x, s: drawn(x, s)[::-1], ["swapped", "actions come first"]),
        (with_log_probs(lambda x, a, p: tf.exp(p)), ["probabilities", "logarithm"]),
        (with_log_probs(lambda x, a, p: -p), ["sign"]),
        (with_log_probs(lambda x, a, p: tf.gather(x, a, batch_dims=1)), ["these are the logits"]),
        (with_log_probs(lambda x, a, p: tf.reduce_max(tf.nn.log_softmax(x), 1)), ["likeliest", "that were drawn"]),
        (with_log_probs(lambda x, a, p: tf.reduce_mean(tf.nn.log_softmax(x), 1)), ["mean of all"]),
        (with_log_probs(lambda x, a, p: tf.nn.log_softmax(x)), ["log_probs has shape (3, 4)", "each action drawn"]),
        (with_log_probs(lambda x, a, p: p.numpy()), ["NumPy"]),
        (with_log_probs(lambda x, a, p: p + 0.1), ["log_probs", "expected"]),
        (lambda x, s: drawn(x, s)[0], ["two tensors"]),
        (lambda x, s: drawn_for_each(x, len(x), s), ["actions has shape (3, 3)", "each row of logits"]),
        (lambda x, s: drawn_for_each(x, s, None), ["actions has shape (0, 1, 3)", "policy.sample(seed=seed)"]),
        (lambda x, s: (drawn(x, s)[0] + 1, drawn(x, s)[1]), ["1 to 4", "0 to 3"]),
        (lambda x, s: (tf.cast(drawn(x, s)[0], tf.int64), drawn(x, s)[1]), ["int64", "int32"]),
    ],
)
def test_a_wrong_draw_is_named(wrong, words):
    refused(checks.sample_actions, wrong, *words)


# --- the policy gradient --------------------------------------------------------------------------------------------


def mean(x):
    return tf.reduce_mean(x)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda p, w: mean(p * w), ["sign", "minus"]),
        (lambda p, w: -tf.reduce_sum(p * w), ["sum", "mean"]),
        (lambda p, w: -mean(p) * mean(w), ["product of two means"]),
        (lambda p, w: -mean(p), ["weights are missing"]),
        (lambda p, w: -mean(tf.exp(p) * w), ["tf.exp"]),
        (lambda p, w: -p * w, ["shape (6,)", "mean"]),
        (lambda p, w: -mean(tf.stop_gradient(p) * w), ["no gradient"]),
        (lambda p, w: -mean(p * w + tf.stop_gradient(p) * w) / 2, ["d loss / d log_probs", "-weights / B"]),
        (lambda p, w: -mean(p * w).numpy(), ["NumPy"]),
        (lambda p, w: -mean(p * w) - 0.1, ["expected"]),
        (lambda p, w: -mean(tf.math.log(p) * w), ["NaN"]),
    ],
)
def test_a_wrong_policy_gradient_is_named(wrong, words):
    refused(checks.policy_gradient_loss, wrong, *words)


# --- the training step ----------------------------------------------------------------------------------------------


def step(network, optimizer, observations, actions, weights, sign=1.0, times=1, greedy=False, value=0.0):
    with tf.GradientTape() as tape:
        logits, values = network(observations)
        policy = tfp.distributions.Categorical(logits=logits)
        loss = -mean(policy.log_prob(policy.mode() if greedy else actions) * weights)
        total = sign * loss + value * mean(values**2)
    gradients = tape.gradient(total, network.trainable_variables)
    for _ in range(times):
        optimizer.apply(gradients, network.trainable_variables)
    return loss


def right_loss(network, observations, actions, weights):
    return -mean(tfp.distributions.Categorical(logits=network(observations)[0]).log_prob(actions) * weights)


def returning_the_loss(**options):
    """A step that goes wrong, but returns the right loss."""

    def student(network, optimizer, observations, actions, weights):
        loss = right_loss(network, observations, actions, weights)
        if "weights" in options:
            weights = tf.ones_like(weights)
        step(network, optimizer, observations, actions, weights, **{k: v for k, v in options.items() if k != "weights"})
        return loss

    return student


def heads_swapped(network, optimizer, observations, actions, weights):
    with tf.GradientTape() as tape:
        values, logits = network(observations)
        loss = -mean(tfp.distributions.Categorical(logits=logits).log_prob(actions) * weights) + 0.0 * mean(values)
    optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
    return loss


def after_the_update(network, optimizer, *batch):
    step(network, optimizer, *batch)
    return right_loss(network, *batch)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (returning_the_loss(times=0), ["not changed", "apply"]),
        (returning_the_loss(sign=-1.0), ["up the gradient"]),
        (returning_the_loss(times=2), ["applied twice"]),
        (returning_the_loss(greedy=True), ["likeliest", "that are given"]),
        (returning_the_loss(weights=None), ["weights play no part"]),
        (lambda *given: step(*given, value=1.0), ["value head", "zero"]),
        (returning_the_loss(sign=0.5), ["policy after step 1", "expected"]),
        (lambda *given: step(*given, greedy=True), ["train_step(...)", "return the policy gradient's loss"]),
        (after_the_update, ["train_step(...)", "before the update"]),
        (lambda *given: -step(*given), ["train_step(...)", "has the minus already"]),
        (heads_swapped, ["heads_swapped stops with InvalidArgumentError", "one number only"]),
        (lambda *given: float(step(*given)), ["stops with TypeError", "SymbolicTensor"]),
    ],
)
def test_a_wrong_step_is_named(wrong, words):
    refused(checks.train_step, wrong, *words)


# --- advantages -----------------------------------------------------------------------------------------------------


def summed(errors, going_on, factor):
    """A_t = e_t + factor * A_{t+1}, where the episode goes on."""
    total, following = np.zeros_like(errors), np.zeros_like(errors[0])
    for t in reversed(range(len(errors))):
        following = total[t] = errors[t] + factor * following * going_on[t]
    return total


def looking_back(errors, going_on, factor):
    total, before = np.zeros_like(errors), np.zeros_like(errors[0])
    for t in range(len(errors)):
        before = total[t] = errors[t] + factor * before * going_on[t]
    return total


def advantages(r, v, following, ends, g, trace):
    return summed(r + g * following - v, ~ends, g * trace)


def shifted(v, following):
    return np.concatenate([v[1:], following[-1:]])


def forgotten(v, following, ends):
    return following * ~ends


def never(ends):
    return np.ones_like(ends)


def shift_ends(ends):
    return ~np.concatenate([ends[1:], np.zeros_like(ends[:1])])


def wiping(r, v, following, ends, g, trace):
    return summed((r + g * following - v) * ~ends, ~ends, g * trace)


def into_rewards(r, v, following, ends, g, trace):
    r += g * following - v
    return summed(r, ~ends, g * trace)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda r, v, n, e, g, t: summed(r + g * n - v, never(e), g * t), ["ends are ignored", "~ends[t]"]),
        (lambda r, v, n, e, g, t: advantages(r, v, shifted(v, n), e, g, t), ["bootstraps over an end", "next_values"]),
        (
            lambda r, v, n, e, g, t: summed(r + g * shifted(v, n) - v, never(e), g * t),
            ["ends are ignored, and it bootstraps over them"],
        ),
        (lambda r, v, n, e, g, t: advantages(r, v, forgotten(v, n, e), e, g, t), ["time limit", "future"]),
        (lambda r, v, n, e, g, t: summed(r + g * n - v, ~e, g), ["trace is forgotten"]),
        (lambda r, v, n, e, g, t: summed(r + g * n - v, ~e, t), ["discount of A_{t+1}"]),
        (lambda r, v, n, e, g, t: summed(r + n - v, ~e, g * t), ["discount of next_values"]),
        (lambda r, v, n, e, g, t: r + g * n - v, ["TD error alone"]),
        (lambda r, v, n, e, g, t: summed(r + g * n, ~e, g * t), ["not subtracted"]),
        (lambda r, v, n, e, g, t: advantages(r, v, n, e, g, t) + v, ["these are returns"]),
        (lambda r, v, n, e, g, t: summed(r - v, ~e, g * t), ["what follows is not used"]),
        (lambda r, v, n, e, g, t: summed(r + g * n - v, e, g * t), ["upside down"]),
        (lambda r, v, n, e, g, t: looking_back(r + g * n - v, ~e, g * t), ["looks back"]),
        (lambda r, v, n, e, g, t: summed(r + g * n - v, shift_ends(e), g * t), ["one step off"]),
        (wiping, ["wipes out its own step"]),
        (lambda *given: -advantages(*given), ["sign"]),
        (into_rewards, ["rewards is written into"]),
        (lambda r, v, n, e, g, t: advantages(r, v, n, e, g, 0.7), ["trace 0", "expected"]),
        (lambda r, v, n, e, g, t: advantages(r, v, n, e, g, min(t, 0.7)), ["trace 1", "expected"]),
        (lambda *given: advantages(*given).T, ["shape (5, 9)", "(9, 5)"]),
        (lambda *given: advantages(*given).tolist(), ["list", "NumPy array"]),
        (lambda *given: advantages(*given) * np.nan, ["NaN"]),
        (lambda *given: standardised(advantages(*given)), ["gae", "expected"]),
    ],
)
def test_wrong_advantages_are_named(wrong, words):
    refused(checks.gae, wrong, *words)


# --- the memory of a rollout ----------------------------------------------------------------------------------------


def played(player, act, goes_on=np.any, afterwards=False, valid=lambda player, step: step.valid):
    """One tuple a step: observations, actions, rewards, valid."""
    steps = []
    while goes_on(player.playing):
        seen = player.observations
        actions = act(seen)
        step = player.step(actions)
        steps.append((player.observations if afterwards else seen, actions, step.rewards, valid(player, step)))
    return steps


def by_column(player, act, **changes):
    return [np.stack(column) for column in zip(*played(player, act, **changes), strict=True)]


def asking_twice(player, act):
    return by_column(player, lambda observations: (act(observations), act(observations))[1])


def changed(**changes):
    """The memory with functions applied to some of its columns."""

    def student(player, act):
        columns = zip(("observations", "actions", "rewards", "valid"), by_column(player, act), strict=True)
        return [changes.get(name, np.array)(column) for name, column in columns]

    return student


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda p, act: by_column(p, act, afterwards=True), ["observations", "before player.step"]),
        (changed(actions=lambda actions: actions + 1), ["actions", "act on them"]),
        (lambda p, act: by_column(p, act, goes_on=np.all), ["ends after 2 steps", "player.playing.any()"]),
        (lambda p, act: by_column(p, act, goes_on=len), ["stops with RuntimeError", "no copy plays any more"]),
        (lambda p, act: by_column(p, act, valid=lambda player, step: player.playing), ["valid", "step.valid"]),
        (changed(valid=np.logical_not), ["valid", "upside down"]),
        (lambda p, act: [x[::-1] for x in by_column(p, act)], ["valid", "reversed"]),
        (lambda p, act: [np.stack(x, axis=1) for x in zip(*played(p, act), strict=True)], ["(3, 5, 2)", "(5, 3, 2)"]),
        (lambda p, act: [np.concatenate(x) for x in zip(*played(p, act), strict=True)], ["(15, 2)", "(5, 3, 2)"]),
        (lambda p, act: [*zip(*played(p, act), strict=True)], ["observations", "a tuple", "NumPy array"]),
        (lambda p, act: by_column(p, act)[:3], ["four arrays"]),
        (asking_twice, ["more than once a step", "keep the actions"]),
        (lambda p, act: [x[i] for x in [by_column(p, act)] for i in (0, 1, 3, 2)], ["rewards and valid are swapped"]),
        (lambda p, act: np.zeros((4, 5, 3)), ["an ndarray", "four arrays"]),
        (changed(rewards=np.float64), ["rewards", "float64", "float32"]),
        (changed(rewards=lambda rewards: rewards.cumsum(axis=0)), ["rewards", "expected"]),
    ],
)
def test_a_wrong_memory_is_named(wrong, words):
    refused(checks.play_episodes, wrong, *words)


# --- PPO's loss -----------------------------------------------------------------------------------------------------


def both(p, old, a, clip):
    """The two products that PPO's loss chooses from."""
    ratio = tf.exp(p - old)
    return ratio * a, tf.clip_by_value(ratio, 1 - clip, 1 + clip) * a


def without_exp(p, old, a, clip):
    return -mean(tf.minimum((p - old) * a, tf.clip_by_value(p - old, 1 - clip, 1 + clip) * a))


def around_zero(p, old, a, clip):
    ratio = tf.exp(p - old)
    return -mean(tf.minimum(ratio * a, tf.clip_by_value(ratio, -clip, clip) * a))


def of_ratios(p, old, a, clip):
    ratio = tf.exp(p - old)
    return -mean(tf.minimum(ratio, tf.clip_by_value(ratio, 1 - clip, 1 + clip)) * a)


def clipped_from_above(p, old, a, clip):
    ratio = tf.exp(p - old)
    return -mean(tf.minimum(ratio * a, tf.minimum(ratio, 1 + clip) * a))


def product_clipped(p, old, a, clip):
    product = tf.exp(p - old) * a
    return -mean(tf.minimum(product, tf.clip_by_value(product, 1 - clip, 1 + clip)))


def cut_gradient(p, old, a, clip):
    loss = -mean(tf.minimum(*both(p, old, a, clip)))
    return tf.stop_gradient(loss) + 0.0 * mean(p)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda *given: -mean(tf.maximum(*both(*given))), ["maximum", "tf.minimum"]),
        (lambda *given: mean(tf.minimum(*both(*given))), ["minus is missing"]),
        (lambda *given: -mean(both(*given)[1]), ["clipped ratio alone", "cannot come back"]),
        (lambda *given: -mean(both(*given)[0]), ["nothing is clipped"]),
        (lambda *given: -tf.reduce_sum(tf.minimum(*both(*given))), ["sum", "mean"]),
        (without_exp, ["tf.exp is missing"]),
        (lambda p, old, a, c: -mean(tf.minimum(*both(old, p, a, c))), ["upside down"]),
        (around_zero, ["1 - clip ... 1 + clip"]),
        (clipped_from_above, ["above alone"]),
        (of_ratios, ["ratios alone"]),
        (product_clipped, ["product is clipped"]),
        (lambda p, old, a, _: -mean(tf.minimum(*both(p, old, a, 0.2))), ["always 0.2", "use clip"]),
        (lambda p, old, a, c: of_ratios(p, old, 1.0, c), ["advantages are missing"]),
        (lambda *given: -tf.minimum(*both(*given)), ["shape (16,)", "mean"]),
        (lambda p, old, a, c: -mean(tf.minimum(*both(p, old, a, 2 * c))), ["clipped_loss", "expected"]),
        (lambda *given: -mean(tf.minimum(*both(*given))).numpy(), ["NumPy"]),
        (lambda p, *rest: -mean(tf.minimum(*both(tf.stop_gradient(p), *rest))), ["no gradient"]),
        (cut_gradient, ["d clipped_loss / d log_probs", "-ratio * advantage / B"]),
    ],
)
def test_a_wrong_clipped_loss_is_named(wrong, words):
    refused(checks.clipped_loss, wrong, *words)


# --- other right answers --------------------------------------------------------------------------------------------


def by_matrix(rewards, discount):
    steps = np.arange(len(rewards))
    powers = np.triu(float(discount) ** np.maximum(steps[None] - steps[:, None], 0))
    return (powers @ rewards).astype(rewards.dtype)


def by_gumbel(logits, seed):
    noise = -tf.math.log(-tf.math.log(tf.random.stateless_uniform(tf.shape(logits), seed, minval=1e-7)))
    actions = tf.argmax(logits + noise, axis=-1, output_type=tf.int32)
    return actions, -tf.nn.sparse_softmax_cross_entropy_with_logits(actions, logits)


def by_categorical(logits, seed):
    actions = tf.random.stateless_categorical(logits, 1, seed, dtype=tf.int32)[:, 0]
    return [actions, tf.reduce_sum(tf.one_hot(actions, logits.shape[1]) * tf.nn.log_softmax(logits), 1)]


def by_cross_entropy(network, optimizer, observations, actions, weights):
    """And for the policy's variables alone."""
    with tf.GradientTape() as tape:
        logits, _ = network(observations, training=True)
        loss = mean(tf.nn.sparse_softmax_cross_entropy_with_logits(actions, logits) * weights)
    variables = network.get_layer("logits").trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(optimizer.learning_rate * gradient)
    return loss


def old_style(network, optimizer, observations, actions, weights):
    """Keras leaves out variables without a gradient, with a warning."""
    with tf.GradientTape() as tape:
        loss = right_loss(network, observations, actions, weights)
    gradients = tape.gradient(loss, network.trainable_variables)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
    return loss


def forward(rewards, values, next_values, ends, discount, trace):
    """Every error is handed back to the steps before it, as far as its episode began."""
    result, weight = np.zeros_like(rewards), np.zeros_like(rewards)
    for t in range(len(rewards)):
        weight *= discount * trace
        if t:
            weight[:, ends[t - 1]] = 0
        weight[t] = 1
        result += weight * (rewards[t] + discount * next_values[t] - values[t])
    return result


def in_doubles(rewards, values, next_values, ends, discount, trace):
    """`1 - ends` makes integers, and of float32 float64."""
    result, following = [], 0.0
    for t in range(len(rewards))[::-1]:
        error = rewards[t] + discount * next_values[t] - values[t]
        following = error + discount * trace * (1 - ends[t]) * following
        result.insert(0, following)
    return np.stack(result)


def in_arrays_made_before(player, act):
    kept = [np.zeros((100, *shape), kind) for shape, kind in (((3, 2), "f4"), ((3,), "i4"), ((3,), "f4"), ((3,), "?"))]
    for t, step in enumerate(played(player, act)):
        for array, values in zip(kept, step, strict=True):
            array[t] = values
    return (array[: t + 1] for array in kept)


def as_a_maximum(log_probs, old_log_probs, advantages, clip):
    ratio = tf.exp(log_probs) / tf.exp(old_log_probs)
    clipped = tf.minimum(tf.maximum(ratio, 1 - clip), 1 + clip)
    return mean(tf.maximum(-advantages * ratio, -advantages * clipped))


def case_by_case(log_probs, old_log_probs, advantages, clip):
    ratio = tf.exp(log_probs - old_log_probs)
    kept = tf.where(advantages > 0, tf.minimum(ratio, 1 + clip), tf.maximum(ratio, 1 - clip))
    return -tf.tensordot(kept, advantages, 1) / len(advantages)


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (checks.discounted_returns, to_go),
        (checks.discounted_returns, by_matrix),
        (checks.sample_actions, by_gumbel),
        (checks.sample_actions, by_categorical),
        (checks.policy_gradient_loss, lambda p, w: -tf.tensordot(p, w, 1) / len(p)),
        (checks.policy_gradient_loss, lambda p, w: mean(-w * p)),
        (checks.train_step, step),
        (checks.train_step, by_cross_entropy),
        pytest.param(checks.train_step, old_style, marks=pytest.mark.filterwarnings("ignore:Gradients do not exist")),
        (checks.play_episodes, by_column),
        (checks.play_episodes, lambda player, act: map(np.stack, zip(*played(player, act), strict=True))),
        (checks.play_episodes, changed(rewards=lambda rewards: np.where(rewards > 23, 0, rewards))),
        (checks.play_episodes, in_arrays_made_before),
        (checks.gae, advantages),
        (checks.gae, forward),
        (checks.gae, in_doubles),
        (checks.clipped_loss, as_a_maximum),
        (checks.clipped_loss, case_by_case),
    ],
)
def test_another_right_answer_passes(check, right, capsys):
    check(right)
    assert "right" in capsys.readouterr().out


# --- the network's heads --------------------------------------------------------------------------------------------


def heads(inputs, actions, activation=None, values=None, swapped=False, one=False):
    observations = keras.Input((inputs,))
    hidden = keras.layers.Dense(8, activation="relu")(observations)
    outputs = [
        keras.layers.Dense(actions, activation=activation)(hidden),
        keras.layers.Dense(1, activation=values)(hidden),
    ]
    outputs = outputs[::-1] if swapped else outputs
    return keras.Model(observations, outputs[0] if one else outputs)


def heads_on_observations(inputs, actions):
    observations = keras.Input((inputs,))
    return keras.Model(observations, [keras.layers.Dense(actions)(observations), keras.layers.Dense(1)(observations)])


def named(model):
    logits, values = model.outputs
    return keras.Model(model.input, {"logits": logits, "values": values})


def test_heads_on_another_body_pass():
    checks.pole_network(heads)
    checks.pole_network(lambda inputs, actions: heads(inputs, actions, "linear", "linear"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda n, a: heads(n, a, "softmax"), ["logits", "never negative"]),
        (lambda n, a: heads(n, a, "relu"), ["logits", "never negative"]),
        (lambda n, a: heads(n, a, "tanh"), ["logits", "never above 1", "tanh"]),
        (lambda n, a: heads(n, a, None, "sigmoid"), ["values", "never negative"]),
        (lambda n, a: heads(n, a, swapped=True), ["logits", "shape (200, 1)", "in this order"]),
        (lambda n, a: named(heads(n, a)), ["a dict", "list of two"]),
        (lambda n, a: heads(n, a, one=True), ["one output", "list of two"]),
        (lambda n, a: heads(n, 5), ["logits", "shape (200, 5)"]),
        (lambda n, a: heads(7, a), ["stops with"]),
        (heads_on_observations, ["weigh the observations alone", "hidden"]),
        (lambda n, a: heads(n, a).outputs, ["a list", "keras.Model"]),
    ],
)
def test_wrong_heads_are_named(wrong, words):
    refused(checks.pole_network, wrong, *words)


# --- the network of Pong --------------------------------------------------------------------------------------------


def player(
    shape,
    actions,
    body=("conv", "flatten", "dense"),
    activation="relu",
    last=None,
    values=None,
    kind="uint8",
    first=0.01,
):
    """A right network of Pong, but for what is said."""
    layers = {
        "conv": lambda: keras.layers.Conv2D(8, 8, 4, activation=activation),
        "pool": lambda: keras.layers.MaxPooling2D(),
        "norm": lambda: keras.layers.BatchNormalization(),
        "flatten": lambda: keras.layers.Flatten(),
        "average": lambda: keras.layers.GlobalAveragePooling2D(),
        "dense": lambda: keras.layers.Dense(32, activation=activation),
        "wide": lambda: keras.layers.Dense(8_000, activation=activation),
    }
    frames = keras.Input(shape, dtype=kind)
    x = keras.layers.Permute((2, 3, 1))(keras.layers.Rescaling(1 / 255)(frames))
    for name in body:
        x = layers[name]()(x)
    initial = keras.initializers.Orthogonal(first)
    logits = keras.layers.Dense(actions, activation=last, kernel_initializer=initial)(x)
    return keras.Model(frames, [logits, keras.layers.Dense(1, activation=values)(x)])


def turned(model, change):
    return keras.Model(model.input, change(*model.outputs))


def one_after_the_other(shape, actions):
    """A body of its own, as a layer."""
    body = keras.Sequential([keras.layers.Conv2D(8, 8, 4), keras.layers.ReLU(), keras.layers.Flatten()])
    frames = keras.Input(shape, dtype="uint8")
    x = body(keras.layers.Permute((2, 3, 1))(frames) / 255)
    return keras.Model(frames, [keras.layers.Dense(actions, kernel_initializer="zeros")(x), keras.layers.Dense(1)(x)])


class Subclass(keras.Model):
    def call(self, frames):
        return frames


@pytest.mark.parametrize(
    "right",
    [
        player,
        lambda shape, actions: player(shape, actions, ("conv", "pool", "flatten", "dense"), "tanh"),
        lambda shape, actions: player(shape, actions, ("conv", "norm", "conv", "flatten"), "elu", "linear", "linear"),
        lambda shape, actions: player(shape, actions, ("conv", "average", "dense")),
        one_after_the_other,
        network,
    ],
)
def test_other_networks_of_pong_pass(right, capsys):
    checks.pong_network(right)
    said = capsys.readouterr().out
    assert "right" in said and ";" not in said


@pytest.mark.parametrize(
    ("unusual", "words"),
    [({"first": 10.0}, "does not try all actions alike"), ({"body": ("conv", "flatten", "wide")}, "take long")],
)
def test_a_network_of_pong_that_is_large_or_begins_unevenly_is_told_so(unusual, words, capsys):
    checks.pong_network(lambda shape, actions: player(shape, actions, **unusual))
    said = capsys.readouterr().out
    assert "right" in said and words in said


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda s, a: player(s, a, last="softmax"), ["logits", "never negative", "softmax"]),
        (lambda s, a: turned(player(s, a), lambda x, v: [keras.layers.Softmax()(x), v]), ["never negative"]),
        (lambda s, a: player(s, a, last="relu"), ["logits", "never negative"]),
        (lambda s, a: player(s, a, values="tanh"), ["values", "never above 1", "tanh"]),
        (lambda s, a: player(s, a, values="relu"), ["values", "never negative"]),
        (lambda s, a: player(s, a, values="sigmoid"), ["values", "never negative"]),
        (lambda s, a: turned(player(s, a), lambda x, v: [v, x]), ["logits", "shape (4, 1)", "in this order"]),
        (lambda s, a: turned(player(s, a), lambda x, v: x), ["one output", "list of two"]),
        (lambda s, a: turned(player(s, a), lambda x, v: {"logits": x, "values": v}), ["a dict", "list of two"]),
        (lambda s, a: player(s, 3), ["logits", "shape (4, 3)", "(4, 4)"]),
        (lambda s, a: player(s, 2 * a), ["logits", "shape (4, 8)"]),
        (lambda s, a: player(s, a, ("conv", "dense")), ["(4, 20, 20, 4)", "Flatten()"]),
        (lambda s, a: player(s, a, ("flatten", "dense")), ["no convolution", "Conv2D"]),
        (lambda s, a: player((2, 80, 40), a), ["sees (2, 80, 40)", "the shape that comes"]),
        (lambda s, a: player(s, a, kind="float32"), ["bytes", "float32", "dtype='uint8'"]),
        (lambda s, a: player(s, a, activation=None), ["only weigh pixels", "relu"]),
        (lambda s, a: player(s, a).outputs, ["a list", "keras.Model"]),
        (lambda s, a: Subclass(), ["a Subclass", "keras.Model"]),
    ],
)
def test_a_wrong_network_of_pong_is_named(wrong, words):
    refused(checks.pong_network, wrong, *words)


def test_the_network_of_the_lab_is_the_agents_own(solution):
    """The same weights from the same seed, so that what results/ says of Pong is true of the lab."""
    nets = []
    for build in (solution["pong_network"], network):
        keras.utils.set_random_seed(0)
        nets.append(build((2, 80, 40), 3))
    frames = np.random.default_rng(0).integers(0, 256, (5, 2, 80, 40), np.uint8)
    for ours, theirs in zip(*(net.get_weights() for net in nets), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(*(net(frames) for net in nets), strict=True):
        np.testing.assert_array_equal(ours, theirs)
