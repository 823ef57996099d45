"""What makes each method itself, against numbers computed in another way."""

import dataclasses
import os

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from baselines import (
    METHODS,
    afr,
    class_balanced,
    cvar_dro,
    density,
    dfr,
    focal,
    george,
    group_dro,
    jtt,
    lff,
    neighbours,
    wide,
)
from baselines.reweighted import outputs, set_head
from baselines.subsampling import balanced_subset
from debias.backend import keras, tf
from debias.config import Config
from debias.data.dataset import Dataset
from debias.data.pipeline import BalancedBatches
from debias.detector import Classifier
from debias.errors import InputError
from debias.neighbourhoods import Neighbourhoods
from debias.presets import Preset

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def features():
    """Of 60 images in 5 dimensions, and labels that they tell almost."""
    x = RNG.normal(size=(60, 5))
    return x, (x[:, 0] + 0.5 * RNG.normal(size=60) > 0).astype(np.uint8)


@pytest.fixture
def flat(splits):
    """An encoder whose features are the 64 pixels."""
    return keras.Sequential([keras.Input(splits.train.image_shape), keras.layers.Flatten()])


def test_group_dro_s_weights_follow_a_sequence_by_hand():
    """Three steps of Algorithm 1 with step size 1/2: q is multiplied by exp(loss / 2) and divided by the sum."""
    losses = np.array([[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [1.0, 1.0, 1.0]])
    q, expected = tf.fill([3], 1 / 3), [[np.e, 1, 1], [np.e, np.e**2, 1], [np.e, np.e**2, 1]]
    for loss, raised in zip(losses, expected, strict=True):
        q = group_dro.updated(q, tf.constant(loss, tf.float32), 0.5)
        np.testing.assert_allclose(q, np.array(raised) / np.sum(raised), rtol=1e-5)


def test_group_dro_takes_the_mean_of_each_group_and_nothing_of_an_absent_one():
    found = group_dro.means_by_group(tf.constant([1.0, 2.0, 6.0, 5.0]), tf.constant([0, 2, 2, 0]), 4)
    np.testing.assert_allclose(found, [3, 0, 4, 0])


def test_group_dro_s_step_weighs_groups_by_their_weights_before_a_margin_that_small_ones_get(splits):
    """One step of the whole objective; the margin is adjustment / sqrt(images), and others are a group of their own."""
    train = splits.train
    groups = train.positives().groups
    draws = BalancedBatches(train, 8, flip=False)
    encoder = keras.Sequential([keras.Input(train.image_shape), keras.layers.Flatten()])
    model = group_dro.GroupDRO(encoder, groups, draws, step_size=0.1, adjustment=3.0)
    model.optimizer = keras.optimizers.SGD()
    losses = tf.range(8, dtype=tf.float32)
    loss = model.objective(losses, None)
    drawn = groups[draws.positions(tf.constant(0, tf.int64))[0].numpy()]
    means = [losses.numpy()[:4][drawn == group].mean() if any(drawn == group) else 0 for group in (0, 1)] + [5.5]
    raised = np.exp(0.1 * (np.array(means) + 3 / np.sqrt([48, 8, 56])))
    np.testing.assert_allclose(model.shares, raised / raised.sum(), rtol=1e-5)
    assert float(loss) == pytest.approx(raised @ means / raised.sum(), rel=1e-5)


def test_jtt_repeats_the_faces_that_come_out_wrong():
    logits = np.array([-3.0, 2.0, -0.1, 0.0, 5.0])
    counts = jtt.multiplicity(logits, 20)
    assert counts.tolist() == [20, 1, 20, 1, 1]
    repeated = np.repeat(np.arange(5), counts.astype(int))  # the enlarged training set of Algorithm 1
    np.testing.assert_allclose(counts / counts.sum(), np.bincount(repeated) / len(repeated))


def test_lff_s_average_begins_with_the_first_value_and_forgets():
    table = tf.zeros([2, 3])
    for values, expected in (([1.0, 2.0], [1, 0, 2]), ([2.0, 4.0], [0.7 + 0.6, 0, 1.4 + 1.2])):
        table = lff.averaged(table, tf.constant([0, 2]), tf.constant([values, values]), 0.7)
        np.testing.assert_allclose(table, [expected] * 2, rtol=1e-6)


def test_lff_moves_the_average_of_an_image_once_a_batch():
    table = lff.averaged(tf.fill([2, 2], 1.0), tf.constant([1, 1]), tf.constant([[2.0, 4.0], [3.0, 5.0]]), 0.5)
    np.testing.assert_allclose(table, [[1, 0.5 + 1.5], [1, 0.5 + 2]])


@pytest.fixture
def lff_step(splits, flat):
    """One step of LfF with linear networks, the biased one first, where each image has averages already.

    Pixels (8, 64), signs (8,) of the labels, positions (2, 4), averages (2, 2, 56), heads and their gradients (2, 64).
    """
    draws, heads = BalancedBatches(splits.train, 8, flip=False), RNG.normal(size=(2, 64)) / 3
    biased = set_head(Classifier(flat), heads[0], 0)
    model = set_head(lff.LfF(flat, biased, draws, q=0.7, decay=0.6), heads[1], 0)
    model.optimizer, averages = keras.optimizers.SGD(), RNG.uniform(0.2, 2, (2, 2, 56))
    for table, values in zip(model.averages, averages, strict=True):
        table.assign(values)
    images, labels = draws(tf.constant(0, tf.int64))
    with tf.GradientTape() as tape:
        loss = model.loss_terms(images, labels, training=True)["loss"]
    slopes = tape.gradient(loss, [biased.head.kernel.value, model.head.kernel.value])
    positions = np.array(draws.positions(tf.constant(0, tf.int64)))
    return images.numpy().reshape(8, 64), 2 * labels.numpy() - 1, positions, averages, heads, np.squeeze(slopes)


def test_lff_s_biased_network_minimises_the_generalised_cross_entropy(lff_step):
    """Eq. 1, (1 - p(label)^q) / q, times q as in the authors' code; by finite differences."""
    x, signs, _, _, heads, slopes = lff_step
    expected = approx_fprime(heads[0], lambda head: np.mean(1 - expit(signs * (x @ head)) ** 0.7))
    np.testing.assert_allclose(slopes[0], expected, atol=1e-5)


def test_lff_s_other_network_learns_most_from_what_the_biased_one_finds_harder(lff_step):
    """Eq. 2, of averages divided by the largest of their class; by finite differences."""
    x, signs, positions, averages, heads, slopes = lff_step
    losses, weights = np.logaddexp(0, -signs * (heads @ x.T)), []  # (2, 8)
    for table, drawn, new in zip(averages, positions, np.split(losses, 2, axis=1), strict=True):
        table[:, drawn] = 0.6 * table[:, drawn] + 0.4 * new
        biased, other = table[:, drawn] / table.max(1, keepdims=True)
        weights.extend(biased / (biased + other))
    expected = approx_fprime(heads[1], lambda head: np.mean(weights * np.logaddexp(0, -signs * (x @ head))))
    np.testing.assert_allclose(slopes[1], expected, atol=1e-5)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.3, 0.01])
