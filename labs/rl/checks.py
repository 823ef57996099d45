"""One check for each TODO of the reinforcement learning lab: what was expected, what came, where to look.

The truths are closed forms, double loops and gradients by hand. Plausible mistakes are recognised by the very numbers
that they would give.
"""

from collections.abc import Callable, Iterable

import numpy as np
from scipy.special import softmax

from debias.backend import keras, tf
from labs.checking import CheckFailed, array, called, compare, finite, gradients, kind, ran, tensor
from labs.rl.environments import Step

BATCH, FEATURES, ACTIONS = 6, 3, 4  # no two sizes alike, so that a wrong axis shows
STEPS, COPIES = 9, 5
DRAWS = 20_000
RATE, UPDATES = 0.5, 3
CLIP = 0.3  # not the usual 0.2, which may be written into an answer
LENGTHS = (2, 5, 3)  # steps of the episode of each copy
FRAMES = (2, 80, 40)  # what the agent sees of Pong
MANY = 2_000_000  # weights: the lab's network has 303,000


def discounted_returns(student: Callable) -> None:
    """Rewards-to-go against a double loop, without and with discount, in float32 as well."""
    rewards = np.random.default_rng(0).normal(size=STEPS)
    for discount in (0.9, 0.0, 1.0):
        name = f"discounted_returns with discount {discount:g}"
        given = rewards.copy()
        returns = _floats(name, called(student, given, discount), (STEPS,))
        _unchanged("rewards", given, rewards)
        look = "G_t = r_t + discount * G_{t+1}, from the last step to the first"
        compare(name, returns, _rewards_to_go(rewards, discount), _return_mistakes(rewards, discount), look)
    single = _floats("discounted_returns of float32", called(student, np.ones(1, np.float32), 0.9), (1,))
    compare("discounted_returns of one step", single, np.ones(1, single.dtype), look="the last return is its reward")
    print("discounted_returns: right, it agrees with the sum written out")


def pole_network(student: Callable) -> None:
    """Shapes of both heads for two sizes, and that they can be any number, by weights that are not small."""
    for inputs, actions in ((FEATURES, ACTIONS), (4, 2)):
        network = _model("pole_network", student, inputs, actions)
        random = np.random.default_rng(0)
        network.set_weights([random.normal(0, 3, weight.shape) for weight in network.get_weights()])
        observations = tf.constant(random.normal(size=(200, inputs)), tf.float32)
        for name, head in _heads("pole_network", network, observations, actions).items():
            _any_number(name, head)
        if _is_linear(network, observations[0], observations[1], (observations[0] + observations[1]) / 2):
            raise CheckFailed("logits weigh the observations alone: give them the hidden layer, Dense(...)(hidden)")
    print("pole_network: right, logits and values have their shapes and can be any number")


