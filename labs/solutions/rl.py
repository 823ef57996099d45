# %% [markdown]
# # Lab 3: one agent that balances a pole and wins at Pong
#
# Nobody tells the agent what to do. It acts, it gets a reward, and what paid off becomes likelier. In this lab you
# write the parts that make it learn: the returns, the drawing of actions, the policy gradient and its training step,
# the memory of what was played, then what PPO adds, advantages and clipping, and the networks that decide. Your
# functions train one agent, on CartPole and then on Pong.
#
# It takes about two hours to do; training takes a quarter of an hour on two cores, most of it for Pong. Under each
# exercise are an example and three hints; open one only when you are stuck.
#
# **When you are through, you can**
#
# * say what policy, return, value and advantage are, and which of them is learned,
# * derive and write the policy gradient, and say why it is noisy,
# * write a policy's network, for vectors and for images,
# * write advantages and PPO's loss, and train one agent on two games with them,
# * judge an agent by fresh full games and several seeds.

# %%
# %matplotlib inline
import dataclasses
import tempfile
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
from IPython.display import Image, Markdown, display

from debias.backend import keras, tf, tfp
from debias.training import seed_everything
from labs import drawings
from labs.rl import algorithms, checks, environments, pictures, settings, study, training, video
from labs.rl.agent import Agent, network
from labs.rl.evaluation import evaluate
from labs.rl.rollout import Player

# %% tags=["parameters"]
SMOKE = False  # toy size, to see that everything runs
RESULTS = None  # folder for tables, curves, videos and agents; None keeps nothing

# %%
work = Path(tempfile.mkdtemp())  # for videos and checkpoints
seed_everything(0)


def watch(name, environment, agent=None, seconds=20):
    """A video of one episode; without an agent actions are random."""
    path = work / f"{name}.gif"
    total = video.record(path, environment, agent, seconds=1 if SMOKE else seconds)
    print(f"return so far: {total:g}")
    return Image(str(path))


# %% [markdown]
# ## 1. Reinforcement learning in five lines

# %%
drawings.show("rl/loop")

# %% [markdown]
# * An **environment** shows the agent an **observation**; the agent takes an **action**.
# * The environment answers with a **reward**, a number, and the next observation, until the **episode** ends.
# * The agent's **policy** $\pi(a|s)$ says how likely it takes action $a$ when it sees $s$.
# * The **return** is the sum of rewards that follow. The policy should make it large.
# * No teacher says which action was right: the agent has to try, and find out what was worth it.
#
# Lab 2a was **supervised** learning: each digit came with its answer. The VAE of lab 2b was **unsupervised**: there
# were no answers. **Reinforcement** learning has no answers either, only a reward, and what it learns from depends on
# what it does. Games suit it: their rules are exact, many can be played side by side, and a lost one hurts nobody.
#
# Environments come from [gymnasium](https://gymnasium.farama.org). It is the maintained successor of OpenAI's `gym`,
# with the same names, so it is imported as `gym`; `gym` itself has not been maintained since 2022. The course's old lab
# broke on what changed: `reset` now returns two things (observation, info), and `step` five (observation, reward,
# terminated, truncated, info). **Terminated** means that the episode is really over: the pole fell. **Truncated** means
# that a time limit cut it. It matters which, as you will see in section 6.

# %%
env = gym.make("CartPole-v1")
env.action_space.seed(0)
observation, info = env.reset(seed=0)
print("observation: position, speed, angle, angular speed:", observation)
print("actions: push left or right:", env.action_space)
for _ in range(3):
    action = env.action_space.sample()
    observation, reward, terminated, truncated, info = env.step(action)
    print(
        f"action {action}, reward {reward}, terminated {terminated}, truncated {truncated}, now {observation.round(2)}"
    )
env.close()

# %% [markdown]
# Each step in which the pole stands is worth 1, and after 500 steps the episode is cut. Before any learning (a video
# ends after 20 seconds at most, and "return so far" is what was reached by then):

# %%
watch("cartpole_before", "cartpole")

# %% [markdown]
# ## 2. What an action is worth
#
# An action cannot change what came before it, so it is judged by what followed, the *reward-to-go*. What follows soon
# was more likely caused by it than what follows late, so rewards are **discounted** by $\gamma < 1$ for each step that
# they are away:
#
# $$ G_t = r_t + \gamma r_{t+1} + \gamma^2 r_{t+2} + \dots = r_t + \gamma G_{t+1} $$
#
# With $\gamma = 0.99$ a reward that is 100 steps away still counts about a third.
#
# **Think.** In Pong a point comes some tens of steps after the stroke that won it. What happens to that stroke with a
# discount of 0.5, and what to a step that had no part in it with a discount of 1?
#
# <details><summary>An answer</summary>
#
# 0.5 to the power of 30 is nothing: the stroke is not rewarded at all. With 1 every step before the point is rewarded
# alike, the useless ones too: it is right on average and takes many more games.
#
# </details>


