"""The number of deviations that compared goldens can detect, and the options that would detect more."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rnn_goldens import InvalidFile, load
from rnn_goldens.corpus import Entry, open_corpus, open_folder
from rnn_goldens.corpus.detectable_deviations import (
    Compared,
    Discrimination,
    Gains,
    NotCompared,
    discrimination,
    sizes_of,
    summary,
)
from rnn_goldens.corpus.index import GradientsEntry
from rnn_goldens.corpus.kill_matrix import KillMatrix, detections, kill_matrix

Margins = dict[str, dict[str, list[float | None]]]

PRECISIONS = ("float64", "float32")


def entry(
    golden: str,
    *features: str,
    cell: str = "lstm",
    precisions: tuple[str, ...] = PRECISIONS,
    backward: tuple[str, ...] = (),
) -> Entry:
    gradients = GradientsEntry("", backward, {}, "") if backward else msgspec.UNSET
    return Entry(golden, golden, golden, cell, features, precisions, {}, "", gradients)


ENTRIES = [
    entry("lstm/plain", "bias"),
    entry("lstm/other", "bias"),
    entry("lstm/state", "bias", "state"),
    entry("lstm/state-lengths", "bias", "state", "lengths"),
    entry("lstm/layers", "bias", "multilayer", "core"),
    entry("lstm/no-bias"),
    entry("lstm/unbatched", "bias", "unbatched"),
    entry("lstm/both", "bias", "bidirectional"),
    entry("gru/plain", "bias", cell="gru"),
]

SHOWN: Margins = {
    "everywhere": {"lstm/plain": [100, 2.0], "lstm/layers": [100, 100]},
    "exactly": {"lstm/plain": [None, None], "gru/plain": [None, None]},
    "a_little_below": {"lstm/plain": [1.9, 1.9], "lstm/state": [2.0, 2.0]},
    "of_states": {"lstm/state": [3, 3]},
    "of_states_too": {"lstm/state": [3, 3], "lstm/layers": [3, 3]},
    "of_states_and_lengths": {"lstm/state-lengths": [3, 3]},
    "of_layers": {"lstm/layers": [3, 3]},
    "of_another": {"lstm/other": [3, 3]},
    "of_no_bias": {"lstm/no-bias": [3, 3]},
    "of_no_batch": {"lstm/unbatched": [3, 3]},
    "of_float64": {"lstm/plain": [3, 0]},
    "undetected": {"lstm/plain": [0.7, 0.7]},
    "of_gru": {"gru/plain": [3, 3]},
}


def matrix_of(cells: Mapping[str, list[str]], margins: Margins, of_out: Margins | None = None) -> KillMatrix:
    """Return the kill matrix of some deviations."""
    every = [*margins.values(), *(of_out or {}).values()]
    goldens = list(dict.fromkeys(golden for rows in every for golden in rows))

    def groups(rows: Mapping[str, list[float | None]]) -> Any:
        return [{"margins": row, "goldens": [goldens.index(golden)]} for golden, row in rows.items()]

    deviations = [
        {
            "name": n,
            "cells": cells[n],
            "margins": groups(margins[n]),
            "margins_of_out": groups((of_out or {}).get(n, {})),
        }
        for n in margins
    ]
    document = {"enough": 2.0, "precisions": PRECISIONS, "goldens": goldens, "deviations": deviations}
    return msgspec.json.decode(json.dumps(document), type=KillMatrix)


def matrix(of_out: Margins | None = None) -> KillMatrix:
    return matrix_of({name: ["gru"] if name == "of_gru" else ["lstm", "gru"] for name in SHOWN}, SHOWN, of_out)


def counts_of(
    compared: Iterable[str],
    refused: Iterable[str] = (),
    dtype: str = "float32",
    *,
    others: Iterable[NotCompared] = (),
    out_alone: bool = False,
    of_out: Margins | None = None,
) -> Discrimination:
    """Return the counts of one precision. Each golden in ``refused`` is refused for a different reason."""
    compared_goldens = [Compared(f"lstm/{name}", dtype, out_alone) for name in compared]
    not_compared = [*(NotCompared(f"lstm/{name}", dtype, f"no {name}") for name in refused), *others]
    return discrimination(matrix(of_out), "lstm", ENTRIES, compared_goldens, not_compared)[dtype]


def gains(of: Gains) -> dict[str, int]:
    return dict(of.by_option)


def test_a_deviation_counts_as_detected_if_its_margin_is_at_least_2() -> None:
    only = counts_of(["plain"])
    assert (only.goldens, only.shown) == (1, 2)  # everywhere, exactly
    assert only.total == 10  # without undetected, of_float64 and of_gru
    assert (counts_of(["plain"], dtype="float64").shown, counts_of(["plain"], dtype="float64").total) == (3, 11)


def test_each_precision_is_counted_separately_widest_first() -> None:
    compared = [Compared("lstm/plain", "float32"), Compared("lstm/plain", "float64"), Compared("lstm/other", "float64")]
    by_dtype = discrimination(matrix(), "lstm", ENTRIES, compared)
    assert {dtype: (one.goldens, one.shown, one.total) for dtype, one in by_dtype.items()} == {
        "float64": (2, 4, 11),
        "float32": (1, 2, 10),
    }
    assert list(by_dtype) == ["float64", "float32"]
    assert (by_dtype["float64"].left_out, by_dtype["float32"].left_out) == (0, 0)


def test_advice_lists_at_most_three_options_by_gain() -> None:
    only = counts_of(["plain"], refused=["other", "state", "state-lengths", "layers", "no-bias", "unbatched"])
    assert only.to_accept.by_option == (("an initial state", 3), ("several layers", 2), ("unbatched input", 1))
    assert gains(only.not_covered) == {"float64": 1}
    assert (only.left_out, only.shown_there) == (0, 0)


def test_refused_options_are_listed_as_to_accept_and_others_as_not_covered() -> None:
    only = counts_of(["plain", "other"], refused=["layers"])
    assert gains(only.to_accept) == {"several layers": 2}
    assert gains(only.not_covered) == {"an initial state": 3, "unbatched input": 1, "no bias": 1}
    assert counts_of(["plain"]).to_accept == Gains()


def test_a_common_reason_identifies_the_refused_option() -> None:
    both, of_state, of_lengths = (
        NotCompared("lstm/state-lengths", "float32", "no lengths"),
        NotCompared("lstm/state", "float32", "no state"),
        NotCompared("lstm/state-lengths", "float32", "no state"),
    )
    assert gains(counts_of(["plain"], others=[both]).to_accept) == {"an initial state": 3}  # not lengths
    assert gains(counts_of(["plain", "state"], others=[both]).to_accept) == {"lengths": 1}
    assert gains(counts_of(["plain"], others=[of_state, of_lengths]).to_accept) == {"an initial state": 3}
    other = NotCompared("lstm/layers", "float32", "no lengths")
    only = counts_of(["plain"], others=[both, other])
    assert (gains(only.to_accept), gains(only.not_covered)["an initial state"]) == ({"several layers": 2}, 3)


def test_failed_skipped_and_refused_goldens_lead_to_no_advice() -> None:
    only = counts_of(["plain", "other"], others=[NotCompared("lstm/layers", "float32")])
    assert only.to_accept == Gains()
    assert "several layers" not in gains(only.not_covered)
    compared = [Compared("lstm/plain", "float32")]
    refused = [NotCompared("lstm/plain", "float64", "no float64")]
    by_dtype = discrimination(matrix(), "lstm", ENTRIES[:1], compared, refused)
    assert list(by_dtype) == ["float32"]
    assert (by_dtype["float32"].to_accept, by_dtype["float32"].not_covered) == (Gains(), Gains())


def test_goldens_refused_for_another_reason_lead_to_no_advice() -> None:
    reason = "sequences are at most 4 steps"
    others = [NotCompared(f"lstm/{name}", "float32", reason) for name in ("other", "layers")]
    only = counts_of(["plain"], refused=["state"], others=others)
    assert gains(only.to_accept) == {"an initial state": 3}
    assert "several layers" not in gains(only.not_covered)
    in_float64: Margins = {"of_other_in_float64": {"lstm/other": [3, 0]}}
    extended = matrix_of({name: ["lstm"] for name in (*SHOWN, *in_float64)}, SHOWN | in_float64)
    compared = [Compared("lstm/plain", "float32")]
    assert gains(discrimination(extended, "lstm", ENTRIES[:2], compared, others)["float32"].not_covered) == {
        "float64": 1
    }
    assert gains(discrimination(extended, "lstm", ENTRIES[:2], compared)["float32"].not_covered) == {"float64": 2}


def test_advice_extends_the_features_that_were_compared() -> None:
    both = counts_of(["plain", "other", "state"], refused=["state-lengths", "both"])
    assert gains(both.to_accept) == {"lengths": 1}  # the option "both directions" detects nothing more
    assert "an initial state" not in gains(both.not_covered)
    assert gains(counts_of(["no-bias"]).not_covered)["a bias"] == 3
    assert gains(counts_of(["plain", "other", "state", "layers", "state-lengths"]).not_covered) == {
        "unbatched input": 1,
        "no bias": 1,
        "float64": 1,
    }


def test_the_advice_states_if_options_detect_more_together() -> None:
    of_two = [entry("lstm/plain", "bias"), entry("lstm/state", "bias", "state"), entry("lstm/l", "bias", "lengths")]
    both = entry("lstm/state-lengths", "bias", "state", "lengths")
    compared, refused = [Compared("lstm/plain", "float32")], NotCompared("lstm/state", "float32", "no state")
    margins: Margins = {"of_states": {"lstm/state": [3, 3]}, "of_lengths": {"lstm/l": [3, 3]}}
    of_both: Margins = {"of_both": {"lstm/state-lengths": [3, 3]}}

    def gained(shown: Margins, *others: NotCompared) -> Discrimination:
        kill_matrix = matrix_of({name: ["lstm"] for name in shown}, shown)
        return discrimination(kill_matrix, "lstm", [*of_two, both], compared, others)["float32"]

    assert gained(margins | of_both).not_covered == Gains((("an initial state", 1), ("lengths", 1)), together=True)
    assert not gained(margins).not_covered.together
    assert not gained(margins | of_both, refused).not_covered.together  # lengths are the only option left
    too = NotCompared("lstm/l", "float32", "no lengths")
    assert gained(margins | of_both, refused, too).to_accept.together
    assert not counts_of(["plain"], refused=["other", "layers", "no-bias", "unbatched"]).to_accept.together


def test_goldens_that_need_no_option_but_were_not_selected_are_counted_separately() -> None:
    only = counts_of(["plain"])
    assert (only.left_out, only.shown_there) == (1, 1)
    assert counts_of(["plain"], refused=["other"]).left_out == 0
    assert only.not_covered.by_option[:2] == (("an initial state", 3), ("several layers", 2))  # without of_another


def test_goldens_that_cannot_be_checked_in_the_precision_are_not_counted_as_unselected() -> None:
    compared = [Compared("lstm/plain", "float32")]
    others = [entry("lstm/53-bits", "bias", precisions=("float64",)), entry("lstm/back", "bias", backward=("float64",))]
    both = [*ENTRIES[:2], *others]
    assert discrimination(matrix(), "lstm", both, compared)["float32"].left_out == 2
    assert discrimination(matrix(), "lstm", both, compared, gradients=True)["float32"].left_out == 0
    of_back = [ENTRIES[0], entry("lstm/other", "bias", backward=("float64", "float32")), *others]
    assert discrimination(matrix(), "lstm", of_back, compared, gradients=True)["float32"].left_out == 1


def test_if_only_out_is_compared_the_margins_of_out_count() -> None:
    of_out: Margins = {"everywhere": {"lstm/plain": [1.0, 1.0]}, "of_states": {"lstm/state": [1.0, 1.0]}}
    alone = counts_of(["plain"], out_alone=True, of_out=of_out)
    assert (alone.shown, alone.total, alone.in_states) == (1, 10, 1)
    assert gains(alone.not_covered)["an initial state"] == 2
    assert counts_of(["plain"], of_out=of_out) == counts_of(["plain"])
    assert counts_of(["plain"], out_alone=True).in_states == 0


def test_without_returned_states_no_gain_from_options_is_claimed() -> None:
    of_states = NotCompared("lstm/other", "float32", "cotangents of h_n need h_n", for_states=True)
    only = counts_of(["plain"], refused=["layers"], others=[of_states])
    assert only.in_states == 1
    assert only.to_accept == Gains()
    assert gains(only.not_covered) == {"float64": 1}  # float64 of the compared golden
    assert only.left_out == 0


SIZES = {"unit": 4, "layer": 1, "step": 150}


@pytest.mark.parametrize(
    ("golden", "sizes"),
    [
        ("lstm/plain", "inputs 4, units 3, layers 1, rows 2, steps 4"),
        ("gru/unbatched", "inputs 4, units 3, layers 1, rows 1, steps 4"),
        ("gated-delta/packed", "keys 3, values 2, heads 1, query heads 2, rows 3, steps 4"),
    ],
)
def test_the_sizes_of_a_golden_are_those_of_its_configuration_and_inputs(golden: str, sizes: str) -> None:
    found = sizes_of(load(golden))
    assert ", ".join(f"{noun}s {size}" for noun, size in found.items()) == sizes


def test_the_summary_of_one_precision_has_counts_and_advice() -> None:
    all_of_five = {"float32": Discrimination(1, 5, 5)}
    begins = "gru, float32: 1 golden; all 5 known deviations can be detected"
    assert summary("gru", "1 golden", all_of_five, SIZES) == f"{begins}, up to 4 units, 1 layer and 150 steps."
    advice = Gains((("an initial state", 14), ("both directions", 2)))

    def text(**what: Any) -> str:
        return summary("lstm", "12 goldens", {"float32": Discrimination(12, 96, 118, **what)}, SIZES)

    begins = (
        "lstm, float32: 12 goldens; 96 of 118 known deviations can be detected, up to 4 units, 1 layer and 150 steps."
    )
    assert (
        text(to_accept=advice)
        == f"{begins} To detect more: accept an initial state (14 more), both directions (2 more)."
    )
    assert (
        text(left_out=3, shown_there=22)
        == f"{begins} 3 goldens of the same kind were not selected; they can detect 22 more."
    )
    assert text(
        to_accept=Gains(advice.by_option, together=True), in_states=4, not_covered=Gains((("lengths", 3),))
    ) == (
        f"{begins} To detect more: accept an initial state (14 more), both directions (2 more), and more together; "
        "return the last states (4 more). Not covered by this run: lengths (3 more)."
    )
    assert text() == begins


def test_the_summary_of_several_precisions_has_advice_once() -> None:
    widest, other = Discrimination(3, 96, 118, not_covered=Gains((("lengths", 3),))), Discrimination(3, 70, 70)
    assert summary("lstm", "3 goldens", {"float32": widest, "bfloat16": other}, SIZES) == (
        "lstm: 3 goldens; 96 of 118 known deviations can be detected in float32, all 70 in bfloat16, "
        "up to 4 units, 1 layer and 150 steps. Not covered by this run: lengths (3 more)."
    )


@pytest.mark.parametrize("gradients", [False, True])
def test_the_whole_corpus_detects_every_deviation_that_a_golden_detects(gradients: bool) -> None:
    corpus = open_corpus()
    full_matrix = kill_matrix(corpus, gradients=gradients)
    assert full_matrix is not None
    entries = [e for e in corpus.entries if e.cell == "gru" and (e.gradient_precisions or not gradients)]
    precisions = {e.id: e.gradient_precisions if gradients else e.precisions for e in entries}
    all_of_them = [Compared(e.id, "float32") for e in entries if "float32" in precisions[e.id]]
    of_all = discrimination(full_matrix, "gru", corpus.entries, all_of_them, gradients=gradients)["float32"]
    assert of_all.shown == of_all.total > 50
    of_gru = {deviation.name for deviation in full_matrix.deviations if "gru" in deviation.cells}
    ids = {entry.id for entry in entries}
    margins = {name: detection.margins["float32"] for name, detection in detections(corpus).items() if name in of_gru}
    detected = [
        name
        for name, counts_of in margins.items()
        if any(margin >= 2 for golden, margin in counts_of.items() if golden in ids)
    ]
    assert of_all.total == len(detected)


def test_a_missing_kill_matrix_is_none_and_a_damaged_one_raises(corpus_copy: Path) -> None:
    corpus = open_folder(corpus_copy)
    assert kill_matrix(corpus) is None
    (corpus_copy / "kill-matrix.json").write_text('{"enough": 2, "deviations": []}', "utf-8")
    with pytest.raises(InvalidFile, match="is not a kill matrix"):
        kill_matrix(corpus)
