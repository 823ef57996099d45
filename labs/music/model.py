"""The recurrent network that reads a tune character by character and predicts the next one."""

import dataclasses

from debias.backend import keras


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Sizes of the network.

    Attributes:
        embedding: numbers that stand for a character.
        units: of the GRU; on a CPU it learns twice as many characters a second as an LSTM of this size.
        dropout: share of the units' outputs that are left out while it trains.
    """

    embedding: int = 64
    units: int = 384
    dropout: float = 0.3


TOY = Sizes(embedding=8, units=32)


def build(vocabulary_size: int, sizes: Sizes | None = None) -> keras.Model:
    """Embedding, GRU, logits: characters (B, T) int32 -> logits (B, T, vocabulary_size) float32."""
    sizes = sizes or Sizes()
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(vocabulary_size, sizes.embedding),
            keras.layers.GRU(sizes.units, return_sequences=True),
            keras.layers.Dropout(sizes.dropout),
            keras.layers.Dense(vocabulary_size),
        ]
    )