# %%
def discounted_returns(rewards, discount):
    """G_t of each step of one episode, (T,), from its rewards (T,)."""
    returns, following = np.empty_like(rewards), 0.0
    # TODO: G_t of each step
    # NUDGE: The last part of the formula needs the return of the step that follows. Which return is known first?
    # IDEA: Go from the last step to the first with reversed(range(len(rewards))), and keep what follows in a
    # IDEA: variable.
    # CODE: for t in reversed(range(len(rewards))):
    # CODE:     following = rewards[t] + ...
    # CODE:     returns[t] = ...
    # EXAMPLE: discounted_returns(np.array([1.0, 0.0, 2.0]), 0.5).tolist() -> [1.5, 1.0, 2.0]
    ### BEGIN SOLUTION
    for t in reversed(range(len(rewards))):
        following = rewards[t] + discount * following
        returns[t] = following
    ### END SOLUTION
    return returns


# %%
checks.discounted_returns(discounted_returns)

# %% [markdown]
# ## 3. A network that decides
#
# The network gives a **logit** for each action, a number of which the softmax makes its probability. From a second head
# it gives a **value**: the return that it expects. Only the logits are needed at first. Its layers follow from the
# observation's shape: four numbers go through dense layers, an image through convolutions (you write those in section
# 8). Nothing else in this lab knows which it is, and so one agent can play both games.

# %%
network((4,), 2).summary()  # CartPole: two dense layers for each head

# %% [markdown]
# What makes a network a policy are its last layers. Write one for vectors. One hidden layer is there, add more if you
# like; both heads look at the last of them.


# %%
def pole_network(inputs, actions):
    """A keras.Model from observations (B, inputs) to a list: logits (B, actions) and values (B, 1)."""
    observations = keras.Input((inputs,))
    hidden = keras.layers.Dense(64, activation="tanh")(observations)
    # TODO: both heads, and the model of the two
    # NUDGE: Logits and values may be any number, also a negative one: which activation allows that?
    # IDEA: A Dense layer without an activation on the hidden layer for each head; keras.Model takes a list of outputs.
    # CODE: logits = keras.layers.Dense(..., name="logits")(hidden)
    # CODE: values = keras.layers.Dense(..., name="values")(hidden)
    # CODE: return keras.Model(observations, [..., ...])
    # EXAMPLE: [part.shape for part in pole_network(4, 2).outputs] -> [(None, 2), (None, 1)]
    ### BEGIN SOLUTION
    logits = keras.layers.Dense(actions, name="logits")(hidden)
    values = keras.layers.Dense(1, name="values")(hidden)
    return keras.Model(observations, [logits, values])
    ### END SOLUTION


# %%
checks.pole_network(pole_network)

# %% [markdown]
# The policy is a distribution over the actions, a `tfp.distributions.Categorical` of TensorFlow Probability. An agent
# that always takes the likeliest never finds out what the others are worth, so it **draws**. The logarithm of the
# probability of what it drew is what learning changes.


# %%
def sample_actions(logits, seed):
    """Actions (B,) int32, drawn by logits (B, actions), and the logarithms of their probabilities (B,).

    Args:
        seed: (2,) int32; the same seed draws the same actions.
    """
    # TODO: a draw, and the logarithm of its probability
    # NUDGE: One object knows both: the distribution.
    # IDEA: tfp.distributions.Categorical(logits=...) has sample(seed=...) and log_prob(actions).
    # CODE: policy = tfp.distributions.Categorical(logits=logits)
    # CODE: actions = policy.sample(seed=...)
    # CODE: log_probs = policy.log_prob(...)
    # EXAMPLE: sample_actions(tf.constant([[0.0, 100.0]] * 3), tf.constant([0, 1]))[0].numpy().tolist() -> [1, 1, 1]
    ### BEGIN SOLUTION
    policy = tfp.distributions.Categorical(logits=logits)
    actions = policy.sample(seed=seed)
    log_probs = policy.log_prob(actions)
    ### END SOLUTION
    return actions, log_probs


# %%
checks.sample_actions(sample_actions)

