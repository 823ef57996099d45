"""The file that is trained on."""

import numpy as np
import pytest

from debias.data.reading import Reader
from experiments.benchmark import noise


@pytest.mark.parametrize("sparse", [False, True])
def test_the_file_is_mapped_and_then_gone(tmp_path, sparse, monkeypatch):
    monkeypatch.setattr(noise, "_BLOCK", 4)
    with noise.stored(tmp_path / "cache", 10, sparse) as path:
        data = noise.opened(path)
        assert data.source.shape == (10, 64, 64, 3) and isinstance(data.source, np.memmap)
        assert data.labels.tolist() == [0, 1] * 5
        assert Reader(data.source)._file is not None  # streamed from the file, not through the map
        assert noise.opened(path, 3).source.shape == (3, 64, 64, 3)
        assert (data.images()[1:9].max() > 0) != sparse
        assert path.stat().st_size > 10 * 64 * 64 * 3
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_sparse_file_takes_no_disk(tmp_path):
    with noise.stored(tmp_path, 20_000, sparse=True) as path:
        assert len(noise.opened(path)) == 20_000
        assert path.stat().st_size > 245e6 and path.stat().st_blocks * 512 < 5e6
