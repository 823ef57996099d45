"""DB-VAE's network and loss with faces drawn uniformly: what its rule adds is what DB-VAE gains on this."""

from debias import dbvae
from debias.config import Config
from debias.data.dataset import Splits


def train(splits: Splits, config: Config) -> dbvae.DBVAE:
    """Train a DB-VAE whose sampling probabilities stay uniform."""
    return dbvae.train(splits, config, rule="uniform")
