"""What a notebook shows of a golden and of a verdict."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from rnn_goldens import load


def parsed(html: str) -> str:
    """Its text, if its tags are closed."""
    return " ".join(ElementTree.fromstring(f"<div>{html}</div>").itertext())


def test_a_golden_shows_what_it_is_and_holds() -> None:
    golden = load("lstm/lengths", dtype="bfloat16")
    shown = parsed(golden._repr_html_())
    for said in ("lstm/lengths in bfloat16", golden.purpose, "hidden_size=3", "lengths", "c_n (1, 3, 3)", "tolerance"):
        assert said in shown
    question = parsed(golden.question()._repr_html_())
    assert "the most that rounding can make of it" in shown
    assert "tolerance none: every number is exact" in parsed(load("documented/mini-batch")._repr_html_())
    assert "weight_hh_l0 (12, 3)" in question
    assert "c_n" not in question


def test_a_verdict_shows_each_output_and_its_message() -> None:
    golden = load("rnn-tanh/plain")
    assert "✓ passed" in parsed(golden.compare(golden.out, golden.h_n)._repr_html_())
    verdict = golden.compare(golden.out + 0.5, golden.h_n)
    shown = parsed(verdict._repr_html_())
    assert "✗ failed: the largest error is " in shown
    assert f"out {verdict.differences['out'].wrong} of {golden.out.size}" in shown
    assert verdict.message in shown
    assert " time step 0 (batch 0, unit 0) " in shown or " layer 0 (batch " in shown
    assert "(0, " not in shown.partition("rnn-tanh/plain in")[0]
    assert "white-space: pre-wrap" in verdict._repr_html_()
    assert "has shape (4, 3), want (2, 4, 3)" in parsed(golden.compare(golden.out[0], golden.h_n)._repr_html_())


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a & b < c > d \"'"])
def test_no_text_is_taken_for_html(text: str) -> None:
    golden = replace(load("rnn-tanh/plain"), id=text, purpose=text)
    assert text in parsed(golden._repr_html_())
    assert text in parsed(golden.compare(golden.out + 0.5, golden.h_n)._repr_html_())