def test_cvar_is_the_mean_of_the_largest_losses_by_a_sort(share):
    losses = RNG.permutation(np.arange(10.0)).astype(np.float32)
    worst, count = np.sort(losses)[::-1], share * 10
    whole = int(count + 1e-9)
    expected = (worst[:whole].sum() + (count - whole) * (worst[whole] if whole < 10 else 0)) / count
    assert float(cvar_dro.conditional_value_at_risk(tf.constant(losses), share)) == pytest.approx(expected, rel=1e-5)


def test_cvar_teaches_the_worst_of_equal_losses_alike_and_refuses_other_shares(splits):
    losses = tf.Variable([1.0, 1.0, 1.0, 1.0])
    with tf.GradientTape() as tape:
        loss = cvar_dro.conditional_value_at_risk(losses, 0.5)
    assert np.sum(tape.gradient(loss, losses)) == pytest.approx(1)
    for share in (0, 1.5):
        with pytest.raises(InputError, match="share must be above 0"):
            cvar_dro.train(splits, Config(), share)


def test_focal_loss_is_eq_4_and_without_gamma_the_cross_entropy():
    p = np.array([0.1, 0.5, 0.9])
    losses = tf.constant(-np.log(p), tf.float32)
    for gamma in (0.0, 2.0):
        found = focal.Focal.objective(type("Any", (), {"gamma": gamma}), losses, None)
        assert float(found) == pytest.approx(np.mean(-((1 - p) ** gamma) * np.log(p)), rel=1e-5)


