"""Guards: what they refuse and in which words; what they let pass they leave as it was."""

import ast
import os
import types
from pathlib import Path

import h5py
import numpy as np
import pytest

from debias import guards
from debias.backend import keras, tf
from debias.config import Config, Loss
from debias.data import contiguous, hdf5
from debias.detector import Classifier
from debias.errors import InputError
from debias.metrics import group_report

IMAGES = np.random.default_rng(0).random((8, 4, 4, 1), np.float32)
LABELS = np.tile([0, 1], 4)
UINT8 = (255 * IMAGES).astype(np.uint8)


@pytest.fixture(scope="module")
def model():
    encoder = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
    classifier = Classifier(encoder)
    classifier.compile("adam")
    return classifier


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (IMAGES, LABELS[:, None], r"labels have shape \(8, 1\).*ravel"),
        (IMAGES, LABELS + 1, "labels must be 0 or 1, found 2"),
        (IMAGES, LABELS - 0.5, "labels must be 0 or 1, found -0.5"),
        (255 * IMAGES, LABELS, "divide those in 0..255 by 255"),
        (2 * IMAGES - 1, LABELS, r"expected \[0, 1\]"),
        (np.full_like(IMAGES, np.nan), LABELS, "without NaN"),
        (UINT8.astype(int), LABELS, "images are int64"),
    ],
)
def test_a_model_refuses_what_it_would_learn_wrongly(model, images, labels, words):
    for call in (model.fit, model.evaluate):
        with pytest.raises(InputError, match=words):
            call(images, labels, verbose=0)
    with pytest.raises(InputError, match=words):
        model.fit(IMAGES, LABELS, validation_data=(images, labels), verbose=0)


def test_a_model_refuses_batches_whose_labels_are_a_column(model):
    batches = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS[:, None])).batch(4)
    for call in (model.fit, model.evaluate):
        with pytest.raises(InputError, match=r"labels of shape \(None, 1\), expected \(B,\): flatten them"):
            call(batches, verbose=0)


def test_predictions_are_of_scaled_images_only(model):
    with pytest.raises(InputError, match="uint8, expected floats.*divide them by 255"):
        model.predict(UINT8, verbose=0)
    alone = model(IMAGES[:2]).numpy()  # of a batch size that `predict` has not traced
    np.testing.assert_allclose(model.predict(IMAGES[:2], 2, verbose=0), alone, rtol=1e-5)


def test_what_resizing_overshoots_is_no_other_scale(model):
    model.fit(1.2 * IMAGES - 0.1, LABELS, verbose=0)


def test_labels_that_a_prediction_ignores_may_have_any_shape(model):
    batches = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS[:, None])).batch(4)
    assert model.predict(batches, verbose=0).shape == (len(IMAGES),)


def test_where_steps_draw_their_own_images_what_is_given_counts_them(model):
    batches = lambda step: (tf.constant(IMAGES), tf.constant(LABELS))  # noqa: E731
    try:
        model.batches = batches
        model.make_train_function(force=True)
        assert len(model.fit(np.arange(3), batch_size=1, epochs=2, verbose=0).epoch) == 2
    finally:
        model.batches = None
        model.make_train_function(force=True)


def test_the_decorator_hands_everything_on_as_it_is():
    """Also to a class that stands between, and to what is put in the parent's place later."""

    class Parent:
        batches = None

        def fit(self, *arguments, **options):
            return "fit", arguments, options

        evaluate = predict = fit

    @guards.arrays_of_images
    class Guarded(Parent):
        pass

    class Between(Parent):
        def fit(self, *arguments, **options):
            return "between", *super().fit(*arguments, **options)

    class Both(Guarded, Between):
        pass

    for given in (IMAGES, LABELS):
        given.setflags(write=False)
    state = np.random.get_state()[1].copy()
    name, found, options = Guarded().fit(IMAGES, LABELS, 3, verbose=0)
    assert (name, options) == ("fit", {"verbose": 0}) and found[0] is IMAGES and found[1] is LABELS and found[2] == 3
    assert Guarded().predict(IMAGES)[1][0] is IMAGES and Both().fit(IMAGES)[0] == "between"
    assert np.array_equal(np.random.get_state()[1], state)
    Parent.fit = lambda self, *arguments, **options: "another"
    assert Guarded().fit(IMAGES) == "another"


def test_a_model_takes_arrays_in_every_form_that_it_understands(model):
    for images, labels in ((UINT8, LABELS), (IMAGES, LABELS.astype(bool)), (IMAGES, LABELS.astype(np.float32))):
        model.fit(images, labels, batch_size=4, verbose=0)
        model.fit(x=images, y=labels, verbose=0)
    as_floats, as_bytes = (model.evaluate(x, LABELS, verbose=0) for x in (UINT8 / np.float32(255), UINT8))
    assert as_bytes == pytest.approx(as_floats, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 2.0}, "epochs must be a whole number, got 2.0"),
        ({"seed": None}, "seed must be a whole number, got None"),
        ({"latent_dim": 2.5}, "latent_dim must be a whole number"),
        ({"steps_per_epoch": True}, "steps_per_epoch must be a whole number"),
        ({"batch_size": "64"}, "batch_size must be a whole number, got '64'"),
        ({"seed": -1}, "seed must be from 0"),
        ({"seed": 1 << 31}, "seed must be from 0"),
        ({"seed": 0.5}, "seed must be a whole number"),
        ({"learning_rate": float("inf")}, "learning_rate must be a finite number"),
        ({"learning_rate": "0.1"}, "learning_rate must be a finite number, got '0.1'"),
        ({"folder": "runs"}, r"folder must be a pathlib.Path.*Path\('runs'\)"),
    ],
)
def test_settings_of_a_wrong_kind(settings, words):
    with pytest.raises(InputError, match=words):
        Config(**settings)