def pong_network(student: Callable) -> None:
    """Shapes of both heads for two kinds of frames, that they can be any number, and what it is made of."""
    random = np.random.default_rng(0)
    for shape, actions in (((4, 84, 84), ACTIONS), (FRAMES, 3)):
        network = _model("pong_network", student, shape, actions)
        _takes_bytes(network, shape)
        frames = random.integers(0, 128, (4, *shape)).astype(np.uint8) * np.uint8(2)
        first = _heads("pong_network", network, tf.constant(frames), actions)["logits"]
    if not any("Conv" in type(layer).__name__ for layer in network._flatten_layers()):
        raise CheckFailed("pong_network has no convolution: begin with keras.layers.Conv2D")
    drawn = [_with_random_weights(network, frames, 3, random) for _ in range(20)]
    for name in ("logits", "values"):
        _any_number(name, np.concatenate([heads[name] for heads in drawn]))
    if _is_linear(network, frames[0], frames[1], frames[0] // 2 + frames[1] // 2):
        raise CheckFailed("pong_network can only weigh pixels: give convolutions and dense layer activation='relu'")
    print(f"pong_network: right, {network.count_params():,} weights{_remarks(network, first)}")


def sample_actions(student: Callable) -> None:
    """How often actions are drawn against the softmax, their log-probabilities, and that the seed decides."""
    policies = np.array([[0, 1, 2, -1], [1.5, 0, -1, 1], [-2, -1, -3, 0.5]], np.float32)
    logits, seed = tf.constant(np.tile(policies, (DRAWS, 1))), tf.constant([0, 1], tf.int32)
    _drawn(student, logits[: len(policies)], seed)  # a draw for each row and column fits memory for few rows alone
    actions, log_probs = _drawn(student, logits, seed)
    _compare_shares(actions.numpy(), policies)
    _compare_log_probs(log_probs, actions.numpy(), logits.numpy().astype(np.float64))
    if not np.array_equal(actions, _drawn(student, logits, seed)[0]):
        raise CheckFailed("the same seed draws other actions: give the seed to policy.sample, seed=seed")
    if np.array_equal(actions, _drawn(student, logits, seed + 1)[0]):
        raise CheckFailed("another seed draws the same actions: give the seed to policy.sample, seed=seed")
    print(f"sample_actions: right, {DRAWS:,} draws from each of three policies follow the softmax")


def policy_gradient_loss(student: Callable) -> None:
    """The loss against NumPy, and its gradient, -weight / B for each action."""
    (log_probs, weights) = (tf.constant(x, tf.float32) for x in _log_probs_and_weights())
    with tf.GradientTape() as tape:
        tape.watch(log_probs)
        loss = _scalar("policy_gradient_loss", called(student, log_probs, weights), BATCH)
    logs, w = log_probs.numpy(), weights.numpy()
    mistakes = {
        "its sign is wrong: an optimiser goes down, so good actions need a minus to become likelier": np.mean(logs * w),
        "this is the sum over the batch: take the mean, tf.reduce_mean": -np.sum(logs * w),
        "this is the product of two means: multiply first, then take the mean": -np.mean(logs) * np.mean(w),
        "the weights are missing: multiply log_probs by them": -np.mean(logs),
        "tf.exp makes probabilities of them: log_probs should stay logarithms": -np.mean(np.exp(logs) * w),
    }
    compare("policy_gradient_loss", loss, -np.mean(logs * w), mistakes, "the mean of log_probs * weights, with a minus")
    gradient = tape.gradient(loss, log_probs)
    gradients({"log_probs": gradient})
    compare("d loss / d log_probs", gradient, -w / BATCH, look="it should be -weights / B")
    print("policy_gradient_loss: right, and each action gets its own weight as gradient")


def train_step(student: Callable) -> None:
    """Three compiled steps of a linear policy against the same steps by hand."""
    network, optimizer = _linear_policy(), keras.optimizers.SGD(RATE)
    optimizer.build(network.trainable_variables)
    step = tf.function(lambda *batch: called(student, network, optimizer, *batch), autograph=False)
    *policy, value = _weights(network)
    for number in range(UPDATES):
        batch = _batch(number)
        loss = tensor("train_step(...)", ran(step, student, *map(tf.constant, batch)), ())
        by_hand, stepped, mistakes = _step_by_hand(*policy, *batch)
        look = "return the policy gradient's loss of the actions that were taken, from before the update"
        sign = {"its sign is wrong: policy_gradient_loss has the minus already": -by_hand}
        compare("train_step(...)", loss, by_hand, sign, look)
        look = "take the gradient for all trainable variables, of the log-probabilities of the actions that were taken"
        compare(f"the policy after step {number + 1}", _flat(*_weights(network)[:2]), _flat(*stepped), mistakes, look)
        policy = stepped
    compare("the value head", _weights(network)[2], value, look="this loss says nothing about it: its gradient is zero")
    print("train_step: right, it compiles and agrees with three steps by hand")


def play_episodes(student: Callable) -> None:
    """What a scripted player shows and gets, step by step; what it keeps of steps that are not valid is left open."""
    kept, truths = _kept(student), _script()
    for name, came, truth in zip(truths, kept, truths.values(), strict=True):
        _of_all_steps(name, came, truth)
    valid = truths["valid"]
    compare("valid", kept[3].astype(int), valid.astype(int), _valid_mistakes(), "it is what player.step says of each")
    for (name, truth), came in zip(list(truths.items())[:3], kept[:3], strict=True):
        mistakes = {hint: wrong[name][valid] for hint, wrong in _memory_mistakes().items()}
        compare(name, came[valid], truth[valid], mistakes, "keep what belongs to the same step side by side")
    print("play_episodes: right, each action is kept beside what was seen before it and what it brought")


def gae(student: Callable) -> None:
    """Advantages against the sum written out, then two closed forms: trace 0 and trace 1."""
    played, discount = _episodes(), 0.9
    rewards, values, next_values, ends = played
    truths = {
        0.7: _summed(rewards + discount * next_values - values, ends, discount * 0.7),
        0.0: rewards + discount * next_values - values,
        1.0: _bootstrapped_returns(rewards, next_values, ends, discount) - values,
    }
    for trace, truth in truths.items():
        given = [x.copy() for x in played]
        name = f"gae with trace {trace:g}"
        found = _floats(name, called(student, *given, discount, trace), (STEPS, COPIES))
        for what, now, before in zip(("rewards", "values", "next_values", "ends"), given, played, strict=True):
            _unchanged(what, now, before)
        look = "A_t = d_t + discount * trace * A_{t+1}, from the last step to the first, and nothing behind an end"
        compare(name, found, truth, _advantage_mistakes(*played, discount, trace), look)
    print("gae: right, with trace 0 it is the TD error, with trace 1 the return less the value")


def clipped_loss(student: Callable) -> None:
    """PPO's loss case by case, its gradient, and that it is the policy gradient where nothing has moved."""
    log_probs, old, advantages = (tf.constant(x, tf.float32) for x in _moved_policy())
    size = len(old)
    with tf.GradientTape() as tape:
        tape.watch(log_probs)
        loss = _scalar("clipped_loss", called(student, log_probs, old, advantages, CLIP), size)
    ratio, a = np.exp((log_probs - old).numpy()), advantages.numpy()
    # Written case by case: a good action gains up to 1 + clip, a bad one loses down to 1 - clip.
    each = np.where(a > 0, np.minimum(ratio, 1 + CLIP), np.maximum(ratio, 1 - CLIP)) * a
    compare("clipped_loss", loss, -np.mean(each), _clipping_mistakes(ratio, a), "look at the formula above")
    gradient = tape.gradient(loss, log_probs)
    gradients({"log_probs": gradient})
    clipped = np.where(a > 0, ratio > 1 + CLIP, ratio < 1 - CLIP)
    look = "it should be -ratio * advantage / B, and 0 where clipping acts"
    compare("d clipped_loss / d log_probs", gradient, np.where(clipped, 0, -ratio * a / size), look=look)
    with tf.GradientTape() as tape:
        tape.watch(old)
        loss = called(student, old, tf.identity(tf.stop_gradient(old)), advantages, CLIP)
    look = "where the policy has not moved it should be the policy gradient, -advantage / B"
    compare("d clipped_loss / d log_probs at ratio 1", tape.gradient(loss, old), -a / size, look=look)
    print("clipped_loss: right, at ratio 1 its gradient is the policy gradient")


# --- what is asked of answers --------------------------------------------------------------------------------------


def _floats(name: str, value, shape: tuple[int, ...]) -> np.ndarray:
    """`value`, once it is a finite array of this shape, of either precision."""
    single = isinstance(value, np.ndarray) and value.dtype == np.float32
    return array(name, value, shape, np.float32 if single else np.float64)


def _model(name: str, student: Callable, *arguments) -> keras.Model:
    """What the student's function returns, once it is a model of inputs and outputs."""
    network = called(student, *arguments)
    if not isinstance(network, keras.Model) or not getattr(network, "inputs", None):
        raise CheckFailed(f"{name} returns {kind(network)}: return keras.Model(observations, [logits, values])")
    return network


def _heads(name: str, network: keras.Model, observations: tf.Tensor, actions: int) -> dict[str, np.ndarray]:
    """Logits (B, actions) and values (B, 1), once the network gives them."""
    heads, size = called(network, observations), len(observations)
    if not isinstance(heads, (tuple, list)) or len(heads) != 2:
        what = kind(heads) if isinstance(heads, (dict, tuple, list)) else "one output"
        raise CheckFailed(f"{name} gives {what}: give keras.Model a list of two, [logits, values]")
    if any(len(head.shape) > 2 for head in heads):
        shape = next(tuple(head.shape) for head in heads if len(head.shape) > 2)
        raise CheckFailed(f"a head has shape {shape}: make one row of the maps before the dense layers, Flatten()")
    look = "the model gives [logits, values], in this order: a number for each action, and one"
    wanted = zip(("logits", "values"), heads, (actions, 1), strict=True)
    return {name: tensor(name, head, (size, number), look=look).numpy() for name, head, number in wanted}


def _takes_bytes(network: keras.Model, shape: tuple[int, ...]) -> None:
    """Raise CheckFailed where a network would not take frames as they come."""
    if network.input_shape[1:] != shape:
        raise CheckFailed(
            f"pong_network({shape}, ...) sees {network.input_shape[1:]}: give keras.Input the shape that comes"
        )
    if keras.backend.standardize_dtype(network.input.dtype) != "uint8":
        raise CheckFailed(f"frames are bytes, the network's input is {network.input.dtype}: dtype='uint8' of Input")


def _with_random_weights(network: keras.Model, frames: np.ndarray, size: float, random) -> dict[str, np.ndarray]:
    """Logits and values with weights of this size."""
    for weights in network.trainable_variables:
        weights.assign(random.normal(0, size, weights.shape))
    return _heads("pong_network", network, tf.constant(frames), network.output_shape[0][-1])


def _is_linear(network: keras.Model, *seen) -> bool:
    """Whether what it gives half way between two observations, the third, is half way between what it gives there."""
    first, second, middle = network(np.stack(seen))[0].numpy()
    return np.allclose(middle, (first + second) / 2, rtol=1e-3, atol=1e-3 * np.abs(first).max())


def _remarks(network: keras.Model, logits: np.ndarray) -> str:
    """What is not wrong, but worth a look; empty where nothing is."""
    remarks = ""
    if network.count_params() > MANY:
        remarks += "; that is much, training will take long: larger strides make the maps smaller"
    if np.abs(_softmax(logits) - 1 / logits.shape[1]).max() > 0.05:
        remarks += "; its first policy does not try all actions alike: kernel_initializer=first(0.01) for the logits"
    return remarks


def _any_number(name: str, values: np.ndarray) -> None:
    """Raise CheckFailed where an activation keeps a head within bounds."""
    if values.min() >= 0:
        raise CheckFailed(f"{name} are never negative: is there a ReLU, sigmoid or softmax? Leave the activation out")
    if values.max() <= 1:
        raise CheckFailed(f"{name} are never above 1: is there a tanh? Leave the activation out")


def _scalar(name: str, value, size: int) -> tf.Tensor:
    if tf.is_tensor(value) and value.shape == (size,):
        raise CheckFailed(f"{name} has shape ({size},), one number an action: take the mean of them, tf.reduce_mean")
    return tensor(name, value, ())


def _unchanged(name: str, now: np.ndarray, before: np.ndarray) -> None:
    """Raise CheckFailed unless an input is still what it was."""
    if not np.array_equal(now, before):
        raise CheckFailed(f"{name} is written into: make an array of your own, np.empty_like({name})")


def _kept(student: Callable) -> list[np.ndarray]:
    """Observations, actions, rewards and valid, as the student keeps them of the scripted player."""
    asked = []

    def act(observations: np.ndarray) -> np.ndarray:
        asked.append(observations)
        return _scripted_actions(observations)

    parts = called(student, _Scripted(), act)
    if len(asked) > max(LENGTHS):
        raise CheckFailed("act is called more than once a step, and draws anew each time: keep the actions it gave")
    if isinstance(parts, np.ndarray) or not isinstance(parts, Iterable) or len(parts := list(parts)) != 4:
        raise CheckFailed(f"play_episodes returns {kind(parts)}: return four arrays, of which each has T rows")
    if isinstance(parts[2], np.ndarray) and np.issubdtype(parts[2].dtype, np.bool_):
        raise CheckFailed("rewards and valid are swapped: observations, actions, rewards, valid is the order")
    return parts


def _of_all_steps(name: str, came, truth: np.ndarray) -> None:
    """Raise CheckFailed unless this is an array of all steps."""
    if isinstance(came, np.ndarray) and came.shape[1:] == truth.shape[1:] and len(came) < len(truth):
        raise CheckFailed(f"{name} ends after {len(came)} steps: go on while any copy plays, player.playing.any()")
    array(name, came, truth.shape, truth.dtype)


def _drawn(student: Callable, logits: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    parts = called(student, logits, seed)
    if not isinstance(parts, (tuple, list)) or len(parts) != 2:
        raise CheckFailed(f"sample_actions returns {kind(parts)}: return two tensors, actions and log_probs")
    rows = (len(logits),)
    if all(tf.is_tensor(part) for part in parts) and parts[0].dtype.is_floating and parts[1].dtype.is_integer:
        raise CheckFailed("actions and log_probs are swapped: the actions come first")
    actions = tensor("actions", parts[0], rows, tf.int32, "one for each row of logits, policy.sample(seed=seed)")
    if tf.is_tensor(parts[1]) and parts[1].dtype.is_floating:
        hint = "are the logits given as probs? Categorical(logits=logits)"
        finite("log_probs", parts[1].numpy(), hint)
    return actions, tensor("log_probs", parts[1], rows, look="one for each action drawn, policy.log_prob(actions)")


def _compare_shares(actions: np.ndarray, policies: np.ndarray) -> None:
    """Raise CheckFailed unless each policy's actions were drawn as often as its softmax says."""
    if actions.min() < 0 or actions.max() >= ACTIONS:
        raise CheckFailed(f"actions go from {actions.min()} to {actions.max()}, expected 0 to {ACTIONS - 1}")
    shares = np.stack([np.bincount(column, minlength=ACTIONS) for column in actions.reshape(DRAWS, -1).T]) / DRAWS
    tolerance = 6 * np.sqrt(0.25 / DRAWS)  # six standard errors: chance exceeds them once in 500 million
    expected = _softmax(policies)
    if np.all(np.abs(shares - expected) < tolerance):
        return
    mistakes = {
        "always the likeliest: draw, policy.sample, do not take the maximum": np.eye(ACTIONS)[policies.argmax(1)],
        "all actions are drawn alike: the policy is tfp.distributions.Categorical(logits=logits)": np.full_like(
            expected, 1 / ACTIONS
        ),
        "probabilities are taken for logits: no softmax before Categorical(logits=...)": _softmax(expected),
        "likely and unlikely are swapped: there is a minus before the logits": _softmax(-policies),
    }
    for hint, value in mistakes.items():
        if np.all(np.abs(shares - value) < tolerance):
            raise CheckFailed(f"actions: {hint}")
    came, wanted = (", ".join(f"{share:.2f}" for share in each[0]) for each in (shares, expected))
    raise CheckFailed(f"actions are drawn with shares {came} for logits {policies[0].tolist()}, expected {wanted}")


def _compare_log_probs(log_probs: tf.Tensor, actions: np.ndarray, logits: np.ndarray) -> None:
    every = np.log(_softmax(logits))

    def taken(table):
        return table[np.arange(len(actions)), actions]

    mistakes = {
        "these are probabilities: take their logarithm, policy.log_prob": np.exp(taken(every)),
        "their sign is wrong: the logarithm of a probability is never positive": -taken(every),
        "these are the logits: a log-probability is the logit less the logarithm of the sum of exp(logits)": taken(
            logits
        ),
        "these belong to the likeliest action: give policy.log_prob the actions that were drawn": every.max(1),
        "this is the mean of all actions' log-probabilities: take that of the action that was drawn": every.mean(1),
    }
    if not np.allclose(log_probs, taken(every), atol=1e-4):
        _name_another_draw(log_probs.numpy(), every, mistakes)
    look = "it should be the log softmax of the logits, at the action"
    compare("log_probs", log_probs, taken(every), mistakes, look)


def _name_another_draw(log_probs: np.ndarray, every: np.ndarray, mistakes: dict) -> None:
    """Raise CheckFailed where each number is the log-probability of some action, but not of the one that was drawn."""
    named = any(np.allclose(log_probs, value, atol=1e-4) for value in mistakes.values())
    if not named and np.isclose(log_probs[:, None], every, atol=1e-4).any(1).all():
        raise CheckFailed("log_probs belong to other actions than those returned: draw once, and keep what came")


# --- truths, and what plausible mistakes give ----------------------------------------------------------------------


def _rewards_to_go(rewards: np.ndarray, discount: float) -> np.ndarray:
    """By definition: each later reward, discounted by how much later it comes."""
    return np.array([np.sum(rewards[t:] * discount ** np.arange(len(rewards) - t)) for t in range(len(rewards))])


def _return_mistakes(rewards: np.ndarray, discount: float) -> dict:
    truth = _rewards_to_go(rewards, discount)
    from_start = (rewards * discount ** np.arange(len(rewards)))[::-1].cumsum()[::-1]
    return {
        "it is not discounted: multiply what follows by discount": _rewards_to_go(rewards, 1.0),
        "each step gets the return of the whole episode: count from step t on": np.full_like(truth, truth[0]),
        "it looks back, not ahead: go from the last step to the first": _rewards_to_go(rewards[::-1], discount)[::-1],
        "its order is reversed: the first return belongs to the first step": truth[::-1],
        "discounting starts at the episode's first step: it should start at step t": from_start,
        "these are the rewards alone: add discount times what follows": rewards,
        "a step's own reward is discounted already: only what follows it is": discount * truth,
        "a step's own reward is missing": truth - rewards,
        "these are normalised: that comes later, over the whole batch": (truth - truth.mean()) / truth.std(),
    }


def _log_probs_and_weights() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    return np.log(random.uniform(0.1, 0.9, BATCH)), random.normal(0.5, 1.0, BATCH)


def _softmax(logits: np.ndarray) -> np.ndarray:
    return softmax(np.asarray(logits, np.float64), axis=-1)


def _linear_policy() -> keras.Model:
    """Logits and a value, each from one dense layer; the same in each call."""
    observations = keras.Input((FEATURES,))
    heads = [
        keras.layers.Dense(size, kernel_initializer=keras.initializers.GlorotUniform(seed=size), name=name)(
            observations
        )
        for name, size in (("logits", ACTIONS), ("values", 1))
    ]
    return keras.Model(observations, heads)


def _weights(network: keras.Model) -> list[np.ndarray]:
    """Kernel and bias of the policy, kernel of the value head."""
    logits, values = network.get_layer("logits"), network.get_layer("values")
    return [np.asarray(x, np.float64) for x in (*logits.get_weights(), values.get_weights()[0])]


def _flat(*weights: np.ndarray) -> np.ndarray:
    """In a row, in the network's own precision, so that they are compared in it."""
    return np.concatenate([np.ravel(x) for x in weights]).astype(np.float32)


def _batch(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observations, actions and weights, other ones for each step."""
    random = np.random.default_rng(number)
    observations, weights = random.normal(size=(BATCH, FEATURES)), random.normal(0.5, 1.0, BATCH)
    actions = random.integers(0, ACTIONS, BATCH)
    return observations.astype(np.float32), actions.astype(np.int32), weights.astype(np.float32)


def _step_by_hand(kernel, bias, observations, actions, weights) -> tuple[float, tuple, dict]:
    """The loss, kernel and bias after a step down its gradient, and what mistakes would leave of both.

    d log softmax(logits)_a / d logits is onehot(a) - softmax(logits).
    """
    p = _softmax(observations @ kernel + bias)
    loss = -np.mean(np.log(p[np.arange(BATCH), actions]) * weights)

    def stepped(chosen, size, rate=RATE):
        slopes = -(np.eye(ACTIONS)[chosen] - p) * size[:, None] / BATCH
        return kernel - rate * observations.T @ slopes, bias - rate * slopes.sum(0)

    right = stepped(actions, weights)
    wrong = {
        "the weights have not changed: call optimizer.apply(gradients, variables)": (kernel, bias),
        "the step goes up the gradient: apply the gradients as they are": stepped(actions, weights, -RATE),
        "the gradients are applied twice: once is enough": stepped(actions, weights, 2 * RATE),
        "this makes the likeliest actions likelier: take the log-probabilities of the actions that are given": stepped(
            p.argmax(1), weights
        ),
        "the weights play no part: give them to policy_gradient_loss": stepped(actions, np.ones(BATCH)),
    }
    return loss, right, {hint: _flat(*values) for hint, values in wrong.items()}


class _Scripted:
    """A player of three copies, whose episodes last for LENGTHS steps: what it shows tells the copy and the time."""

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        self.time = 0

    @property
    def playing(self) -> np.ndarray:
        return np.array(LENGTHS) > self.time

    @property
    def observations(self) -> np.ndarray:
        return _script(self.time)["observations"][0]

    def step(self, actions: np.ndarray) -> Step:
        if not self.playing.any():
            raise RuntimeError("no copy plays any more: step only while player.playing.any()")
        now, never = _script(self.time), np.zeros(len(LENGTHS), bool)
        self.time += 1
        over = now["valid"][0] & ~self.playing
        return Step(self.observations, now["rewards"][0], over, never, over, self.observations, now["valid"][0])


def _script(start: int = 0, reverse: bool = False) -> dict[str, np.ndarray]:
    """What the scripted player shows, does and gets from a time on: (T, N, ...) each."""
    time, copy = np.mgrid[start : start + max(LENGTHS), : len(LENGTHS)]
    played = {
        "observations": np.stack([copy, time], axis=-1).astype(np.float32),
        "actions": (10 * copy + time).astype(np.int32),
        "rewards": (10 * copy + time + 0.5).astype(np.float32),
        "valid": time < LENGTHS,
    }
    return {name: values[::-1] if reverse else values for name, values in played.items()}


def _scripted_actions(observations: np.ndarray) -> np.ndarray:
    return (observations @ [10, 1]).astype(np.int32)


def _valid_mistakes() -> dict:
    valid, following = (_script(start)["valid"].astype(int) for start in (0, 1))
    return {
        "it is upside down: it should be True where the step counts": 1 - valid,
        "this is who goes on after the step: take step.valid": following,
        "its order is reversed: the first step comes first": valid[::-1],
    }


def _memory_mistakes() -> dict:
    return {
        "this is what came after the step: take player.observations before player.step, and act on them": _script(1),
        "the order is reversed: the first step comes first": _script(reverse=True),
    }


def _episodes() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rewards, values, next values and ends: copies that terminate, that are cut by a time limit, and neither."""
    random = np.random.default_rng(2)
    rewards, values = random.normal(size=(2, STEPS, COPIES))
    terminated, truncated = np.zeros((2, STEPS, COPIES), bool)
    terminated[[2, 5, 6], [0, 1, 0]] = terminated[STEPS - 1, 3] = True
    truncated[[1, 4, 3], [1, 2, 3]] = True
    next_values = np.append(values[1:], random.normal(size=(1, COPIES)), axis=0)
    next_values[truncated] = random.normal(size=truncated.sum())  # of the last observation, before the restart
    next_values[terminated] = 0
    return rewards, values, next_values, terminated | truncated


def _summed(errors: np.ndarray, ends: np.ndarray, factor: float) -> np.ndarray:
    """Each error and those that follow it, weighted by the powers of `factor`, up to the end of the episode."""
    total = np.zeros_like(errors)
    for t, n in np.ndindex(errors.shape):
        for later in range(t, len(errors)):
            total[t, n] += factor ** (later - t) * errors[later, n]
            if ends[later, n]:
                break
    return total


def _bootstrapped_returns(rewards, next_values, ends, discount) -> np.ndarray:
    """Discounted rewards up to the end, and there the value of what follows."""
    last = np.zeros_like(ends)
    last[-1] = True
    return _summed(rewards + discount * next_values * (ends | last), ends, discount)


def _advantage_mistakes(rewards, values, next_values, ends, discount, trace) -> dict:
    errors, factor = rewards + discount * next_values - values, discount * trace
    truth, never = _summed(errors, ends, factor), np.zeros_like(ends)
    shifted = np.append(values[1:], next_values[-1:], axis=0)
    over_the_end = rewards + discount * shifted - values
    forgotten = rewards + discount * next_values * ~ends - values
    one_off = np.append(ends[1:], never[:1], axis=0)
    return {
        "ends are ignored, episodes run into each other: multiply A_{t+1} by ~ends[t]": _summed(errors, never, factor),
        "it bootstraps over an end: what follows step t is next_values[t], not values[t + 1]": _summed(
            over_the_end, ends, factor
        ),
        "ends are ignored, and it bootstraps over them: use next_values[t], and multiply A_{t+1} by ~ends[t]": _summed(
            over_the_end, never, factor
        ),
        "episodes that a time limit cut lose their future: next_values is 0 after a termination already": _summed(
            forgotten, ends, factor
        ),
        "the trace is forgotten: A_{t+1} counts discount * trace": _summed(errors, ends, discount),
        "the discount of A_{t+1} is forgotten: it counts discount * trace": _summed(errors, ends, trace),
        "the discount of next_values is forgotten": _summed(rewards + next_values - values, ends, factor),
        "this is the TD error alone: add discount * trace * A_{t+1}": errors,
        "the values are not subtracted: d_t = r_t + discount * next_values - values": _summed(
            errors + values, ends, factor
        ),
        "these are returns, values are added at the end: leave them out": truth + values,
        "what follows is not used: d_t = r_t + discount * next_values - values": _summed(
            rewards - values, ends, factor
        ),
        "it looks back, not ahead: go from the last row to the first": _summed(errors[::-1], ends[::-1], factor)[::-1],
        "ends is upside down: ~ends[t] is True where the episode goes on": _summed(errors, ~ends, factor),
        "ends are one step off: it is ends[t] that cuts off what follows step t": _summed(errors, one_off, factor),
        "an end wipes out its own step: multiply A_{t+1} alone by ~ends[t]": _summed(
            np.where(ends, 0, errors), ends, factor
        ),
        "its sign is wrong": -truth,
    }


def _moved_policy() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """New and old log-probabilities and advantages: good and bad actions, likelier and less likely, clipped and not."""
    log_ratio = np.repeat([-0.6, -0.4, -0.15, -0.05, 0.05, 0.12, 0.3, 0.5], 2)
    random = np.random.default_rng(3)
    advantages = random.uniform(0.5, 2, len(log_ratio)) * np.tile([1, -1], len(log_ratio) // 2) + 0.2
    old = np.log(random.uniform(0.1, 0.5, len(log_ratio)))
    return old + log_ratio, old, advantages


def _clipping_mistakes(ratio: np.ndarray, a: np.ndarray) -> dict:
    clipped = np.clip(ratio, 1 - CLIP, 1 + CLIP)
    loss = -np.mean(np.minimum(ratio * a, clipped * a))
    logs, upside_down = np.log(ratio), 1 / ratio
    return {
        "it takes the maximum: the smaller of the two is the pessimistic one, tf.minimum": -np.mean(
            np.maximum(ratio * a, clipped * a)
        ),
        "the minus is missing: an optimiser goes down": -loss,
        "the clipped ratio alone, without the minimum: an action that went the wrong way cannot come back": -np.mean(
            clipped * a
        ),
        "nothing is clipped: tf.clip_by_value(ratio, 1 - clip, 1 + clip)": -np.mean(ratio * a),
        "this is the sum over the batch: take the mean, tf.reduce_mean": loss * len(a),
        "epsilon is always 0.2: use clip": -np.mean(np.minimum(ratio * a, np.clip(ratio, 0.8, 1.2) * a)),
        "the ratio is a difference of logarithms: tf.exp is missing": -np.mean(
            np.minimum(logs * a, np.clip(logs, 1 - CLIP, 1 + CLIP) * a)
        ),
        "the ratio is upside down: new over old, tf.exp(log_probs - old_log_probs)": -np.mean(
            np.minimum(upside_down * a, np.clip(upside_down, 1 - CLIP, 1 + CLIP) * a)
        ),
        "the ratio is clipped to -clip ... clip: it should be 1 - clip ... 1 + clip": -np.mean(
            np.minimum(ratio * a, np.clip(ratio, -CLIP, CLIP) * a)
        ),
        "the minimum is of the ratios alone: multiply both by the advantages first": -np.mean(
            np.minimum(ratio, clipped) * a
        ),
        "the product is clipped: clip the ratio, then multiply": -np.mean(
            np.minimum(ratio * a, np.clip(ratio * a, 1 - CLIP, 1 + CLIP))
        ),
        "it is clipped from above alone: tf.clip_by_value(ratio, 1 - clip, 1 + clip)": -np.mean(
            np.minimum(ratio * a, np.minimum(ratio, 1 + CLIP) * a)
        ),
        "the advantages are missing: multiply both ratios by them": -np.mean(np.minimum(ratio, clipped)),
    }