def test_class_weights_go_from_the_classes_counts_to_one():
    assert class_balanced.class_weights(100, 300, 0.0) == pytest.approx((0.5, 1.5))
    assert class_balanced.class_weights(100, 300, 1 - 1e-9) == pytest.approx((1, 1), abs=1e-5)


def test_class_balanced_loss_weighs_all_images_by_effective_numbers(splits, tiny_config, monkeypatch):
    """Of 56 faces and 14 others: an image drawn stands for as many, each at 1 / (1 + beta + ... + beta^(n - 1))."""
    monkeypatch.setattr(class_balanced, "fit_plain", lambda model, *_: model)
    fewer = dataclasses.replace(splits, train=splits.train.take(np.arange(56 + 14)))
    model = class_balanced.train(fewer, tiny_config, beta=0.9)
    losses, counts = RNG.random(8), np.repeat([56, 14], 4)
    loss = model.objective(tf.constant(losses, tf.float32), tf.repeat([1.0, 0.0], 4))
    effective = [sum(0.9**k for k in range(n)) for n in counts]
    assert float(loss) == pytest.approx(np.average(losses, weights=counts / effective), rel=1e-5)


def test_afr_s_weights_are_those_of_the_errors_with_classes_balanced():
    labels = np.array([1, 1, 1, 0])
    found = afr.error_weights(np.array([0.0, 30.0, -30.0, 30.0]), labels, gamma=2.0)
    expected = np.array([np.exp(-1) / 3, np.exp(-2) / 3, 1 / 3, 1.0])  # p(label) is 1/2, 1, 0 and 0
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-6)


def test_afr_s_head_is_the_weighted_logistic_regression(features):
    """Pulled to zero, with the bias as one more feature, it is scikit-learn's with C = 1 / (2 penalty)."""
    x, labels = features
    weights = RNG.random(len(x)) / len(x)
    found = afr.fitted(x, labels, weights, np.zeros(5), np.zeros(1), penalty=0.01)
    theirs = LogisticRegression(C=1 / 0.02, fit_intercept=False, tol=1e-8, max_iter=1000)
    theirs.fit(np.hstack([x, np.ones((len(x), 1))]), labels, sample_weight=weights)
    np.testing.assert_allclose(np.append(*found), theirs.coef_[0], rtol=1e-3, atol=1e-4)


def test_afr_stays_at_the_first_head_where_the_penalty_is_large(features):
    first = RNG.normal(size=5)
    weights, bias = afr.fitted(*features, np.full(60, 1 / 60), first, np.ones(1), penalty=1e6)
    np.testing.assert_allclose([*weights, bias], [*first, 1], atol=1e-5)


def test_afr_holds_back_a_fifth_of_each_class_and_needs_some(splits, tiny_config):
    seen, held_out = afr.divided(splits.train, np.random.default_rng(0))
    assert np.bincount(held_out.labels).tolist() == [round(0.2 * 56)] * 2
    assert not set(held_out.rows) & set(splits.train.rows[seen]) and len(held_out) + seen.sum() == len(splits.train)
    few = dataclasses.replace(splits, train=splits.train.take(np.r_[:4, 56:112]))
    with pytest.raises(InputError, match="AFR needs at least 2 of each, got 1 held-out faces: give more"):
        METHODS["afr"].train(few, tiny_config)


@pytest.mark.parametrize("penalty", [0, -1e-3, float("nan")])
def test_afr_without_a_penalty_is_refused_before_it_trains(splits, tiny_config, monkeypatch, penalty):
    monkeypatch.setattr(afr, "prepare", None)
    with pytest.raises(InputError, match=f"^AFR: penalty must be > 0, got {penalty}$"):
        METHODS["afr"].having(penalty=penalty).train(splits, tiny_config)


def test_dfr_s_head_gives_the_logits_of_scikit_learn_s_pipeline(features):
    x, labels = features
    weights, bias = dfr.head(StandardScaler().fit(3 * x + 7), 3 * x + 7, labels, 0.3)
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, l1_ratio=1, solver="liblinear", random_state=0))
    theirs.fit(3 * x + 7, labels)
    np.testing.assert_allclose((3 * x + 7) @ weights + bias, theirs.decision_function(3 * x + 7), atol=1e-8)
    assert np.any(weights == 0)  # what an L1 penalty does


