"""Files of goldens at the sizes of kernels: compressed HDF5, and no JSON."""

import io
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from rnn_goldens import InvalidFile
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import open_corpus
from rnn_goldens.encoding import content_hash, decode, encode
from rnn_goldens.golden.features import KERNEL_SIZE

NAME = Path("sizes-lstm/hidden-64.h5")


@pytest.fixture
def golden() -> Golden:
    """A golden that is large enough to be compressed."""
    return open_corpus().load_all("sizes-lstm/hidden-64")


def test_a_golden_of_kernel_size_has_compressed_hdf5_only(golden: Golden) -> None:
    files = encode(replace(golden, features=(*golden.features, KERNEL_SIZE)))
    assert set(files) == {".h5"}
    assert len(files[".h5"]) < len(encode(golden)[".h5"]) / 2
    read = decode(files[".h5"], NAME)
    assert content_hash(replace(read, features=golden.features)) == content_hash(golden)


def test_compressed_numbers_beyond_the_limit_of_a_file_are_refused(golden: Golden) -> None:
    buffer = io.BytesIO(encode(golden)[".h5"])
    with h5py.File(buffer, "r+") as file:
        del file["weights/weight_ih_l0"]
        file["weights"].create_dataset("weight_ih_l0", (9_000_000,), np.float64, chunks=(9_000_000,), compression=9)
        file["weights/weight_ih_l0"][:] = 0.0
    assert len(buffer.getvalue()) < 2**20
    with pytest.raises(InvalidFile, match=r"has shape \(9000000,\), but the file does not hold its numbers"):
        decode(buffer.getvalue(), NAME)