# %% [markdown]
# ## 4. The policy gradient
#
# Make an action likelier if it was worth much, less likely if it was worth little: go up the gradient of
# $\log \pi(a_t|s_t)$, weighted by what the action was worth. On average this is the gradient of the expected return
# ([Williams 1992](https://doi.org/10.1007/BF00992696)), although the environment itself has no gradient. Here is why.
#
# A **trajectory** $\tau = (s_0, a_0, r_0, s_1, \dots)$ is all that happens in one episode, $R(\tau) = \sum_t r_t$ its
# return, and $p_\theta(\tau)$ how likely it is with the network's weights $\theta$. What should grow is the mean return
# $J(\theta) = \sum_\tau p_\theta(\tau) R(\tau)$.
#
# 1. **The log-derivative trick.** $\nabla J = \sum_\tau R(\tau) \nabla p_\theta(\tau)$ goes over all trajectories, and
#    nobody can play all. But $\nabla \log p = \nabla p / p$, so $\nabla p = p\, \nabla \log p$, and it becomes a mean,
#    $\nabla J = \mathbb E\left[R(\tau) \nabla \log p_\theta(\tau)\right]$: some episodes of the policy estimate it.
# 2. **The environment drops out.** $p_\theta(\tau) = p(s_0) \prod_t \pi(a_t|s_t)\, p(s_{t+1}|s_t, a_t)$. The logarithm
#    is a sum where only the policy depends on $\theta$: $\nabla \log p_\theta(\tau) = \sum_t \nabla \log \pi(a_t|s_t)$.
# 3. **A baseline does no harm.** Subtract from the return a number $b(s)$ that does not depend on the action. On
#    average nothing changes, since all probabilities add up to 1:
#    $\sum_a \pi(a|s)\, b(s) \nabla \log \pi(a|s) = b(s) \sum_a \nabla \pi(a|s) = b(s) \nabla 1 = 0$.
#    But with a good one the numbers become smaller, and the estimate less noisy. For the same reason the rewards
#    before an action may be left out: they do not depend on it either.
#
# Together: $\nabla J = \mathbb E\left[\sum_t (G_t - b(s_t)) \nabla \log \pi(a_t|s_t)\right]$, $G_t$ as in section 2
# (its discount gives up a little exactness for less noise). Optimisers go down, so the loss has a minus. What each
# logarithm is multiplied by is its weight, $w_t = G_t - b(s_t)$ (not one of the network's), and the mean goes over the
# $B$ steps of a batch:
#
# $$ L = -\frac1B \sum_t w_t \log \pi(a_t|s_t) $$
#
# This is the cross-entropy of lab 2a, with the action that was taken as the label, and each step weighted. The agent is
# a classifier of its own games, taught more by the good ones.


# %%
def policy_gradient_loss(log_probs, weights):
    """A scalar, from the log-probabilities of the actions taken and their weights, both (B,)."""
    # TODO: the formula
    # NUDGE: What is the mean taken of, and what is its sign?
    # IDEA: tf.reduce_mean of a product, with a minus.
    # CODE: return -tf.reduce_mean(... * ...)
    # EXAMPLE: float(policy_gradient_loss(tf.constant([-1.0, -2.0]), tf.constant([3.0, 0.5]))) -> 2.0
    ### BEGIN SOLUTION
    return -tf.reduce_mean(log_probs * weights)
    ### END SOLUTION


# %%
checks.policy_gradient_loss(policy_gradient_loss)

# %% [markdown]
# ## 5. REINFORCE
#
# Play whole episodes, compute their returns, take one step up the gradient, play again. That is all of REINFORCE. The
# value head has no part in it. Its weights therefore have the gradient `None`, at which Keras warns. With
# `0.0 * tf.reduce_mean(values)` added to the loss it is 0, and Keras is silent.


# %%
def train_step(network, optimizer, observations, actions, weights):
    """One step of gradient descent on a batch of B steps that were played; returns the loss before it.

    Args:
        network: observations -> logits (B, actions) and values (B, 1).
        observations, actions, weights: (B, ...), (B,) int32 and (B,) float32.
    """
    # TODO: the loss under a tape, then a step of the optimizer
    # NUDGE: As in lab 1a: tape, gradient, step. What has to be computed again under the tape, though it was known
    # NUDGE: when the actions were drawn?
    # IDEA: The logits, and the log-probability of the actions that were taken; then your policy_gradient_loss, plus
    # IDEA: the zero of the text.
    # CODE: with tf.GradientTape() as tape:
    # CODE:     logits, values = network(observations)
    # CODE:     log_probs = tfp.distributions.Categorical(logits=...).log_prob(...)
    # CODE:     loss = policy_gradient_loss(..., ...) + 0.0 * tf.reduce_mean(values)
    # CODE: variables = network.trainable_variables
    # CODE: optimizer.apply(tape.gradient(..., ...), ...)
    # EXAMPLE: with weights of 1 and two actions the first loss is about 0.69, the logarithm of 2.
    ### BEGIN SOLUTION
    with tf.GradientTape() as tape:
        logits, values = network(observations)
        log_probs = tfp.distributions.Categorical(logits=logits).log_prob(actions)
        loss = policy_gradient_loss(log_probs, weights) + 0.0 * tf.reduce_mean(values)
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    ### END SOLUTION
    return loss


