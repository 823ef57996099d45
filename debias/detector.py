"""Binary detectors: the training step that every method shares, and the standard CNN."""

from debias import guards
from debias.backend import keras, tf
from debias.data.pipeline import scale
from debias.devices import has_workers, part


@guards.arrays_of_images
class Detector(keras.Model):
    """A model whose `call` gives logits (B,) for images (B, H, W, C) in [0, 1].

    Subclasses say what they minimise in `loss_terms`. `fit` takes (images, labels) batches as any Keras model does,
    images also as uint8, which `predict` does not scale and so refuses. When `batches` is set, each step draws its own
    batch in the graph instead and what `fit` iterates over only counts steps. Replicas of a `tf.distribute` strategy
    minimise the mean over all their images.

    Attributes:
        batches: step number -> (images, labels), for example `debias.data.pipeline.BalancedBatches`.
        camera: (images, step number) -> images to train on, for example `debias.augmentation.RandomCamera`.
    """

    terms: tuple[str, ...] = ("loss",)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.batches = self.camera = None
        self._trackers = {name: keras.metrics.Mean(name=name) for name in self.terms}

    def loss_terms(self, images: tf.Tensor, labels: tf.Tensor, training: bool) -> dict[str, tf.Tensor]:
        """Scalar terms by name; 'loss' is the one that is minimised."""
        raise NotImplementedError

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._trackers.values())

    def train_step(self, data):
        step = self.optimizer.iterations
        images, labels = self.batches(step) if self.batches else _scaled(*data)
        images = self.camera(images, step) if self.camera else images
        with tf.GradientTape() as tape:
            terms = self.loss_terms(images, labels, training=True)
            # `losses` is Keras' list of what layers add themselves, such as a user's weight decay.
            minimised = self.optimizer.scale_loss(_of_one_replica(tf.add_n([terms["loss"], *self.losses])))
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(minimised, variables), variables)
        return self._track(terms)

    def test_step(self, data):
        images, labels = _scaled(*data)
        return self._track(self.loss_terms(images, labels, training=False))

    def _track(self, terms):
        for name, value in terms.items():
            self._trackers[name].update_state(value)
        results = {name: tracker.result() for name, tracker in self._trackers.items()}
        # Keras takes the mean over several workers along an axis, which a scalar does not have.
        return {name: tf.reshape(x, [1]) for name, x in results.items()} if has_workers() else results

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # All layers are built: Keras, which would average a first batch over the devices for it, has nothing to do.
        return


@keras.saving.register_keras_serializable("debias")
class Classifier(Detector):
    """The paper's baseline: an encoder and one logit, trained with cross-entropy only.

    Args:
        encoder: images (B, H, W, C) -> features (B, F).
    """

    def __init__(self, encoder: keras.Model, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.head = keras.layers.Dense(1, name="head", dtype="float32")  # also where the encoder computes in halves
        self.head.build(encoder.output_shape)
        self.built = True

    def call(self, images, training=False):
        return self.head(self.encoder(images, training=training))[:, 0]

    def loss_terms(self, images, labels, training):
        return {"loss": cross_entropy(labels, self(images, training=training))}

    def get_config(self):
        return {**super().get_config(), "encoder": keras.saving.serialize_keras_object(self.encoder)}

    @classmethod
    def from_config(cls, config):
        encoder = keras.saving.deserialize_keras_object(config.pop("encoder"))
        return cls(encoder, **config)


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean over the batch of -log p(label | logit), in nats; both (B,), labels 0 or 1."""
    return tf.reduce_mean(cross_entropies(labels, logits))


def cross_entropies(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """-log p(label | logit) of each image, in nats: (B,)."""
    # TensorFlow's own loss sends three gradients to the logits and adds them in an order that depends on timing, so the
    # last bit of a training would too. Here there is one.
    return tf.nn.softplus((1 - 2 * tf.cast(labels, logits.dtype)) * logits)


def _scaled(images, labels):
    return (scale(images) if images.dtype == tf.uint8 else images), labels


def _of_one_replica(loss: tf.Tensor) -> tf.Tensor:
    """A replica's share of a loss: their gradients are added up."""
    _, replicas = part()
    return loss / replicas if replicas > 1 else loss
