"""Every registered method: what it may see, what it returns, what it draws. New methods are found by themselves."""

import dataclasses

import numpy as np
import pytest

from baselines import METHODS, method
from baselines.oracle import equal_shares
from debias.backend import keras
from debias.data.dataset import NO_GROUP, Splits
from debias.errors import InputError


@dataclasses.dataclass
class Trained:
    """A trained method with the splits it received and the folder it wrote."""

    name: str
    model: keras.Model
    received: Splits
    folder: object

    @property
    def probabilities(self):
        """Sampling probabilities of the last epoch."""
        return np.load(sorted((self.folder / "sampling").iterdir())[-1])


@pytest.fixture(scope="module", params=METHODS)
def trained(request, splits, tiny_config, tmp_path_factory) -> Trained:
    """One method, trained while its arguments are recorded."""
    registered, received = METHODS[request.param], []

    def spy(seen, config):
        received.append(seen)
        return registered.run(seen, config)

    folder = tmp_path_factory.mktemp(request.param)
    config = dataclasses.replace(tiny_config, folder=folder, learning_rate=0.01)
    model = dataclasses.replace(registered, run=spy).train(splits, config)
    return Trained(request.param, model, received[0], folder)


def test_gives_a_logit_an_image(trained, splits):
    logits = np.asarray(trained.model(splits.test.images() / 255.0))
    assert logits.shape == (len(splits.test),) and np.all(np.isfinite(logits))


def test_learns(trained, splits):
    images = np.concatenate([splits.train.positives().images(), splits.train.negatives().images()])
    logits = np.asarray(trained.model(images / 255.0))
    count = len(splits.train.positives())
    assert logits[:count].mean() > logits[count:].mean()


def test_is_saved_and_reloaded(trained, splits, tmp_path):
    trained.model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    images = splits.test.images() / 255.0
    np.testing.assert_array_equal(loaded(images), trained.model(images))


def test_sees_only_what_it_declared(trained, splits):
    seen, declared = trained.received, METHODS[trained.name].labels
    assert seen.test is None
    for part in (seen.train, seen.validation):
        assert dict(part.factors) == {}
        assert (part.groups is not None) == (declared == "group")
        assert part.group_names == (splits.train.group_names if declared == "group" else ())
    np.testing.assert_array_equal(seen.train.images(), splits.train.images())


def test_trains_the_same_when_undeclared_labels_are_scrambled(trained, splits, tiny_config):
    """Groups, factors and the test split of another data set altogether change nothing."""
    if METHODS[trained.name].labels == "group":
        pytest.skip("sees the groups")
    scrambled = [
        dataclasses.replace(part, groups=part.groups[::-1], factors={}) for part in (splits.train, splits.validation)
    ]
    config = dataclasses.replace(tiny_config, learning_rate=0.01)
    again = METHODS[trained.name].train(Splits("scrambled", *scrambled, None), config)
    for ours, theirs in zip(again.variables, trained.model.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_draws_the_faces_it_should(trained, splits):
    p, groups = trained.probabilities, splits.train.positives().groups
    assert p.shape == groups.shape and p.sum() == pytest.approx(1)
    shares = np.bincount(groups, weights=p)
    if trained.name == "oracle":
        np.testing.assert_allclose(shares, [0.5, 0.5])
    elif trained.name.startswith("dbvae"):
        assert p.std() > 0
    else:
        np.testing.assert_allclose(p, 1 / len(p))


def test_a_method_that_declared_class_cannot_reach_groups(splits, tiny_config):
    def curious(seen, config):
        return seen.train.groups[0]

    with pytest.raises(TypeError):  # groups are None
        dataclasses.replace(METHODS["cnn"], run=curious).train(splits, tiny_config)


def test_oracle_without_groups_is_refused_in_one_line(splits, tiny_config):
    ungrouped = Splits("plain", *(part.without_groups() for part in (splits.train, splits.validation, splits.test)))
    with pytest.raises(InputError, match="plain has no groups") as caught:
        METHODS["oracle"].train(ungrouped, tiny_config)
    assert "\n" not in str(caught.value)


def test_equal_shares_by_counting():
    p = equal_shares(np.array([0, 0, 0, 2, 2, 5]))
    np.testing.assert_allclose(p, [1 / 9, 1 / 9, 1 / 9, 1 / 6, 1 / 6, 1 / 3])


def test_unknown_method_names_the_known_ones():
    with pytest.raises(InputError, match="'dbvae'.*cnn, vae, dbvae-product, dbvae-max, oracle"):
        method("dbvae")


def test_titles_are_unique_and_declarations_known(splits):
    titles = [registered.title for registered in METHODS.values()]
    assert len(set(titles)) == len(titles)
    for registered in METHODS.values():
        assert isinstance(splits.visible_to(registered.labels), Splits)


def test_negatives_have_no_group(splits):
    assert set(splits.train.negatives().groups) == {NO_GROUP}  # what the oracle relies on