def test_dfr_s_logits_are_the_mean_of_ten_regressions_on_ten_subsets(splits, tiny_config, flat, monkeypatch):
    monkeypatch.setattr(dfr.cnn, "train", lambda *_: Classifier(flat))
    subsets, own = [], dfr.balanced
    monkeypatch.setattr(dfr, "balanced", lambda *given: subsets.append(own(*given)) or subsets[-1])
    model, logits = dfr.train(splits, tiny_config, 0.5), []
    train, x = (part.images().reshape(-1, 64) / 255 for part in (splits.train, splits.validation))
    z = (x - train.mean(axis=0)) / train.std(axis=0)
    for rows in subsets:
        one = LogisticRegression(C=0.5, l1_ratio=1, solver="liblinear", random_state=0)
        logits.append(one.fit(z[rows], splits.validation.labels[rows]).decision_function(z))
    np.testing.assert_allclose(model(x.reshape(-1, 8, 8, 1)), np.mean(logits, axis=0), atol=1e-4)
    assert len({frozenset(rows) for rows in subsets}) == 10 and np.std(logits, axis=0).mean() > 0.1


def test_dfr_draws_as_many_of_each_group_and_as_many_others(splits):
    rows = dfr.balanced(splits.validation, np.random.default_rng(0))
    assert len(set(rows)) == len(rows) == 4 * 8
    assert np.bincount(splits.validation.groups[rows] + 1).tolist() == [16, 8, 8]


def test_dfr_with_too_few_validation_faces_is_refused_before_it_trains(splits, tiny_config):
    kept = splits.validation.groups != 1
    few = dataclasses.replace(splits, validation=splits.validation.take(kept))
    with pytest.raises(InputError, match="DFR needs at least 1 of each, got 0 validation faces 'right': give more"):
        METHODS["dfr"].train(few, tiny_config)
    few = dataclasses.replace(splits, validation=splits.validation.take(np.arange(20)))
    with pytest.raises(InputError, match="DFR needs at least 16 of each, got 4 validation others"):
        METHODS["dfr"].train(few, tiny_config)


def test_another_head_is_what_the_model_then_computes():
    encoder = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])
    weights, images = np.array([1.0, 2.0, 3.0, 4.0]), RNG.random((3, 2, 2, 1), np.float32)
    logits = set_head(Classifier(encoder), weights, -1.0)(images)
    np.testing.assert_allclose(logits, images.reshape(3, 4) @ weights - 1, rtol=1e-5)


def test_outputs_are_those_of_the_images_in_order_however_many_at_once(splits, tiny_config, flat, monkeypatch):
    monkeypatch.setattr("baselines.reweighted._AT_ONCE", 50)
    weights, pixels = RNG.normal(size=64), splits.train.images().reshape(-1, 64) / 255
    np.testing.assert_allclose(outputs(flat, splits.train, tiny_config), pixels, atol=1e-6)
    found = outputs(set_head(Classifier(flat), weights, -1.0), splits.train, tiny_config)
    np.testing.assert_allclose(found, pixels @ weights - 1, atol=1e-4)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_one_output_that_is_no_number_is_refused_in_one_line(splits, tiny_config, wrong):
    def model(images, training):
        return tf.where(tf.range(tf.shape(images)[0]) == 3, wrong, 0.0)

    with pytest.raises(FloatingPointError, match=r"^outputs are NaN or infinite: .*lower the learning rate\Z"):
        outputs(model, splits.validation, tiny_config)


def test_outputs_of_a_file_cut_short_are_one_line(tiny_config, tmp_path):
    path, shape = tmp_path / "images", (20, 2, 2, 1)
    path.write_bytes(bytes(80))
    data = Dataset(np.memmap(path, np.uint8, "r", 0, shape), np.arange(20), np.ones(20, np.uint8))
    os.truncate(path, 40)
    model = Classifier(keras.Sequential([keras.Input(shape[1:]), keras.layers.Flatten()]))
    with pytest.raises(InputError, match="images: became shorter while it was read") as caught:
        outputs(model, data, dataclasses.replace(tiny_config, images="streamed"))
    assert "\n" not in str(caught.value)


