"""The agent: one network with a policy and a value head, how it acts, and how it learns from a batch."""

from typing import NamedTuple

from debias.backend import keras, tf, tfp
from debias.errors import InputError
from labs.rl.algorithms import Algorithm

tfd = tfp.distributions

BACKGROUND, CONTRAST = 87.0, 128.0  # Pong's grey; the paddles are 147, the ball is 236


class Batch(NamedTuple):
    """B steps to learn from.

    Attributes:
        observations: (B, ...).
        actions: (B,) int32.
        log_probs: (B,) float32, of the actions when they were taken.
        advantages: (B,) float32.
        returns: (B,) float32, what the value head should say.
    """

    observations: tf.Tensor
    actions: tf.Tensor
    log_probs: tf.Tensor
    advantages: tf.Tensor
    returns: tf.Tensor


def network(observation_shape: tuple[int, ...], actions: int) -> keras.Model:
    """Observations (B, *observation_shape) -> logits (B, actions) and values (B, 1); the shape chooses the layers.

    A vector goes through two dense layers for each head; an image (frames, height, width) through a small convolutional
    network that both heads share.

    Raises:
        InputError: neither a vector nor an image.
    """
    if len(observation_shape) not in (1, 3):
        raise InputError(f"observations of shape {observation_shape}: this agent sees vectors and images")
    observations = keras.Input(observation_shape, dtype="uint8" if len(observation_shape) == 3 else "float32")
    if len(observation_shape) == 1:
        for_policy, for_value = _dense_layers(observations), _dense_layers(observations)
    else:
        for_policy = for_value = _convolutional_layers(observations)
    # Logits near zero: the first policy chooses evenly.
    logits = keras.layers.Dense(actions, kernel_initializer=_orthogonal(0.01), name="logits")(for_policy)
    values = keras.layers.Dense(1, kernel_initializer=_orthogonal(1.0), name="values")(for_value)
    return keras.Model(observations, [logits, values])


def _dense_layers(x):
    for _ in range(2):
        x = keras.layers.Dense(64, "tanh", kernel_initializer=_orthogonal(2**0.5))(x)
    return x


def _convolutional_layers(frames):
    x = keras.layers.Rescaling(1 / CONTRAST, -BACKGROUND / CONTRAST)(frames)  # first: bytes are slow to transpose
    x = keras.layers.Permute((2, 3, 1))(x)  # (B, height, width, frames)
    x = keras.layers.Conv2D(16, 8, 4, activation="relu", kernel_initializer=_orthogonal(2**0.5))(x)
    x = keras.layers.Conv2D(32, 3, 2, activation="relu", kernel_initializer=_orthogonal(2**0.5))(x)
    x = keras.layers.Flatten()(x)
    return keras.layers.Dense(256, "relu", kernel_initializer=_orthogonal(2**0.5))(x)


def _orthogonal(gain: float):
    return keras.initializers.Orthogonal(gain)


class Losses(NamedTuple):
    """Scalars: what is minimised, its parts, and by how much the policy moved since the batch was made."""

    total: tf.Tensor
    policy: tf.Tensor
    value: tf.Tensor
    entropy: tf.Tensor
    kl: tf.Tensor


class Agent(tf.Module):
    """Acts by a network, and learns.

    Args:
        network: as `network` gives it.
        algorithm: whose loss is used.
        optimizer: built for the network's weights.
        passes: how often a batch is gone through, each time in another order.
        minibatches: into how many steps of the optimiser a pass is cut; what is left over waits for the next pass.
        clip: PPO's, see `clipped_ratio`.
        value_weight: of the critic's squared error in the loss.

    Attributes:
        act: observations (B, ...), seed (2,) int32 -> actions (B,) int32 drawn from the policy, their log-probabilities
            and values; the same seed draws the same actions.
        act_greedily: observations -> the likeliest actions (B,) int32.
        values: observations -> what the critic expects (B,).
        learn: batch, entropy weight, seed -> means of `Losses` over all steps of the optimiser.
    """

    def __init__(
        self,
        network: keras.Model,
        algorithm: Algorithm,
        optimizer: keras.optimizers.Optimizer | None = None,
        passes: int = 1,
        minibatches: int = 1,
        clip: float = 0.1,
        value_weight: float = 0.5,
    ):
        self.network, self.algorithm, self.optimizer = network, algorithm, optimizer
        self.passes, self.minibatches, self.clip, self.value_weight = passes, minibatches, clip, value_weight
        self._compile()

    def _compile(self) -> None:
        """One graph of each for all lengths of batches."""
        observations = tf.TensorSpec((None, *self.network.input_shape[1:]), self.network.input.dtype)
        seed, vector = tf.TensorSpec((2,), tf.int32), tf.TensorSpec((None,), tf.float32)
        batch = Batch(observations, tf.TensorSpec((None,), tf.int32), vector, vector, vector)
        # By XLA: a hundred small operations take longer to start than to do, as one they take less. Copies are as many
        # in each step, so that it compiles once.
        self.act = tf.function(self._act, [observations, seed], jit_compile=True)
        self.act_greedily = tf.function(self._act_greedily, [observations])
        self.values = tf.function(self._values, [observations])
        self.learn = tf.function(self._learn, [batch, tf.TensorSpec((), tf.float32), seed])

    def policy(self, observations: tf.Tensor) -> tuple[tfd.Categorical, tf.Tensor]:
        """The distribution over actions, and values (B,)."""
        logits, values = self.network(observations)
        return tfd.Categorical(logits=logits), values[:, 0]

    def _act(self, observations, seed):
        policy, values = self.policy(observations)
        actions = policy.sample(seed=seed)
        return actions, policy.log_prob(actions), values

    def _act_greedily(self, observations):
        return self.policy(observations)[0].mode()

    def _values(self, observations):
        return self.policy(observations)[1]

    def _learn(self, batch: Batch, entropy_weight, seed):
        size = tf.shape(batch.actions)[0]
        part, total = size // self.minibatches, tf.zeros(len(Losses._fields))
        for number in tf.range(self.passes):
            order = tf.random.experimental.stateless_shuffle(tf.range(size), seed=(seed[0], seed[1] + number))
            for start in tf.range(self.minibatches):
                chosen = order[start * part : (start + 1) * part]
                minibatch = Batch(*(tf.gather(x, chosen) for x in batch))
                total += tf.stack(self._step(minibatch, entropy_weight))
        return total / (self.passes * self.minibatches)

    def _step(self, batch: Batch, entropy_weight) -> Losses:
        with tf.GradientTape() as tape:
            losses = self.losses(batch, entropy_weight)
        variables = self.network.trainable_variables
        self.optimizer.apply(tape.gradient(losses.total, variables), variables)
        return losses

    def losses(self, batch: Batch, entropy_weight: float | tf.Tensor) -> Losses:
        """What is minimised, and its parts."""
        policy, values = self.policy(batch.observations)
        log_probs = policy.log_prob(batch.actions)
        policy_loss = self.algorithm.loss(log_probs, batch.log_probs, batch.advantages, self.clip)
        value_loss = tf.reduce_mean(tf.square(values - batch.returns))
        entropy = tf.reduce_mean(policy.entropy())
        value_weight = self.value_weight if self.algorithm.critic else 0.0
        total = policy_loss + value_weight * value_loss - entropy_weight * entropy
        return Losses(total, policy_loss, value_loss, entropy, tf.reduce_mean(batch.log_probs - log_probs))
