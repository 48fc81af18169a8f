"""A golden in larger sizes: its numbers, where they are, and what is added."""

import pickle
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from factories.for_each import for_each

import rnn_goldens
from rnn_goldens import Golden, UnknownName, Unsupported
from rnn_goldens.cells import case_of
from rnn_goldens.cells.network import recorded
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.corpus import open_corpus
from rnn_goldens.error_analysis.network_bounds import bounds_of
from rnn_goldens.errors import WrongUse
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS
from rnn_goldens.golden.embedding import LARGE, is_copied, own_places
from rnn_goldens.golden.larger_golden import ADDED, EXACT, ROUNDOFFS, Added, sizes_of
from rnn_goldens.golden.recurrences import BUILT_IN
from rnn_goldens.golden.tolerance import Exact
from rnn_goldens.implementations import numpy_cells, outputs_of

CELLS = tuple(cell for cell in BUILT_IN if BUILT_IN[cell].growing)
MIXED = ("hidden_size", "input_size", "d_k", "n", "d")
GROWING = ("hidden_size", "input_size", "d_k", "d_v", "d", "n", "channels")


@cache
def goldens(cell: str, *, gradients: bool = False) -> list[Golden]:
    """The goldens of a cell in float32 that have at most 33 units, rows and steps."""
    corpus = open_corpus()
    entries = [e for e in corpus.select(cell=[cell], gradients=gradients) if "float32" in e.precisions]
    loaded = [corpus.load(entry.id, "float32", gradients=gradients) for entry in entries]
    return [golden for golden in loaded if max(*sizes_of(golden).values(), golden.time) <= 33]


def larger(golden: Golden) -> dict[str, int]:
    """Sizes above those of a golden, of which some are no multiple of two; d_k 16 times as large, or not."""
    sizes = {name: 5 * size + 30 if name in GROWING else size + 3 for name, size in sizes_of(golden).items()}
    if "heads" in sizes and {"key_heads", "groups"} & {*golden.config}:  # which share out the heads
        sizes["heads"] = 3 * golden.config["heads"]
    return {**sizes, "d_k": 16 * golden.config["d_k"]} if golden.config.get("d_k", 1) % 2 == 0 else sizes


def own(golden: Golden, name: str) -> list[int]:
    """The places of an embedded golden's own numbers."""
    assert golden.embedding is not None
    return list(map(int, golden.embedding.axes[name].own))


def outputs(golden: Golden) -> tuple[Any, ...]:
    return tuple(outputs_of(numpy_cells.run(golden.for_implementation()), golden))


@for_each(CELLS, every=4)
def test_a_right_implementation_passes_every_golden_in_larger_sizes(cell: str) -> None:
    for golden in goldens(cell):
        embedded = golden.embedded(**larger(golden))
        verdict = embedded.compare(*outputs(embedded))
        assert verdict.passed, verdict.message


@for_each(CELLS, every=4)
def test_right_gradients_pass_in_larger_sizes(cell: str) -> None:
    for golden in goldens(cell, gradients=True):
        embedded = golden.embedded(**larger(golden))
        if embedded.has_cotangents:
            verdict = embedded.compare_gradients(numpy_cells.gradients(embedded.for_implementation()))
            assert verdict.passed, verdict.message


@for_each(CELLS)
def test_numbers_and_tolerances_stay(cell: str) -> None:
    golden = goldens(cell)[0]
    embedded = golden.embedded(**larger(golden))
    for name, want in golden.expected_of().values.items():
        there, allowed = embedded.expected_of().values[name], embedded.expected_of().allowed(name)
        pairs = set(zip(there.flat, allowed.flat, strict=True))
        assert pairs >= set(zip(want.flat, golden.expected_of().allowed(name).flat, strict=True))
    assert embedded.id == golden.id
    assert all(embedded.config[name] == size for name, size in larger(golden).items() if name in golden.config)
    assert {name: array.shape for name, array in embedded.expected.items()} == embedded.shapes.outputs


# Where the numbers are.


def test_places_are_the_same_on_every_machine() -> None:
    assert own_places("gated-delta/several-steps", "d_k", 3, 128).tolist() == [19, 64, 94]


