"""The same network and loss in PyTorch, fed by its data loaders; runs in a process of its own, see `peers`.

As in JMitnik's reproduction, one loader draws the faces by weights and another the rest, half a batch each. PyTorch is
imported by the functions: it is no requirement.
"""

import itertools
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from debias.presets import LAB, Preset
from experiments.benchmark import noise


def trainer(folder: Path, file: Path, batch_size: int, pillow: bool = False) -> Callable[[int], None]:
    """The twin's training as a function of the number of steps, on as many threads as there are cores.

    Args:
        folder: that PyTorch is imported from.
        pillow: make each image a Pillow image, resize it and turn it into a tensor, as JMitnik's data sets do, instead
            of scaling whole batches.
    """
    sys.path.append(str(folder))
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    torch.manual_seed(0)
    warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # the file's map is only read
    model = _model(LAB)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    loaders = _loaders(file, batch_size // 2, _by_pillow if pillow else torch.from_numpy)

    def train(steps: int) -> None:
        for faces, others in itertools.islice(zip(*map(iter, loaders), strict=False), steps):
            optimizer.zero_grad(set_to_none=True)
            _loss(model, _scaled(faces), _scaled(others)).backward()
            optimizer.step()

    return train


def _loaders(file: Path, half: int, convert: Callable) -> tuple:
    """Of faces drawn by weights, and of all others in random order."""
    from torch.utils.data import DataLoader, WeightedRandomSampler

    data = noise.opened(file)
    images = np.asarray(data.source)  # the same map, without a memory map's slow indexing
    faces, others = (_Images(images, np.flatnonzero(data.labels == label), convert) for label in (1, 0))
    sampler = WeightedRandomSampler(np.full(len(faces), 1 / len(faces)), len(faces))
    return DataLoader(faces, half, sampler=sampler), DataLoader(others, half, shuffle=True)


class _Images:
    """A data set for PyTorch's loaders: some of the images, one by one."""

    def __init__(self, images: np.ndarray, rows: np.ndarray, convert: Callable):
        self.images, self.rows, self.convert = images, rows, convert

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int):
        return self.convert(self.images[self.rows[index]])


def _by_pillow(image: np.ndarray):
    """(C, H, W) float32 in [0, 1]."""
    import torch

    resized = Image.fromarray(image).resize(image.shape[1::-1], Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).contiguous().float().div(255)


def _scaled(images):
    """A batch (B, C, H, W) float32 in [0, 1], of uint8 (B, H, W, C) or of what is scaled."""
    import torch

    return images.permute(0, 3, 1, 2).float().div(255) if images.dtype == torch.uint8 else images


def _model(preset: Preset):
    """Encoder, head and decoder of `preset`: images (B, C, H, W) and back."""
    import torch

    last = preset.filters[-1]
    side = 64 // 2 ** len(preset.filters)
    flat, k = last * side**2, preset.latent_dim
    encoder = [*_convolutions(preset), torch.nn.Flatten(), torch.nn.Linear(flat, preset.dense), torch.nn.ReLU()]
    decoder = [torch.nn.Linear(k, flat), torch.nn.ReLU(), torch.nn.Unflatten(1, (last, side, side))]
    parts = {
        "encoder": torch.nn.Sequential(*encoder, torch.nn.Linear(preset.dense, 2 * k + 1)),
        "decoder": torch.nn.Sequential(*decoder, *_transposed(preset)),
    }
    return torch.nn.ModuleDict(parts).to(memory_format=torch.channels_last)  # the faster one on CPU


def _convolutions(preset: Preset) -> list:
    import torch

    layers, channels = [], 3
    for filters, kernel in zip(preset.filters, preset.kernels, strict=True):
        layers += [torch.nn.Conv2d(channels, filters, kernel, 2, kernel // 2), torch.nn.ReLU()]
        layers.append(torch.nn.BatchNorm2d(filters))
        channels = filters
    return layers


def _transposed(preset: Preset) -> list:
    import torch

    layers, channels = [], preset.filters[-1]
    for filters, kernel in zip((*reversed(preset.filters[:-1]), 3), reversed(preset.kernels), strict=True):
        layers += [torch.nn.ConvTranspose2d(channels, filters, kernel, 2, kernel // 2, 1), torch.nn.ReLU()]
        channels = filters
    return layers[:-1]


def _loss(model, faces, others):
    """Eq. 2 of half a batch of faces and half a batch of others, of which only faces are decoded."""
    import torch

    half, weights = len(faces), LAB.loss
    outputs = model["encoder"](torch.cat([faces, others]))  # (B, 2k + 1)
    labels = torch.cat([torch.ones(half), torch.zeros(len(others))])
    classification = torch.nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], labels)
    mean, log_variance = outputs[:half, 1:].chunk(2, 1)
    latents = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
    reconstruction = (model["decoder"](latents) - faces).abs().mean()
    kl = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1).mean()
    vae = weights.reconstruction_weight * reconstruction + weights.kl_weight * kl
    return weights.classification_weight * classification + half / len(outputs) * vae
