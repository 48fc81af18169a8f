"""The public API does not change: names, arguments, attributes, options of the plugin and arguments of its marker."""

import inspect

import pytest

import rnn_goldens
from rnn_goldens.plugin import OPTIONS
from rnn_goldens.plugin.options import MARKER

NAMES = {
    "Config", "Difference", "Golden", "GoldenMismatch", "IntegerScenario", "InvalidFile", "ProgramFailed",
    "RecurrenceScenario", "Refused", "RnnGoldensError", "Scenario", "Step", "UnknownName", "Unsupported", "Verdict",
    "certify", "kernel", "load", "read", "save", "select",
}  # fmt: skip

SIGNATURES = {
    "load": "(golden_id, *, dtype, corpus, gradients)",
    "select": "(*, ids, cell, features, without, dtype, corpus, gradients)",
    "Golden.in_precision": "(self, dtype)",
    "Golden.weights_as": "(self, convention)",
    "Golden.weights_from": "(self, convention, weights)",
    "Golden.steps": "(self)",
    "Golden.check": "(self, out, h_n, c_n, *, outputs, states_at)",
    "Golden.check_fails": "(self, out, h_n, c_n, *, outputs)",
    "Golden.compare": "(self, out, h_n, c_n, *, outputs, states_at)",
    "Golden.check_calls": "(self, run, calls, *, outputs)",
    "Golden.compare_calls": "(self, run, calls, *, outputs)",
    "Scenario.from_torch": "(module, x, state, *, id, purpose, lengths, fields)",
    "certify": "(scenario, *, confirm, states, progress)",
    "kernel": "(function, like, *, names, flags, layout)",
    "read": "(path, *, dtype, gradients)",
    "save": "(golden, path)",
}

ATTRIBUTES = (
    "id", "title", "purpose", "documented_in", "cell", "config", "features", "precisions", "dtype", "tolerance",
    "provenance", "x", "h0", "c0", "initial_state", "lengths", "weights", "out", "h_n", "c_n",
)  # fmt: skip


def test_the_public_names_do_not_change() -> None:
    assert set(rnn_goldens.__all__) == NAMES
    assert all(getattr(rnn_goldens, name).__name__ == name for name in NAMES)


@pytest.mark.parametrize("name", SIGNATURES)
def test_public_signatures_do_not_change(name: str) -> None:
    found: object = rnn_goldens
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)
    names, keyword_only = [], False
    for parameter in inspect.signature(found).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            names.append("*")
        names.append(parameter.name)
    assert f"({', '.join(names)})" == SIGNATURES[name]


def test_a_golden_has_the_public_attributes() -> None:
    golden = rnn_goldens.load("lstm/one-step-with-state")
    for name in ATTRIBUTES:
        assert getattr(golden, name) is not None or name == "lengths"
    assert isinstance(golden.initial_state, tuple)
    assert dict(golden.config).keys() == {"input_size", "hidden_size", "num_layers", "bidirectional", "bias"}


def test_a_verdict_and_a_mismatch_have_the_public_attributes() -> None:
    golden = rnn_goldens.load("documented/single-sequence")
    verdict = golden.compare(golden.out + 1, golden.h_n)
    assert not verdict.passed
    assert verdict.largest_error > 1
    assert verdict.message
    assert verdict.differences.keys() == {"out", "h_n"}
    assert issubclass(rnn_goldens.GoldenMismatch, AssertionError)
    assert rnn_goldens.GoldenMismatch(verdict).verdict is verdict


def test_options_of_the_plugin_and_arguments_of_its_marker_do_not_change() -> None:
    assert set(OPTIONS) == {
        "dtype", "ids", "cell", "features", "without", "calls", "outputs", "profile", "embed", "corpus",
        "at-least",
        "implementation", "time-limit", "known-failures", "skip", "report",
    }  # fmt: skip
    assert MARKER.startswith(
        "rnn_goldens(ids=..., cell=..., features=..., without=..., dtypes=..., corpus=..., calls=..., outputs=..., "
        "profile=..., embed=..., gradients=True)"
    )