# %%
checks.train_step(train_step)

# %% [markdown]
# What was played has to be remembered until it is learnt from: the **rollout memory**. Several copies of the game play
# side by side, one episode each. A `player` plays them:
#
# * `player.observations`, (N, ...), is what to act on now; each step replaces it,
# * `player.step(actions)` acts and returns what followed. Two of it are wanted, both (N,): `.rewards`, and `.valid`,
#   which is False where the episode of a copy is over while others still play,
# * `player.playing`, (N,) bool, says whose episode goes on.


# %%
def play_episodes(player, act):
    """One episode of each copy: observations (T, N, ...), actions, rewards and valid, all (T, N).

    Args:
        player: at the start of new episodes.
        act: observations (N, ...) -> actions (N,), drawn anew in each call.
    """
    steps = []
    # TODO: play until no copy does any more, keep each step, and make one array of each kind
    # NUDGE: To which observation does an action belong, to the one before it or to the one that follows?
    # IDEA: Take player.observations before player.step, and append a tuple of four for each step. zip(*steps) gives
    # IDEA: all of one kind, np.stack makes one array of T of them.
    # CODE: while player.playing.any():
    # CODE:     observations = ...
    # CODE:     actions = act(observations)
    # CODE:     step = player.step(...)
    # CODE:     steps.append((observations, actions, step.rewards, ...))
    # CODE: return tuple(np.stack(kind) for kind in zip(*steps))
    # EXAMPLE: if the longest of 16 episodes of CartPole has 30 steps, the shapes are (30, 16, 4) and three of (30, 16).
    ### BEGIN SOLUTION
    while player.playing.any():
        observations = player.observations
        actions = act(observations)
        step = player.step(actions)
        steps.append((observations, actions, step.rewards, step.valid))
    return tuple(np.stack(kind) for kind in zip(*steps, strict=True))
    ### END SOLUTION


# %%
checks.play_episodes(play_episodes)

# %% [markdown]
# Now the loop, with sixteen copies of CartPole. The returns are brought to mean 0 and standard deviation 1 over the
# batch: in CartPole every return is positive, and if all weights were, every action would be made likelier; so only
# those that did better than the average are. The mean of the batch is the baseline here.

# %%
copies = environments.make("cartpole", count=16, seed=0)
pole = pole_network(copies.observation_shape[0], copies.actions)
optimizer = keras.optimizers.Adam(0.01)
optimizer.build(pole.trainable_variables)
compiled_step = tf.function(train_step, reduce_retracing=True)  # batches differ in length: one graph for all


@tf.function
def draw(observations, seed):
    """Actions of the current policy."""
    return sample_actions(pole(observations)[0], seed)[0]


def learn(player):
    """Play, and take one step up the gradient."""

    def act(observations):
        return draw(observations, np.array([0, len(player.history)], np.int32)).numpy()

    player.reset()
    observations, actions, rewards, valid = play_episodes(player, act)
    returns = np.zeros_like(rewards)
    for copy, counts in enumerate(valid.T):
        returns[counts, copy] = discounted_returns(rewards[counts, copy], 0.99)
    weights = returns[valid]
    weights = (weights - weights.mean()) / (weights.std() + 1e-8)
    compiled_step(pole, optimizer, observations[valid], actions[valid], weights)


# %%
GOAL = 475  # mean return of 100 episodes at which gymnasium's makers call CartPole solved
player, rows, began = Player(copies, whole_episodes=True), [], time.perf_counter()
for update in range(2 if SMOKE else 100):
    learn(player)
    rows.append({"steps": player.steps, "mean_return": np.mean(player.returns[-100:])})
    if update % 5 == 0:
        print(f"update {update}: {player.steps:,} steps, mean return {rows[-1]['mean_return']:.1f}")
    if rows[-1]["mean_return"] >= GOAL:
        break
print(f"{player.steps:,} steps in {time.perf_counter() - began:.0f} s, mean return {rows[-1]['mean_return']:.1f}")
pictures.curve(rows, GOAL)

# %% [markdown]
# And after. (`Agent` puts a network and a way to learn together; here it only plays.)

# %%
watch("cartpole_after", "cartpole", Agent(pole, algorithms.algorithm("reinforce")))

