"""Every registered method: what it may see, what it returns, what it draws. New methods are found by themselves."""

import dataclasses
import importlib
import sys
import types

import numpy as np
import pytest

from baselines import METHODS, Method, method
from baselines.oracle import equal_shares
from debias.backend import keras
from debias.data.dataset import NO_GROUP, Splits
from debias.errors import InputError


@dataclasses.dataclass
class Trained:
    """A trained method with the splits and arguments it received and the folder it wrote."""

    name: str
    model: keras.Model
    received: Splits
    arguments: dict
    folder: object

    @property
    def declared(self) -> Method:
        """What METHODS says of it."""
        return METHODS[self.name]

    @property
    def probabilities(self):
        """Sampling probabilities of the last epoch."""
        return np.load(sorted((self.folder / "sampling").iterdir())[-1])


@pytest.fixture(scope="module", params=METHODS)
def trained(request, splits, tiny_config, tmp_path_factory) -> Trained:
    """One method, trained while what it is given is recorded."""
    declared, received = METHODS[request.param], []
    module = importlib.import_module(declared.module)
    own = module.train

    def spy(seen, config, **arguments):
        received.append((seen, arguments))
        return own(seen, config, **arguments)

    folder = tmp_path_factory.mktemp(request.param)
    config = dataclasses.replace(tiny_config, folder=folder, learning_rate=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "train", spy)
        model = declared.train(splits, config)
    return Trained(request.param, model, *received[0], folder)


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
    seen, declared = trained.received, trained.declared.labels
    assert seen.test is None
    for part in (seen.train, seen.validation):
        assert dict(part.factors) == {}
        assert (part.groups is not None) == (declared == "group")
        assert part.group_names == (splits.train.group_names if declared == "group" else ())
    np.testing.assert_array_equal(seen.train.images(), splits.train.images())


def test_is_given_the_arguments_of_its_line(trained):
    assert trained.arguments == dict(trained.declared.arguments)


def test_trains_the_same_when_undeclared_labels_are_scrambled(trained, splits, tiny_config):
    """Groups, factors and the test split of another data set altogether change nothing."""
    if trained.declared.labels == "group":
        pytest.skip("sees the groups")
    if trained.name not in {entry.module: name for name, entry in METHODS.items()}.values():
        pytest.skip("another method of the same module is trained again")
    scrambled = [
        dataclasses.replace(part, groups=part.groups[::-1], factors={}) for part in (splits.train, splits.validation)
    ]
    config = dataclasses.replace(tiny_config, learning_rate=0.01)
    again = trained.declared.train(Splits("scrambled", *scrambled, None), config)
    for ours, theirs in zip(again.variables, trained.model.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_draws_faces_unevenly_where_it_says_that_it_resamples(trained, splits):
    """The oracle is the exception: it draws unevenly by the labels it is given, not by what it learns of the faces."""
    p, groups = trained.probabilities, splits.train.positives().groups
    assert p.shape == groups.shape and p.sum() == pytest.approx(1)
    if trained.name == "oracle":
        np.testing.assert_allclose(np.bincount(groups, weights=p), [0.5, 0.5])
        assert not trained.declared.resamples
    elif trained.declared.resamples:
        assert p.std() > 0
    else:
        np.testing.assert_allclose(p, 1 / len(p))


def test_reconstructs_images_where_it_says_so(trained, splits):
    assert hasattr(trained.model, "reconstruct") == trained.declared.reconstructs
    if trained.declared.reconstructs:
        images = splits.test.images()[:3] / 255
        assert trained.model.reconstruct(images).shape == images.shape


@pytest.fixture
def registered(monkeypatch):
    """Makes a method of a function, in a module of its own."""

    def make(train, **declared):
        module = types.ModuleType("own_method")
        module.train = train
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return Method("Own", module.__name__, **declared)

    return make


def test_a_method_that_declared_class_cannot_reach_groups(registered, splits, tiny_config):
    def curious(seen, config):
        return seen.train.groups

    assert registered(curious).train(splits, tiny_config) is None
    np.testing.assert_array_equal(registered(curious, labels="group").train(splits, tiny_config), splits.train.groups)


def test_arguments_of_a_line_reach_train(registered, splits, tiny_config):
    def train(seen, config, strength, cautious=False):
        return config, strength, cautious

    arguments = {"strength": 3, "cautious": True}
    assert registered(train, arguments=arguments).train(splits, tiny_config) == (tiny_config, 3, True)
    with pytest.raises(TypeError, match="typo"):
        registered(train, arguments={"strength": 3, "typo": 1}).train(splits, tiny_config)


def test_a_method_s_module_is_imported_when_it_trains(splits, tiny_config):
    with pytest.raises(ModuleNotFoundError, match="not_written_yet"):
        Method("Later", "baselines.not_written_yet").train(splits, tiny_config)


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
    titles = [declared.title for declared in METHODS.values()]
    assert len(set(titles)) == len(titles)
    for declared in METHODS.values():
        assert isinstance(splits.visible_to(declared.labels), Splits)


def test_negatives_have_no_group(splits):
    assert set(splits.train.negatives().groups) == {NO_GROUP}  # what the oracle relies on