def test_settings_as_numpy_has_them():
    assert Config(seed=np.int64(3), epochs=np.int32(2), folder=Path("runs")).seed == 3


def test_weights_of_a_loss_that_are_no_numbers():
    with pytest.raises(InputError, match="kl_weight must be a finite number"):
        Loss(kl_weight=float("nan"))


def test_rates_by_groups_that_are_no_indices_or_at_no_threshold():
    labels, scores = np.array([0, 1, 1]), np.array([0.1, 0.7, 0.9])
    with pytest.raises(InputError, match="groups must be whole numbers, found float64"):
        group_report(labels, scores, np.array([-1.0, 0.0, 1.0]), ("a", "b"))
    with pytest.raises(InputError, match="threshold must be a number"):
        group_report(labels, scores, np.array([-1, 0, 1]), ("a", "b"), float("nan"))
    assert group_report(labels, scores, np.array([-1, 0, 1]), ("a", "b"), float("inf")).mean_recall == 0


def stored_in_pieces(path: Path, value: int, count: int = 40) -> h5py.File:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=np.full((count, 2, 2, 1), value, np.uint8), chunks=(8, 2, 2, 1))
    return h5py.File(path)


def test_a_copy_of_images_is_not_taken_for_that_of_an_older_file(tmp_path, monkeypatch):
    monkeypatch.setattr(contiguous, "READ_WHOLE_BYTES", 10)
    path = tmp_path / "faces.h5"
    with stored_in_pieces(path, 1) as file:
        old = path.stat().st_mtime
        for _ in range(2):
            assert np.all(contiguous.contiguous(file["images"], path) == 1)
    with stored_in_pieces(path, 2) as file:
        copy = Path(f"{path}.images.npy")
        os.utime(path, (old - 100, old - 100))
        with pytest.raises(InputError, match="is of another file.*delete it"):
            contiguous.contiguous(file["images"], path)
        copy.unlink()
        assert np.all(contiguous.contiguous(file["images"], path) == 2)
    with stored_in_pieces(path, 3, count=16) as file:  # a copy of another shape is made anew
        os.utime(path, (old - 100, old - 100))
        assert np.all(contiguous.contiguous(file["images"], path) == 3)


@pytest.mark.parametrize(
    ("dtype", "values", "words"),
    [
        ("S3", np.array([b"warm", b"cold"]), "must fit into"),
        ("S3", np.array(["red", "tan"]), "must be bytes"),
        ("uint8", np.array([1, 256]), "must fit into uint8"),
        ("int8", np.array([0.5, 1]), "must fit into int8"),
    ],
)
def test_factors_that_would_be_cut_off(tmp_path, dtype, values, words):
    images, labels = np.zeros((2, 4, 4, 1), np.uint8), np.array([0, 1])
    new = hdf5.create(tmp_path / "new.h5", hdf5.DATASET, 2, (4, 4, 1), {"tone": dtype}, (), {})
    with pytest.raises(InputError, match=f"tone {words}"), new as writer:
        writer.write(0, images, {"labels": labels, "split": labels, "groups": labels - 1}, {"tone": values})
    assert not list(tmp_path.iterdir())


def test_a_file_that_nobody_may_read(tmp_path, monkeypatch):
    path = tmp_path / "faces.h5"
    path.touch()
    monkeypatch.setattr(guards.os, "access", lambda *_: False)  # the tests may run as root, who may read all
    with pytest.raises(InputError, match="you may not read it"):
        hdf5.read(path, hdf5.DATASET)


def test_a_format_that_is_no_text(tmp_path):
    path = tmp_path / "faces.h5"
    with h5py.File(path, "w") as file:
        file.attrs["format"] = [1, 2]
    for call in (hdf5.kind_of, lambda path: hdf5.read(path, hdf5.DATASET)):
        with pytest.raises(InputError, match=r"'format' must be text, found an array of shape \(2,\)"):
            call(path)


def test_guards_give_nothing_back_and_change_nothing():
    # What digests of code leave out may decide no result. Only the decorator returns something: its class.
    tree = ast.parse(Path(guards.__file__).read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert {node.name for node in functions} == {name for name in vars(guards) if _is_public(name)}
    for node in functions:
        given = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
        assert ast.unparse(node.returns) == ("type" if node.name == "arrays_of_images" else "None"), node.name
        assert [ast.unparse(each) for each in given] == (["model"] if node.name == "arrays_of_images" else [])
    changes = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript | ast.Attribute)]
    assert not [ast.unparse(node) for node in changes if isinstance(node.ctx, ast.Store | ast.Del)]
    assert not [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.AugAssign | ast.Global)]
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not called & {"exec", "eval", "np.copyto", "np.put", "np.clip"} and not any(
        "random" in name for name in called
    )


def _is_public(name: str) -> bool:
    value = getattr(guards, name)
    return isinstance(value, types.FunctionType) and value.__module__ == guards.__name__ and not name.startswith("_")