@pytest.fixture
def unfitted(monkeypatch):
    """A wider or residual network comes as it is, with the steps of an epoch that it was to train for."""
    monkeypatch.setattr(wide, "fit", lambda model, _, __, config: (model, config.steps_per_epoch))


@pytest.mark.parametrize("times", [2, 0.5])
def test_the_wider_network_has_so_many_times_the_filters_and_units(splits, tiny_config, unfitted, times):
    """Weights by hand: two 3 x 3 convolutions with batch norm, 4 numbers a filter, to 2 x 2 pixels, and two layers."""
    model, _ = METHODS["wide"].having(times=times).train(splits, tiny_config)
    first, second, units = 16 * times, 32 * times, 64 * times
    convolutions = (9 * 1 + 1 + 4) * first + (9 * first + 1 + 4) * second
    assert model.count_params() == convolutions + (2 * 2 * second + 1) * units + (units + 1)


@pytest.mark.parametrize("name", ["wide", "residual"])
def test_other_networks_get_their_share_of_the_steps_and_at_least_one(splits, tiny_config, unfitted, name):
    declared = METHODS[name].having(share=0.4)
    for given, steps in ((100, 40), (None, 3), (1, 1)):  # an epoch of 56 faces, 8 a batch, has 7
        assert declared.train(splits, dataclasses.replace(tiny_config, steps_per_epoch=given))[1] == steps


def test_a_share_of_the_steps_is_what_is_trained(splits, tiny_config):
    sizes = Preset(filters=(2,), kernels=(2,), dense=2)
    model = wide.train_as(sizes, 3 / 7, splits, tiny_config)
    assert int(model.optimizer.iterations) == 3 * tiny_config.epochs


def test_subsampling_keeps_as_many_of_each_group_as_the_smallest_has():
    groups = np.repeat([0, 2, 5], [50, 7, 20])
    kept = balanced_subset(groups, np.random.default_rng(0))
    assert np.bincount(groups[kept]).tolist() == [7, 0, 7, 0, 0, 7]
    assert not np.array_equal(kept, balanced_subset(groups, np.random.default_rng(1)))


def test_george_finds_clusters_that_are_there():
    truth = np.repeat([0, 1, 2], [80, 30, 10])
    points = np.array([[0, 0], [8, 0], [0, 8]])[truth] + RNG.normal(size=(120, 2))
    found = george.clusters(points, seed=0)
    assert len(set(zip(truth.tolist(), found.tolist(), strict=True))) == 3 == len(set(found))


def test_george_s_silhouette_counts_rare_clusters_as_much_as_common_ones():
    """Against the definition, (b - a) / max(a, b) of each point: a to its own cluster, b to the nearest other."""
    labels = np.repeat([0, 1, 3], [20, 6, 4])  # a component of the mixture may stay empty
    points = np.array([[0, 0], [3, 0], [7, 7], [0, 3]])[labels] + RNG.normal(size=(30, 2))
    by_cluster = {label: [] for label in labels}
    for i, label in enumerate(labels):
        away = np.linalg.norm(points - points[i], axis=1)
        own = away[labels == label].sum() / (np.sum(labels == label) - 1)
        nearest = min(away[labels == other].mean() for other in by_cluster if other != label)
        by_cluster[label].append((nearest - own) / max(own, nearest))
    truth = np.mean([np.mean(each) for each in by_cluster.values()])
    assert george.silhouette(points, labels, seed=0) == pytest.approx(truth)
    assert george.silhouette(points, np.zeros(30, int), seed=0) == -1


def test_faces_are_drawn_by_a_power_of_the_density_around_them():
    """Against the density that the points are from; neighbours estimate it to about a third."""
    points = RNG.normal(size=(4000, 2))
    weights = density.rarity(points, dimensions=2, power=0.5)
    truth = multivariate_normal(np.zeros(2)).pdf(points) ** -0.5
    inner = np.linalg.norm(points, axis=1) < 2
    assert np.corrcoef(np.log(weights[inner]), np.log(truth[inner]))[0, 1] > 0.75
    np.testing.assert_allclose(density.rarity(points, 2, 0.0), 1)


