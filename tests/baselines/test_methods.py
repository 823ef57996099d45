"""Every registered method: what it may see, what it returns, what it draws. New methods are found by themselves."""

import dataclasses
import importlib
import shutil
import sys
import types

import numpy as np
import pytest

from baselines import METHODS, Method, _registered, method
from baselines.oracle import equal_shares
from debias.backend import keras
from debias.data.dataset import Splits
from debias.errors import InputError

# To train costs seconds: what differs from another method in its loss or its weights alone is not trained twice, and
# not at all where the slow tests are left out.
LIKE = {
    "dbvae-product": "dbvae-max",
    "residual": "wide",
    "class-balanced": "focal",
    "cvar-dro": "focal",
    "subsampling": "oracle",
}


@dataclasses.dataclass
class Trained:
    """A trained method with the splits it received, the folder it wrote, and that of a killed run."""

    name: str
    model: keras.Model
    received: Splits
    folder: object
    killed: object

    @property
    def declared(self) -> Method:
        """What METHODS says of it."""
        return METHODS[self.name]

    @property
    def probabilities(self):
        """Sampling probabilities of the last epoch."""
        return np.load(sorted((self.folder / "sampling").iterdir())[-1])


class Untouchable:
    """Groups that nobody may look at."""

    def _refuse(self, *_, **__):
        raise AssertionError("a group column was touched")

    __array__ = __getitem__ = __len__ = __iter__ = __eq__ = __getattr__ = _refuse


def hidden(splits: Splits, declared: Method) -> Splits:
    """The splits with groups and factors that raise, unless the method declared that it needs groups."""
    kept = {} if declared.labels == "group" else {"groups": Untouchable()}
    parts = (dataclasses.replace(part, factors=Untouchable(), **kept) for part in (splits.train, splits.validation))
    return Splits(splits.name, *parts, None)


class Snapshot(keras.callbacks.Callback):
    """Copies a run's folder when its last epoch begins: what a run that is killed then leaves."""

    def __init__(self, folder, to, epochs):
        super().__init__()
        self.folder, self.to, self.last = folder, to, epochs - 1

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.last:
            shutil.copytree(self.folder, self.to, dirs_exist_ok=True)


@pytest.fixture(scope="module", params=[pytest.param(n, marks=[pytest.mark.slow] * (n in LIKE)) for n in METHODS])
def trained(request, splits, tiny_config, tmp_path_factory) -> Trained:
    """One method, trained while what it is given is recorded; groups that it did not declare raise when touched."""
    declared, received = METHODS[request.param], []
    module = importlib.import_module(declared.module)
    own = module.train

    def spy(seen, config, **arguments):
        received.append(seen)
        return own(seen, config, **arguments)

    folder = tmp_path_factory.mktemp(request.param)
    snapshot = Snapshot(folder, tmp_path_factory.mktemp("killed"), tiny_config.epochs)
    config = dataclasses.replace(tiny_config, folder=folder, learning_rate=0.01, callbacks=(snapshot,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "train", spy)
        model = declared.train(hidden(splits, declared), config)
    return Trained(request.param, model, received[0], folder, snapshot.to)


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


def test_untouchable_groups_are(splits):
    part = dataclasses.replace(splits.train, groups=Untouchable())
    for touch in (part.positives, lambda: np.unique(part.groups), lambda: part.groups == 0, lambda: part.groups.max()):
        with pytest.raises(AssertionError, match="touched"):
            touch()


@pytest.mark.slow
def test_goes_on_after_a_kill_bit_for_bit(trained, splits, tiny_config):
    if trained.name in LIKE:
        pytest.skip(f"keeps no more than {LIKE[trained.name]} does, which is tried")
    config = dataclasses.replace(tiny_config, learning_rate=0.01, folder=trained.killed)
    again = trained.declared.train(splits, config)
    for ours, theirs in zip(again.variables, trained.model.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(
        *(np.load(f / "sampling" / "epoch-002.npy") for f in (trained.killed, trained.folder))
    )


def test_draws_faces_unevenly_where_it_says_that_it_resamples(trained, splits):
    """Some draw by the labels that they are given, or keep images back: not by what they learn of the faces."""
    p, groups = trained.probabilities, splits.train.positives().groups
    assert p.shape == groups.shape and p.sum() == pytest.approx(1)
    if trained.declared.resamples:
        assert p.std() > 0
    elif trained.declared.labels == "group" and trained.name != "dfr":
        np.testing.assert_allclose(np.bincount(groups, weights=p), [0.5, 0.5])
    elif trained.name == "george":  # by clusters
        assert 1 / len(p) < p.max() < 1 / 2
    else:  # AFR keeps a fifth back
        np.testing.assert_allclose(p[p > 0], 1 / np.count_nonzero(p))
        assert np.mean(p == 0) == pytest.approx(0.2 if trained.name == "afr" else 0, abs=0.01)


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


def test_a_hyper_parameter_without_a_value_is_named(registered, splits, tiny_config):
    def train(seen, config, strength, times, calm=1):
        return strength

    with pytest.raises(InputError, match="Own: hyper-parameter times of own_method has no value: add") as caught:
        registered(train, arguments={"strength": 3}).train(splits, tiny_config)
    assert "\n" not in str(caught.value)


def test_hyper_parameters_are_changed_by_name_and_unknown_ones_refused():
    assert METHODS["jtt"].having(times=7).arguments == {**METHODS["jtt"].arguments, "times": 7}
    with pytest.raises(InputError, match="JTT has no hyper-parameter lambda: it has first_epochs, times"):
        METHODS["jtt"].having(**{"lambda": 3})


def test_a_name_that_is_registered_twice_is_refused():
    own = Method("Own", "own_method")
    with pytest.raises(InputError, match="two methods are called own: rename one"):
        _registered(("own", own), ("other", own), ("own", own))


def test_a_method_s_module_is_imported_when_it_trains(splits, tiny_config):
    with pytest.raises(ModuleNotFoundError, match="not_written_yet"):
        Method("Later", "baselines.not_written_yet").train(splits, tiny_config)


@pytest.mark.parametrize("name", [name for name, declared in METHODS.items() if declared.labels == "group"])
def test_groups_asked_for_where_there_are_none_are_refused_in_one_line(name, splits, tiny_config):
    ungrouped = Splits("plain", *(part.without_groups() for part in (splits.train, splits.validation, splits.test)))
    with pytest.raises(InputError, match="plain has no groups") as caught:
        METHODS[name].train(ungrouped, tiny_config)
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
        assert declared.selection in ("class", "group") and (declared.paper or declared.title == "VAE, by density")