@for_each(CELLS, every=4)
def test_the_goldens_of_a_cell_reach_every_block_and_the_first_and_last_place(cell: str) -> None:
    found: dict[str, set[int]] = {}
    for entry in open_corpus().select(cell=[cell]):
        golden = open_corpus().load(entry.id, entry.precisions[0])
        for name, size in sizes_of(golden).items():
            if (
                size <= 128
                and name in MIXED
                and not is_copied(cell, name)
                and not (name == "input_size" and cell in DIALECTS)
            ):
                found.setdefault(name, set()).update(own_places(golden.id, name, size, 128).tolist())
    for places in found.values():
        assert {0, 127} <= places
        for block in (16, 32, 64):
            assert {place // block for place in places} == set(range(128 // block))


@pytest.mark.parametrize("size", [65, 128, 129, 1000])
def test_a_golden_with_several_values_has_one_in_the_first_block_and_one_in_the_last(size: int) -> None:
    for number in range(50):
        places = own_places(f"lstm/{number}", "hidden_size", 2, size)
        assert places[0] < LARGE
        assert places[-1] >= (size - 1) // LARGE * LARGE


# What is added.


@for_each(sorted({*LAYOUTS} - EXACT))
def test_added_units_may_err_as_much_as_their_derived_bound(cell: str) -> None:
    golden = next(g for g in goldens(cell) if g.lengths is None and g.time > 2 and not isinstance(g.tolerance, Exact))
    embedded = golden.embedded(hidden_size=golden.config["hidden_size"] + 1)
    bound = bounds_of(recorded(case_of(embedded, np.float64))).tolerance
    for name, accumulation in bound.accumulation.items():
        if embedded.axes(name)[-1] == "unit" and accumulation.shape[-1] == embedded.config["hidden_size"]:
            (unit,) = set(range(accumulation.shape[-1])) - set(own(embedded, "hidden_size"))
            assert accumulation[..., unit].max() <= ROUNDOFFS
            assert bound.storage[name][..., unit].max() <= ADDED.get(cell, Added()).storage


def test_an_added_row_is_a_copy_without_cotangents() -> None:
    golden = rnn_goldens.load("lstm/plain", gradients=True).embedded(batch=9)
    copies = sorted({*range(9)} - {*own(golden, "batch")})
    assert all(any((golden.x[copy] == row).all() for row in rnn_goldens.load("lstm/plain").x) for copy in copies)
    assert not golden.cotangents["d_out"][copies].any()
    assert not golden.checkable_gradients().expected["x"][copies].any()


def test_an_added_sequence_is_a_copy() -> None:
    golden = rnn_goldens.load("gated-delta/packed")
    embedded = golden.embedded(sequences=7)
    assert embedded.offsets is not None and golden.offsets is not None
    assert len(embedded.offsets) == 8
    assert set(np.diff(embedded.offsets)) <= set(np.diff(golden.offsets))
    assert embedded.compare(*outputs(embedded)).passed


def test_query_heads_grow_with_heads() -> None:
    golden = rnn_goldens.load("gated-delta/grouped-queries")
    of_each = golden.config["query_heads"] // golden.config["heads"]
    embedded = golden.embedded(heads=5)
    assert embedded.config["query_heads"] == 5 * of_each
    with pytest.raises(UnknownName, match="query_heads"):
        golden.embedded(query_heads=8)


def test_key_heads_grow_with_heads() -> None:
    golden = rnn_goldens.load("gated-delta/grouped-values")
    of_each = golden.config["heads"] // golden.config["key_heads"]
    embedded = golden.embedded(heads=5 * of_each)
    assert embedded.config["key_heads"] == embedded.config["query_heads"] == 5
    with pytest.raises(
        Unsupported, match=f"heads=13 is not a multiple of {of_each}, the golden's heads of each key head"
    ):
        golden.embedded(heads=13)
    with pytest.raises(UnknownName, match="key_heads"):
        golden.embedded(key_heads=8)


def test_each_group_of_channels_grows_alike() -> None:
    golden = rnn_goldens.load("selective-scan/groups")
    groups, before = golden.config["groups"], golden.config["d"]
    embedded = golden.embedded(d=64)
    assert embedded.embedding is not None
    source = embedded.embedding.axes["d"].source.reshape(groups, -1)
    for group, places in enumerate(source):
        assert {*places.tolist()} == {*range(group * before // groups, (group + 1) * before // groups)}
    with pytest.raises(Unsupported, match="d=65 is not a multiple of 2, the golden's groups"):
        golden.embedded(d=65)


def test_the_default_scale_stays_where_the_root_of_the_ratio_is_a_power_of_two() -> None:
    golden = rnn_goldens.load("gated-delta/several-steps")
    before = golden.config["d_k"]
    embedded = golden.embedded(d_k=16 * before)
    assert "scale" not in embedded.config
    places = own(embedded, "d_k")
    assert (embedded.inputs["q"][..., places] == 4 * golden.inputs["q"]).all()
    assert golden.embedded(d_k=8 * before).config["scale"] == before**-0.5


# Wrong kernels, which pass at the sizes of the goldens.


def kernel_of_the_first(axis: str, most: int) -> Any:
    """Return an implementation that reads zeros beyond a number of places of an axis."""

    def run(golden: Golden) -> tuple[Any, ...]:
        inputs = {name: array.copy() for name, array in golden.stored.inputs.items()}
        for name, array in inputs.items():
            if (number := golden.axis(name, axis)) is not None:
                array[(slice(None),) * number + (slice(most, None),)] = 0
        return numpy_cells.run(replace(golden.for_implementation(), stored=replace(golden.stored, inputs=inputs)))

    return run


@for_each(
    [
        *[("gated_delta", axis) for axis in ("d_k", "d_v", "heads", "batch")],
        *[("selective_scan", axis) for axis in ("d", "n")],
        ("rg_lru", "d"),
        ("causal_conv", "channels"),
        ("lstm", "input"),
        ("gru", "batch"),
    ],
    every=5,
)
def test_a_kernel_that_reads_only_the_first_places_fails(cell: str, axis: str) -> None:
    embed = {"input": "input_size"}.get(axis, axis)
    for most in (8, 16, 32, 64, 127):
        kernel, passed = kernel_of_the_first(axis, most), []
        for golden in goldens(cell):
            if golden.offsets is None and golden.batch_shape:
                assert sizes_of(golden)[embed] > most or compare(golden, *kernel(golden)).passed
                embedded = golden.embedded(**{embed: 128})
                passed.append(compare(embedded, *kernel(embedded)).passed)
        assert not all(passed), most


def test_wrong_gradients_of_a_default_scale_name_their_cause() -> None:
    golden = rnn_goldens.load("gated-delta/grouped-queries", gradients=True)
    embedded = golden.embedded(d_k=16 * golden.config["d_k"])
    wrong = {**numpy_cells.gradients(embedded.for_implementation())}
    wrong["q"] = wrong["q"] * embedded.config["d_k"] ** 0.5
    assert "d_q_without_scale" in embedded.compare_gradients(wrong).explained_by
    wrong["q"][..., own(embedded, "d_k")] = golden.checkable_gradients().expected["q"] / 4 * 3
    assert not embedded.compare_gradients(wrong).explained_by


def test_a_gradient_that_is_not_compared_may_be_any_finite_number() -> None:
    golden = rnn_goldens.load("rnn-tanh/plain", dtype="float32", gradients=True).embedded(hidden_size=16)
    found = {name: array.copy() for name, array in numpy_cells.gradients(golden.for_implementation()).items()}
    added = sorted({*range(16)} - {*own(golden, "hidden_size")})
    row = own(golden, "hidden_size")[0]
    found["weight_hh_l0"][row, added] = 1e6
    assert golden.compare_gradients(found).passed
    found["weight_hh_l0"][row, added] = np.inf
    assert not golden.compare_gradients(found).passed
    found["weight_hh_l0"][row, added] = 0
    found["weight_hh_l0"][added[0], row] = 1e-3
    assert not golden.compare_gradients(found).passed


# Errors.


@pytest.mark.parametrize(
    ("golden", "sizes", "error", "text"),
    [
        (
            "lstm/plain",
            {"batch": 0},
            WrongUse,
            "batch=0 is not a size in which a golden can be embedded: give the size",
        ),
        ("lstm/plain", {"hidden_size": -1}, WrongUse, "hidden_size=-1 is not a size in which"),
        ("lstm/plain", {"hidden_size": 1}, Unsupported, "hidden_size=1 is smaller than the golden's"),
        ("lstm/plain", {"d_k": 128}, UnknownName, "d_k"),
        ("lstm/plain", {"hidden_size": 12.5}, WrongUse, "hidden_size is 12.5, but must be an integer"),
        ("lstm/unbatched", {"batch": 8}, Unsupported, "an unbatched golden has no batch that could grow"),
        ("gated-delta/packed", {"batch": 8}, Unsupported, "a golden of packed sequences has no batch that could grow"),
    ],
)
def test_a_size_that_a_golden_cannot_have_is_one_error(
    golden: str, sizes: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        rnn_goldens.load(golden).embedded(**sizes)


def test_an_embedded_golden_cannot_be_embedded_again_or_saved(tmp_path: Any) -> None:
    golden = rnn_goldens.load("lstm/plain").embedded(hidden_size=64)
    with pytest.raises(WrongUse, match="is embedded in hidden_size=64 already"):
        golden.embedded(hidden_size=128)
    with pytest.raises(WrongUse, match="is embedded in hidden_size=64"):
        rnn_goldens.save(golden, tmp_path / "golden.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("profile", ["tf32", "wgsl"])
def test_a_profile_for_a_golden_s_own_size_cannot_be_embedded(profile: str) -> None:
    golden = rnn_goldens.load("rnn-relu/plain", dtype="float32")
    with pytest.raises(Unsupported, match=f"the profile {profile} is derived for a golden's own size"):
        golden.in_profile(profile).embedded(hidden_size=64)
    with pytest.raises(Unsupported, match=f"the profile {profile} is derived for a golden's own size"):
        golden.embedded(hidden_size=64).in_profile(profile)


def test_without_sizes_a_golden_is_not_embedded() -> None:
    golden = rnn_goldens.load("lstm/plain")
    assert golden.embedded() is golden


def test_a_copy_of_an_embedded_golden_is_embedded() -> None:
    golden = rnn_goldens.load("gru/plain").embedded(hidden_size=64)
    copy = pickle.loads(pickle.dumps(golden))
    assert str(copy.embedding) == "hidden_size=64"
    assert copy.in_precision("float64").compare(*outputs(copy.in_precision("float64"))).passed
