"""The debiasing variational autoencoder: a classifier and a VAE share an encoder; rare latents are drawn more often.

One head on the encoder gives 2k + 1 numbers: the class logit, k posterior means and k log-variances. Only faces train
the decoder and the latents; what the latents learn of the faces then decides how often each is drawn
(`debias.resampling`; paper, section 3).
"""

import dataclasses
from collections.abc import Callable
from functools import partial

from debias.backend import keras, tf, tfp
from debias.callbacks import Resample
from debias.config import Config, Loss
from debias.data.dataset import Splits
from debias.data.pipeline import BalancedBatches, batches_of
from debias.detector import Detector, cross_entropy
from debias.devices import part, uses_xla
from debias.errors import InputError
from debias.networks import build_decoder, build_encoder
from debias.presets import network
from debias.resampling import check_rule, sampling_probabilities
from debias.training import fit, seed_everything

tfd = tfp.distributions


def train(splits: Splits, config: Config, rule: str = "max") -> "DBVAE":
    """Train a DB-VAE whose faces are drawn by `rule`, anew in every epoch (Algorithm 1)."""
    check_rule(rule)
    seed_everything(config.seed, repeatable=not uses_xla(config))
    model = build(config, splits.train.image_shape)
    batches = batches_of(splits.train, config)
    # The sampler starts uniform: a uniform rule needs no latents, and to encode all faces takes a fifth of the time.
    refresh = [] if rule == "uniform" else [_resample(rule, batches, config)]
    return fit(model, batches, splits.validation, config, refresh)


def build(config: Config, image_shape: tuple[int, int, int]) -> "DBVAE":
    """An untrained DB-VAE of the config's preset for images (H, W, C)."""
    sizes = network(config)
    encoder, decoder = build_encoder(sizes, image_shape), build_decoder(sizes, image_shape)
    return DBVAE(encoder, decoder, sizes.loss, config.seed)


