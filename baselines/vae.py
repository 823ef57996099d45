"""The paper's 'no debiasing' ablation: the same network and loss as DB-VAE, faces drawn uniformly."""

from debias import dbvae
from debias.config import Config
from debias.data.dataset import Splits


def train(splits: Splits, config: Config) -> dbvae.DBVAE:
    """Train a DB-VAE whose sampling probabilities stay uniform."""
    return dbvae.train(splits, config, rule="uniform")