# %% [markdown]
# ## 6. A critic
#
# REINFORCE judges an action by everything that came after it, and so mostly by chance: other actions, the ball's angle,
# the opponent. Averages over many episodes cure that, and cost time. A **critic** does it better: the value head learns
# $V(s)$, the return to be expected from $s$. Then one step is enough to judge an action. The **TD error** says by how
# much it went better than expected:
#
# $$ \delta_t = r_t + \gamma V(s_{t+1}) - V(s_t) $$
#
# To put the critic's guess in the place of rewards not yet seen is called **bootstrapping**. What is $V(s_{t+1})$ at
# the end of an episode?
#
# * **Terminated**: nothing follows, so 0.
# * **Truncated**: the game would have gone on, so it is $V$ of the last observation. With 0 the critic would learn that
#   a pole that has stood for 500 steps is worth nothing.
#
# The rollout takes care of it: `next_values` holds 0 in the first case and $V$ in the second. `ends` is true in both,
# since what comes after belongs to another episode.
#
# The critic is wrong at first, and then TD errors are too. **Generalised advantage estimation**
# ([Schulman et al. 2016](https://arxiv.org/abs/1506.02438)) adds up this TD error and the later ones, each discounted
# by $\gamma\lambda$:
#
# $$ A_t = \delta_t + \gamma\lambda A_{t+1} \quad \text{within an episode, and } A_t = \delta_t \text{ at its end} $$
#
# $\lambda = 0$ trusts the critic alone, $\lambda = 1$ the rewards alone, as REINFORCE did.


# %%
def gae(rewards, values, next_values, ends, discount, trace):
    """Advantages (T, N) of T steps of N copies.

    Args:
        rewards, values: (T, N).
        next_values: (T, N), V(s_{t+1}): 0 where the episode terminated.
        ends: (T, N) bool, the next row belongs to another episode.
        trace: lambda.
    """
    # TODO: the TD errors, then the advantages from the last row to the first
    # NUDGE: The second formula is that of the returns, with TD errors in the place of rewards and another discount.
    # IDEA: errors for all steps at once; then a loop as in discounted_returns, in which ~ends[t] is 0 where the next
    # IDEA: row belongs to another episode.
    # CODE: errors = rewards + discount * next_values - ...
    # CODE: advantages, later = np.empty_like(errors), np.zeros_like(errors[0])
    # CODE: for t in reversed(range(len(errors))):
    # CODE:     later = errors[t] + discount * ... * later * ~ends[t]
    # CODE:     advantages[t] = ...
    # CODE: return advantages
    # EXAMPLE: gae(np.ones((2, 1)), np.full((2, 1), 0.5), np.array([[0.5], [0.0]]), np.array([[False], [True]]), 1.0,
    # EXAMPLE: 0.5).tolist() -> [[1.25], [0.5]]
    ### BEGIN SOLUTION
    errors = rewards + discount * next_values - values
    advantages, later = np.empty_like(errors), np.zeros_like(errors[0])
    for t in reversed(range(len(errors))):
        later = errors[t] + discount * trace * later * ~ends[t]
        advantages[t] = later
    return advantages
    ### END SOLUTION


# %%
checks.gae(gae)

# %% [markdown]
# ## 7. PPO: learn from a batch more than once
#
# To play is expensive, and the policy gradient uses a batch once: after the step the policy is another one, and the
# batch is of the old. **PPO** ([Schulman et al. 2017](https://arxiv.org/abs/1707.06347)) makes several passes. It
# corrects by the ratio $\rho = \pi(a|s) / \pi_{old}(a|s)$, and it stops rewarding change once the ratio
# is more than $\epsilon$ above or below 1:
#
# $$ L = -\frac1B \sum_t \min\left(\rho_t A_t,\; \text{clip}(\rho_t, 1 - \epsilon, 1 + \epsilon) A_t\right) $$
#
# Why the minimum? If a good action has become *less* likely, clipping alone would leave it without a gradient, and it
# could not come back. The minimum keeps the gradient there. (Apart from that, a gradient that is longer than 0.5 is
# shortened, as in lab 1b.)
#
# **Think.** At the first step on a batch the policy is still the old one, and the ratio is 1 everywhere. What is the
# gradient of PPO's loss there?
#
# <details><summary>An answer</summary>
#
# That of the policy gradient with advantages as weights: the derivative of the exponential of the difference is that of
# the log-probability, and nothing is clipped yet. What is new begins with the second step.
#
# </details>


