"""How many deviations can show in what was compared, and what else would show more."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rnn_goldens import InvalidFile
from rnn_goldens.corpus import Entry, open_corpus, open_folder
from rnn_goldens.corpus.discrimination import Compared, Discrimination, KillMatrix, discrimination, kill_matrix
from rnn_goldens.corpus.shown import shown

Margins = dict[str, dict[str, list[float | None]]]

PRECISIONS = ("float64", "float32")


def entry(golden: str, *features: str, cell: str = "lstm") -> Entry:
    return Entry(golden, golden, golden, cell, features, PRECISIONS, {}, "")


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
    "hidden": {"lstm/plain": [0.7, 0.7]},
    "of_gru": {"gru/plain": [3, 3]},
}


def matrix(of_out: Margins | None = None) -> KillMatrix:
    def deviation(name: str) -> Any:
        found = {"name": name, "cells": ["gru"] if name == "of_gru" else ["lstm", "gru"], "margins": SHOWN[name]}
        return {**found, "margins_of_out": of_out[name]} if of_out and name in of_out else found

    document = {"enough": 2.0, "precisions": PRECISIONS, "deviations": [deviation(name) for name in SHOWN]}
    return msgspec.json.decode(json.dumps(document), type=KillMatrix)


def found(
    compared: Iterable[str],
    refused: Iterable[str] = (),
    dtypes: Iterable[str] = ("float32",),
    *,
    out_alone: bool = False,
    of_out: Margins | None = None,
) -> Discrimination:
    judged = [Compared(f"lstm/{name}", dtype, out_alone) for name in compared for dtype in dtypes]
    asked = [*judged, *(Compared(f"lstm/{name}", dtype) for name in refused for dtype in dtypes)]
    return discrimination(matrix(of_out), "lstm", ENTRIES, judged, asked)


def test_what_shows_is_counted_from_the_margin_that_is_enough_on() -> None:
    only = found(["plain"])
    assert (only.goldens, only.shown) == (1, 2)  # everywhere, exactly
    assert only.total == 10  # neither what no golden shows, nor what float64 alone does, nor what is another cell's
    assert found(["plain"], dtypes=PRECISIONS).total == 11
    assert found(["plain"], dtypes=["float64"]).shown == 3


def test_advice_is_what_shows_most_first_and_no_more_than_three() -> None:
    only = found(["plain"], refused=["other", "state", "state-lengths", "layers"])
    assert only.to_accept == (("an initial state", 3), ("several layers", 2), ("float64", 2))
    assert (only.left_out, only.shown_there) == (0, 0)


def test_advice_goes_on_from_the_features_that_were_compared() -> None:
    both = found(["plain", "other", "state"])
    assert ("lengths", 1) in both.to_accept
    assert "an initial state" not in dict(both.to_accept)
    assert "both directions" not in dict(both.to_accept)  # which show nothing
    assert dict(found(["no-bias"]).to_accept)["a bias"] == 3
    assert dict(found(["plain", "other", "state", "layers", "state-lengths"]).to_accept) == {
        "unbatched input": 1,
        "no bias": 1,
        "float64": 1,
    }


def test_float64_is_no_advice_to_one_that_refused_it() -> None:
    judged = [Compared("lstm/plain", "float32")]
    asked = [*judged, Compared("lstm/plain", "float64")]
    only = discrimination(matrix(), "lstm", ENTRIES[:1], judged, asked)
    assert only.to_accept == ()


def test_goldens_of_the_same_kind_that_were_not_asked_are_told_apart_from_advice() -> None:
    only = found(["plain"])
    assert (only.left_out, only.shown_there) == (1, 1)
    assert found(["plain"], refused=["other"]).left_out == 0
    assert only.to_accept[:2] == (("an initial state", 3), ("several layers", 2))  # of_another is none of them


def test_of_out_alone_the_margins_of_out_count() -> None:
    of_out: Margins = {"everywhere": {"lstm/plain": [1.0, 1.0]}, "of_states": {"lstm/state": [1.0, 1.0]}}
    alone = found(["plain"], out_alone=True, of_out=of_out)
    assert (alone.shown, alone.total, alone.in_states) == (1, 10, 1)
    assert dict(alone.to_accept)["an initial state"] == 2
    assert found(["plain"], of_out=of_out) == found(["plain"])
    assert found(["plain"], out_alone=True).in_states == 0


def test_what_is_told() -> None:
    assert Discrimination(1, 5, 5).told("gru, float32") == "gru, float32: 1 golden; all 5 known deviations can show."
    advice = (("an initial state", 14), ("both directions", 2))
    assert Discrimination(12, 96, 118, to_accept=advice).told("lstm, float32") == (
        "lstm, float32: 12 goldens; 96 of 118 known deviations can show. "
        "To ask more: accept an initial state (+14), both directions (+2)."
    )
    assert Discrimination(12, 96, 118, 3, 22).told("lstm") == (
        "lstm: 12 goldens; 96 of 118 known deviations can show. 3 goldens of the same kind were left out (+22)."
    )
    assert (
        Discrimination(12, 96, 118, in_states=4, to_accept=advice[:1])
        .told("lstm")
        .endswith(" To ask more: accept an initial state (+14); return the last states (+4).")
    )


@pytest.mark.parametrize("gradients", [False, True])
def test_the_whole_corpus_shows_all_that_some_golden_shows(gradients: bool) -> None:
    corpus = open_corpus()
    whole = kill_matrix(corpus, gradients=gradients)
    assert whole is not None
    having = [e for e in corpus.entries if e.cell == "gru" and (e.gradient_precisions or not gradients)]
    all_of_them = [Compared(e.id, "float32") for e in having if "float32" in e.precisions]
    of_all = discrimination(whole, "gru", corpus.entries, all_of_them, all_of_them)
    assert of_all.shown == of_all.total > 50
    of_gru = {deviation.name for deviation in whole.deviations if "gru" in deviation.cells}
    ids = {entry.id for entry in having}
    margins = {name: found.margins["float32"] for name, found in shown(corpus).items() if name in of_gru}
    exposed = [
        name for name, found in margins.items() if any(margin >= 2 for golden, margin in found.items() if golden in ids)
    ]
    assert of_all.total == len(exposed)


def test_a_corpus_without_a_kill_matrix_has_none_and_a_damaged_one_is_an_error(corpus_copy: Path) -> None:
    corpus = open_folder(corpus_copy)
    assert kill_matrix(corpus) is None
    (corpus_copy / "kill-matrix.json").write_text('{"enough": 2, "deviations": []}', "utf-8")
    with pytest.raises(InvalidFile, match="is no kill matrix"):
        kill_matrix(corpus)