def test_a_state_that_devices_cannot_share_is_refused(splits):
    for name in ("group_dro", "lff"):
        declared = METHODS[name.replace("_", "-")]
        module = {"group_dro": group_dro, "lff": lff}[name]
        with pytest.raises(InputError, match="devices cannot share: leave out the strategy"):
            module.train(splits, Config(replicas=2), **declared.arguments)


@pytest.fixture
def costly(splits, tiny_config):
    """What decides the draws of `splits`' faces: rare places are all alike, each of five groups is a neighbourhood."""

    def made() -> neighbours.DrawCostly:
        faces = splits.train.positives()
        groups = np.arange(len(faces)) % 5
        near = Neighbourhoods(np.eye(5)[groups], len(faces) // 10)
        batches = BalancedBatches(splits.train, 8)
        return neighbours.DrawCostly(faces, near, batches, tiny_config, share=0.3, until=3)

    return made


def begin(found, epoch, erring, monkeypatch):
    """An epoch begins with a model that errs on one of the five groups."""
    errs = np.arange(len(found.faces)) % 5 == erring
    monkeypatch.setattr(neighbours, "view_losses", lambda *_: np.where(errs, 1.0, 0.0))
    found.on_epoch_begin(epoch)
    p = found.sampler.probabilities.numpy()
    return [p[np.arange(len(p)) % 5 == group].sum() for group in range(5)]


def test_who_was_ever_hard_is_drawn_more_often_from_then_on(costly, monkeypatch):
    found = costly()
    np.testing.assert_allclose(begin(found, 0, 4, monkeypatch), 0.2, rtol=0.3)  # nothing has been learned yet
    first = begin(found, 1, 2, monkeypatch)
    assert first[2] > 3 * max(np.delete(first, 2))
    begin(found, 2, 1, monkeypatch)
    hard = begin(found, 3, 1, monkeypatch)
    assert min(hard[1], hard[2]) > 3 * max(hard[0], hard[3], hard[4])
    assert begin(found, 4, 0, monkeypatch) == hard  # the search is over


def test_a_killed_search_goes_on_with_what_it_found(costly, monkeypatch, tmp_path):
    first, second = costly(), costly()
    begin(first, 1, 2, monkeypatch)
    path = tf.train.Checkpoint(sampler=first.sampler).write(str(tmp_path / "kept"))
    tf.train.Checkpoint(sampler=second.sampler).read(path).assert_consumed()
    for found in (first, second):
        begin(found, 2, 1, monkeypatch)
    assert begin(first, 3, 1, monkeypatch) == begin(second, 3, 1, monkeypatch)


def test_losses_of_views_without_a_camera_are_those_of_the_images(splits, tiny_config):
    faces = splits.train.positives()
    model = Classifier(keras.Sequential([keras.Input(faces.image_shape), keras.layers.Flatten()]))
    logits = np.asarray(model(faces.images() / 255.0), np.float64)
    found = neighbours.view_losses(model, faces, tiny_config, epoch=1)
    np.testing.assert_allclose(found, np.log(np.log1p(np.exp(-logits)) + 1e-4), rtol=1e-4)
    changed = dataclasses.replace(tiny_config, augment=1.0)
    views = [neighbours.view_losses(model, faces, changed, epoch) for epoch in (1, 1, 2)]
    np.testing.assert_array_equal(views[0], views[1])  # a resumed run sees the same cameras
    assert np.abs(views[0] - views[2]).max() > 0


def test_a_thumbnail_has_the_means_of_eight_by_eight_parts(splits, tiny_config):
    images = RNG.integers(0, 256, (3, 32, 32, 3), np.uint8)
    found = np.asarray(neighbours.shrunk(tf.constant(images / 255.0, tf.float32)))
    parts = images.reshape(3, 8, 4, 8, 4, 3).mean((2, 4)).reshape(3, -1) / 255
    np.testing.assert_allclose(found, parts, atol=1e-6)
    flat = np.asarray(neighbours.shrunk(tf.constant(images[:, :1] / 255.0, tf.float32)))
    assert flat.shape == (3, 1 * 8 * 3)  # such as a table: one row of many columns
    assert neighbours.thumbnails(splits.train.positives(), tiny_config).shape[0] == len(splits.train.positives())