@keras.saving.register_keras_serializable("debias")
class DBVAE(Detector):
    """Detector with a VAE beside its logit; works with any encoder and decoder.

    Minimises Eq. 2: c1 * cross-entropy over the batch, plus for faces only c2 * reconstruction +
    c3 * KL(q(z|x) || N(0, I)), summed over faces / batch size as in the lab. Non-faces never pass through the decoder,
    so neither its gradients nor its batch norm see them.

    Args:
        encoder: images (B, H, W, C) -> features (B, F).
        decoder: latents (B, k) -> images (B, H, W, C).
        loss: the weights of Eq. 2, and which reconstruction error.
        seed: of the posterior's samples.

    Raises:
        InputError: the parts do not fit each other.
    """

    terms = ("loss", "classification_loss", "reconstruction_loss", "kl_loss")

    def __init__(self, encoder: keras.Model, decoder: keras.Model, loss: Loss = Loss(), seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        _check_parts(encoder, decoder)
        self.encoder, self.decoder = encoder, decoder
        self.objective = loss  # `loss` is an attribute of Keras
        self.seed = seed
        self.latent_dim = decoder.input_shape[-1]
        # Losses are computed in float32, also where the encoder and the decoder compute in halves.
        self.head = keras.layers.Dense(2 * self.latent_dim + 1, name="head", dtype="float32")
        self.head.build(encoder.output_shape)
        self.noise = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, images, training=False):
        return self._heads(images, training)[0]

    def posterior(self, images: tf.Tensor, training: bool = False) -> tfd.Distribution:
        """q(z|x): batch (B,), event (k,)."""
        return _normal(*self._heads(images, training)[1:])

    def decode(self, latents: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Images (B, H, W, C) for latents (B, k); unbounded, clip to [0, 1] to show them."""
        return tf.cast(self.decoder(latents, training=training), tf.float32)

    def reconstruct(self, images: tf.Tensor) -> tf.Tensor:
        """The decoder's image of the posterior mean, (B, H, W, C)."""
        return self.decode(self.posterior(images).mean())

    def loss_terms(self, images, labels, training):
        logits, mean, log_variance = self._heads(images, training)  # (B,), (B, k), (B, k)
        # Faces are taken out before the decoder rather than masked after it: a mask on the loss would still let
        # non-faces into the decoder's batch statistics. It also halves the decoder's work.
        is_face = tf.cast(labels, tf.float32) > 0.5
        faces = [tf.boolean_mask(x, is_face) for x in (images, mean, log_variance)]  # (F, ...)
        share = tf.reduce_mean(tf.cast(is_face, tf.float32))
        reconstruction, kl = _where(tf.reduce_any(is_face), lambda: self._vae_losses(*faces, training), training)
        classification = cross_entropy(labels, logits)
        vae = self.objective.reconstruction_weight * reconstruction + self.objective.kl_weight * kl
        return {
            "loss": self.objective.classification_weight * classification + share * vae,
            "classification_loss": classification,
            "reconstruction_loss": reconstruction,
            "kl_loss": kl,
        }

    def get_config(self):
        parts = {"encoder": self.encoder, "decoder": self.decoder}
        return {
            **super().get_config(),
            **{name: keras.saving.serialize_keras_object(part) for name, part in parts.items()},
            "loss": dataclasses.asdict(self.objective),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in ("encoder", "decoder")}
        return cls(**parts, loss=Loss(**config.pop("loss")), **config)

    def _heads(self, images, training):
        features = self.encoder(images, training=training)  # (B, F)
        outputs = self.head(features)  # (B, 2k + 1)
        logits, mean, log_variance = tf.split(outputs, [1, self.latent_dim, self.latent_dim], axis=-1)
        return logits[:, 0], mean, log_variance

    def _vae_losses(self, images, mean, log_variance, training):
        """Reconstruction error and KL divergence, each a mean over the given images."""
        posterior = _normal(mean, log_variance)
        latents = posterior.sample(seed=self._noise_seed())  # (F, k)
        error = self.decode(latents, training) - images  # (F, H, W, C)
        distance = tf.abs(error) if self.objective.reconstruction == "l1" else tf.square(error)
        prior = _normal(tf.zeros_like(mean), tf.zeros_like(log_variance))
        return tf.reduce_mean(distance), tf.reduce_mean(tfd.kl_divergence(posterior, prior))

    def _noise_seed(self) -> tf.Tensor:
        """Of this step's posterior samples, another for each replica: (2,) int32."""
        seed, (which, replicas) = tf.cast(self.noise.next(), tf.int32), part()
        return tf.random.experimental.stateless_fold_in(seed, which) if replicas > 1 else seed


def _resample(rule: str, batches: BalancedBatches, config: Config) -> Resample:
    probabilities = partial(sampling_probabilities, rule=rule, histograms=config)
    return Resample(probabilities, batches, config.refresh_every, sample=config.latents == "sample")


def _normal(mean, log_variance) -> tfd.Distribution:
    return tfd.MultivariateNormalDiag(mean, tf.exp(0.5 * log_variance))


def _where(any_faces: tf.Tensor, losses: Callable, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
    if training and part()[1] > 1:  # replicas cannot meet in a branch, and each has faces in its part of a batch
        return losses()
    return tf.cond(any_faces, losses, lambda: (tf.constant(0.0), tf.constant(0.0)))


def _check_parts(encoder, decoder) -> None:
    if len(encoder.output_shape) != 2:
        raise InputError(f"the encoder gives {encoder.output_shape}, expected features (B, F): end it with Flatten")
    if len(decoder.input_shape) != 2 or decoder.input_shape[-1] < 1:
        raise InputError(f"the decoder takes {decoder.input_shape}, expected latents (B, k) with k >= 1")
    # Other numbers of channels would broadcast in the reconstruction error without a word.
    if decoder.output_shape[1:] != encoder.input_shape[1:]:
        raise InputError(f"the decoder gives {decoder.output_shape}, expected images {encoder.input_shape}")
