"""The networks that test the tolerance are correct."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from factories.for_each import for_each
from numpy.typing import NDArray

from benchmarks.correct_networks import NETWORKS
from benchmarks.summation import fma
from rnn_goldens.cells import Network, case_of
from rnn_goldens.corpus import open_corpus
from rnn_goldens.generator.confirmation import LARGEST_CORRECT_ERROR
from rnn_goldens.implementations.numpy_cells import arithmetic

CORPUS = open_corpus()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fma_rounds_once(dtype: type[np.floating]) -> None:
    numbers = np.random.default_rng(0)
    a, b = numbers.normal(size=(2, 4000)).astype(dtype)
    c = (-a * b * numbers.choice([1, 1 + 1e-7, 3, 1e-6, 1e9], 4000)).astype(dtype)
    assert [float(x) for x in fma(a, b, c)] == [_rounded(*terms) for terms in zip(a, b, c, strict=True)]


def _rounded(a: np.floating, b: np.floating, c: np.floating) -> float:
    """Return a·b + c, correctly rounded to the type of ``a``."""
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    near = type(a)(float(exact))
    around = [near, np.nextafter(near, type(a)(-np.inf)), np.nextafter(near, type(a)(np.inf))]
    distances: NDArray[np.object_] = np.array([abs(Fraction(float(x)) - exact) for x in around])
    return float(around[int(np.argmin(distances))])


@for_each(list(product(NETWORKS, ["exact", "rnn-tanh", "lstm", "gru"])), every=3)
def test_each_network_equals_the_definition_in_float64(name: str, cell: str) -> None:
    for scenario in ("lengths-bidirectional-two-layers", "no-bias", "unbatched"):
        golden = CORPUS.load(f"{cell}/{scenario}")
        case = case_of(golden, np.float64)
        for got, want in zip(NETWORKS[name].run(case), Network().run(case), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-15)


@for_each(NETWORKS, every=3)
def test_each_network_computes_in_the_type_of_its_input(name: str) -> None:
    case = case_of(CORPUS.load("gru/lengths-bidirectional-two-layers", "float16"), np.float16)
    assert {output.dtype for output in NETWORKS[name].run(case)} == {np.dtype(np.float16)}


@for_each(list(product(NETWORKS, ["lstm/saturated", "gru/saturated", "lstm/overflowing", "gru/overflowing"])), every=3)
def test_each_network_passes_where_gates_saturate(name: str, golden_id: str) -> None:
    for dtype in CORPUS.entry(golden_id).precisions:
        golden = CORPUS.load(golden_id, dtype)
        verdict = golden.compare(*NETWORKS[name].run(case_of(golden, arithmetic(dtype))))
        assert verdict.passed, verdict.message
        assert verdict.largest_error <= LARGEST_CORRECT_ERROR


def test_flushing_leaves_no_subnormal_numbers() -> None:
    golden = CORPUS.load("lstm/saturated", "float16")
    case = case_of(golden, np.float16)
    smallest = np.finfo(np.float16).smallest_normal
    h_n = [network.run(case)[1] for network in (Network(), NETWORKS["no subnormals"])]
    subnormal, flushed = (((np.abs(h) < smallest) & (h != 0)).sum() for h in h_n)
    assert subnormal > 0
    assert flushed == 0