# %%
def clipped_loss(log_probs, old_log_probs, advantages, clip):
    """PPO's loss, a scalar; all (B,) but clip, which is epsilon."""
    # TODO: the formula
    # NUDGE: A ratio of probabilities is the exponential of a difference of logarithms.
    # IDEA: tf.clip_by_value(ratio, lowest, highest) clips, tf.minimum takes the smaller, place by place.
    # CODE: ratio = tf.exp(log_probs - ...)
    # CODE: clipped = tf.clip_by_value(ratio, 1 - clip, ...)
    # CODE: return -tf.reduce_mean(tf.minimum(ratio * advantages, ...))
    # EXAMPLE: round(float(clipped_loss(tf.math.log([2.0]), tf.zeros(1), tf.ones(1), 0.2)), 3) -> -1.2
    ### BEGIN SOLUTION
    ratio = tf.exp(log_probs - old_log_probs)
    clipped = tf.clip_by_value(ratio, 1 - clip, 1 + clip)
    return -tf.reduce_mean(tf.minimum(ratio * advantages, clipped * advantages))
    ### END SOLUTION


# %%
checks.clipped_loss(clipped_loss)

# %% [markdown]
# Now `gae` and `clipped_loss` train an agent. An `Algorithm` says how actions are valued and what the loss is;
# `training.train` plays, hands your functions what was played, adds the critic's squared error and a small reward for
# **entropy** (how undecided the policy is), so that it does not become sure too early, and makes the passes.


# %%
def estimate(rollout, discount, trace):
    """Advantages, and the returns that the critic should have expected, both (T, N) float32."""
    advantages = gae(rollout.rewards, rollout.values, rollout.next_values, rollout.ends, discount, trace)
    advantages = advantages.astype(np.float32)
    return advantages, advantages + rollout.values


def reporting(total, rows):
    """A function that keeps each report's row, and prints it with the time left of `total` steps."""

    def report(row):
        rows.append(row)
        left = row["minutes"] * max(total / row["steps"] - 1, 0)
        print(
            f"{row['steps']:>9,} steps, {row['minutes']:4.1f} minutes, at most {left:4.1f} left: "
            f"mean return of the last 100 episodes {row['mean_return']:.1f}"
        )

    return report


def for_smoke(chosen):
    """The settings, or in a smoke run as little as goes through every line."""
    return dataclasses.replace(chosen, steps=256, copies=4, horizon=32, reports=2) if SMOKE else chosen


mine = algorithms.Algorithm(estimate=estimate, loss=clipped_loss, reuses=True)
chosen, rows = for_smoke(settings.CARTPOLE), []
balancing = training.train(chosen, report=reporting(chosen.steps, rows), algorithm=mine)
pictures.curve(rows, GOAL)

# %% [markdown]
# It ends when the goal is reached. Compare the steps of the environment with those of REINFORCE above.
#
# How far the policy may move is decided by the learning rate in each step, and by the clipping with each batch. Guess
# the order of these five, then run; each has 30,000 steps, which may be too few.

# %%
experiments = {
    "as above": {},
    "a tenth of the learning rate": {"learning_rate": settings.CARTPOLE.learning_rate / 10},
    "ten times the learning rate": {"learning_rate": settings.CARTPOLE.learning_rate * 10},
    "10 passes over a batch": {"passes": 10},
    "10 passes, no clipping": {"passes": 10, "clip": 1e9},
}
short = dataclasses.replace(settings.CARTPOLE, steps=30_000)
for name, changes in list(experiments.items())[: 1 if SMOKE else None]:
    rows = []
    training.train(dataclasses.replace(for_smoke(short), **changes), report=rows.append, algorithm=mine)
    print(f"{name:<30}mean return of the last 100 episodes {rows[-1]['mean_return']:.0f}")

# %% [markdown]
# One seed each: what lies close together may come out the other way with another (section 10).
#
# ## 8. Pong
#
# The same agent, the same functions, other settings. The agent has the green paddle on the right, the opponent is the
# game's own. Who first has 21 points wins, and the return is the difference: from -21 to 21. What the agent sees is
# less than what you see:
#
# * every fourth frame, in grey, scaled down and cropped to the field: 80 x 40 pixels,
# * the last **two** such frames: a single one does not show where the ball is going,
# * three actions: stay, up, down. The other three of the joystick do the same.
#
# A return ends with each point, because nothing that was done before it decides the next.

# %%
pong = environments.make("pong", count=1, seed=0, pictures=True)
observations, random = pong.reset(), np.random.default_rng(0)
for _ in range(40):  # until the ball is in play
    observations = pong.step(random.integers(0, pong.actions, 1, np.int32)).observations
picture = pong.picture()
pong.close()
pictures.seen(observations[0], picture)

# %% [markdown]
# Look at the picture on the right. The **difference** of two frames holds only what moves, red where it is now and blue
# where it was: from it you can read which way the ball flies. The network gets both frames and can take the difference
# by itself, with a weight of 1 for one and of -1 for the other.

# %%
moved = np.any(observations[0, 0] != observations[0, 1], axis=0)
print(f"{np.mean(observations[0, 0] != observations[0, 1]):.1%} of the pixels differ, in {moved.sum()} columns")

# %% [markdown]
# Now the network that plays. You write it, and the training below uses it:
#
# * **Convolutions** look for small things such as the ball, with the same weights wherever these are. Strides of 4 and
#   of 2 make the maps smaller: less to compute, and so a faster training.
# * A **dense** layer behind them looks at the whole field at once: where is the ball, and where is my paddle?
# * Two **heads**, as for the pole: a logit for each action, and the value.
#
# What an agent learns from is what it plays, so its first policy should try all actions alike. Small weights in the
# layer of the logits do that: `first(0.01)`, below. In layers with a ReLU `first(2**0.5)` keeps numbers from growing
# or shrinking on their way.


# %%
def first(size):
    """What a layer's weights are at the beginning, for its kernel_initializer."""
    return keras.initializers.Orthogonal(size)


def pong_network(shape, actions):
    """A keras.Model from frames (B, *shape) of bytes to a list: logits (B, actions) and values (B, 1)."""
    frames = keras.Input(shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 128, -87 / 128)(frames)  # numbers of about 1; the grey of the field, 87, becomes 0
    x = keras.layers.Permute((2, 3, 1))(x)  # (B, height, width, frames): Keras has channels last
    # TODO: a convolution with 16 filters of 8 x 8 and strides of 4, one with 32 of 3 x 3 and strides of 2, a dense
    # TODO: layer of 256, these three with ReLU; then both heads, and the model
    # NUDGE: What comes out of the second convolution is (B, 9, 4, 32). What has to happen before a dense layer can see
    # NUDGE: all of it at once?
    # IDEA: Conv2D(filters, size, strides, activation="relu", kernel_initializer=...), the same again, Flatten, Dense;
    # IDEA: the heads and the model as in pole_network.
    # CODE: x = keras.layers.Conv2D(16, 8, 4, activation="relu", kernel_initializer=first(2**0.5))(x)
    # CODE: x = keras.layers.Conv2D(...)(x)
    # CODE: x = keras.layers.Flatten()(x)
    # CODE: x = keras.layers.Dense(256, ...)(x)
    # CODE: logits = keras.layers.Dense(..., kernel_initializer=first(0.01), name="logits")(x)
    # CODE: values = keras.layers.Dense(..., kernel_initializer=first(1.0), name="values")(x)
    # CODE: return keras.Model(frames, [..., ...])
    # EXAMPLE: [part.shape for part in pong_network((2, 80, 40), 3).outputs] -> [(None, 3), (None, 1)]
    ### BEGIN SOLUTION
    x = keras.layers.Conv2D(16, 8, 4, activation="relu", kernel_initializer=first(2**0.5))(x)
    x = keras.layers.Conv2D(32, 3, 2, activation="relu", kernel_initializer=first(2**0.5))(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(256, activation="relu", kernel_initializer=first(2**0.5))(x)
    logits = keras.layers.Dense(actions, kernel_initializer=first(0.01), name="logits")(x)
    values = keras.layers.Dense(1, kernel_initializer=first(1.0), name="values")(x)
    return keras.Model(frames, [logits, values])
    ### END SOLUTION


# %%
checks.pong_network(pong_network)

# %%
pong_network(observations.shape[1:], 3).summary()

# %%
watch("pong_before", "pong")

# %% [markdown]
# At random it loses. Now your network trains, by your functions. That takes eight to fourteen minutes on two cores; get
# a coffee when the first rows have come. The mean return is `nan` until a first game is over; the dotted line in the
# curve below, 18, is a clear win. If you interrupt the cell, run it again and it goes on from its last report; to start
# anew, for example with another loss or network, give it another folder.

# %%
chosen, rows = for_smoke(settings.PONG), []
playing = training.train(chosen, work / "pong", reporting(chosen.steps, rows), algorithm=mine, build=pong_network)

# %%
pictures.curve(training.read_log(work / "pong").to_dict("records"), study.GOALS["pong"])

# %% [markdown]
# ## 9. Is it any good?
#
# The curve above is of games on which it was trained, by policies that still changed. So: fresh games, each played to
# its end, none left out. Once with actions **drawn** from the policy, as in training, and once **greedy**, always the
# likeliest.

# %%
agent, environment, episodes = (balancing, "cartpole", 4) if SMOKE else (playing, "pong", 50)
for policy, greedy in {"sampled": False, "greedy": True}.items():
    returns = evaluate(agent, environment, episodes, seed=10_000, greedy=greedy)
    error = returns.std(ddof=1) / len(returns) ** 0.5
    print(
        f"{policy}: mean return {returns.mean():.2f} ± {error:.2f} (standard error of {len(returns)} episodes), "
        f"worst {returns.min():g}, {np.sum(returns > 0)} above zero"
    )

# %%
watch("pong_after", "pong", playing)

# %% [markdown]
# To keep an agent is to keep its network: `network.save("agent.keras")` of Keras writes the layers and their weights
# into one file, and `keras.saving.load_model("agent.keras")` makes the network of it again. `training.save` leaves out
# the optimizer's numbers, which only more training needs; `training.load_for` also asks whether the agent fits the
# game. What comes back decides as before. (`training.train` keeps such a file in its folder as well, and beside it a
# *checkpoint*, which does hold the optimizer: from there an interrupted training goes on.)

# %%
path = work / "agent.keras"  # give it a folder of your own to keep it; this one is temporary
training.save(playing, path)
again = training.load_for("pong", path)
same = np.array_equal(playing.network(observations)[0], again.network(observations)[0])
print(f"{path.stat().st_size / 1e6:.1f} MB, the same logits: {same}")

# %% [markdown]
# ## 10. Over seeds
#
# One run is an anecdote: with another seed it may come out otherwise. So each algorithm was run with several; the lines
# are means, the bands go from the worst seed to the best. To make it takes hours, so this is what the repository keeps
# of it (`./run_experiments.sh labs rl` makes it anew).

# %% tags=["kept"]
if RESULTS:
    study.complete(Path(RESULTS), smoke=SMOKE)

# %%
kept = Path(RESULTS or study.RESULTS)
if (kept / "table.md").exists():
    display(Markdown((kept / "table.md").read_text("utf-8")))
for name in ("cartpole.png", "pong.png"):
    if (kept / name).exists():
        display(Image(str(kept / name)))

# %% [markdown]
# Look at REINFORCE on Pong (A2C was run on CartPole alone). This is what the course's lab asks to train, and the honest
# curve stays close to the bottom as far as it was run: compare it with PPO's at the same number of steps. It is no bug:
# the same functions balanced the pole. In Pong many actions go by before there is a point, and all of them are blamed
# if it is lost, the good ones too. The noise of such a gradient hides its direction, and each batch is used once.
#
# That is why A2C and PPO exist. The critic takes out what was to be expected anyway, so less noise is left (A2C), and
# clipping lets each batch be used several times (PPO). CartPole is kinder: episodes begin short, and each step has a
# reward. There look at how many steps each of the three needs, and how much the seed matters.
#
# And mind what "wins at Pong" means. The emulator has hardly any chance in it, and the opponent always plays alike, so
# an agent may learn by heart how to beat it. With *sticky actions* the emulator repeats the last action by chance,
# whatever the agent wants. Compare the columns with and without them.
#
# ## 11. What to hand in
#
# 1. This notebook, run from top to bottom, with every check saying "right".
# 2. Your agent's mean of full games of Pong, sampled and greedy, with its standard error, and its video.
# 3. One sentence on each of the two questions ("Think").
# 4. A line for your agent in the [leaderboard](../rl/leaderboard.md).
#
# ## 12. Extend it
#
# * A2C on CartPole: an `Algorithm` of your `estimate` and your loss, `lambda log_probs, old, advantages, clip:
#   policy_gradient_loss(log_probs, advantages)`, with `settings.CARTPOLE_A2C`. How many steps does it need, over five
#   seeds?
# * `dataclasses.replace(settings.PONG, sticky=0.25)`, and the same option of `evaluate`: the emulator repeats the last
#   action a quarter of the time. Train with and without, and evaluate each agent in both.
# * Set `trace` to 0 and to 1, and take out the clipping (`clip=1e9`) at `passes=10`. Which of them breaks, and what
#   does the column `kl` of the log say?
# * `all_actions=True` for Pong, set in the same way: six actions, of which pairs do the same. What does that cost?
# * Another game: `dataclasses.replace(settings.PONG, environment="breakout")`. Look at its screen: what could be
#   cropped, how many frames are needed, and which line in `environments.SCREENS` would say so?
# * Another body: `LunarLander-v3` by the same agent. It needs `pip install "gymnasium[box2d]"`.
# * Pong by a network of twice the width, or without `first`: what does it cost in time, and what in points?
