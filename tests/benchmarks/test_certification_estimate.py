"""The constants of the prediction are fitted to measured goldens."""

import pytest

from benchmarks import certification_estimate
from benchmarks.certification_estimate import Sample, fitted, measured
from benchmarks.large_goldens import scenario
from rnn_goldens.generator.predicted_cost import SECONDS, kind_of, predicted_seconds, work_of

SIZES = ((5, 4, False), (40, 4, False), (10, 24, False), (5, 4, True), (20, 4, True), (10, 16, True))


@pytest.mark.parametrize("cell", ["lstm", "gated_delta"])
def test_fitted_constants_predict_what_was_measured(cell: str) -> None:
    samples = [Sample(one, 3 * predicted_seconds(one)) for one in (scenario(cell, *sizes) for sizes in SIZES)]
    found = fitted(samples, list(SECONDS[kind_of(samples[0].scenario)]))
    for one in samples:
        assert sum(found[name] * amount for name, amount in work_of(one.scenario).items()) == pytest.approx(
            one.seconds, rel=0.1
        )


def test_the_page_compares_predicted_with_measured_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certification_estimate, "GOLDENS", (("rg_lru", 8, 4, False), ("gated_delta", 64, 64, True)))
    monkeypatch.setattr(certification_estimate, "EVERY", 300)
    text = measured(most=1.0).text
    assert "| rg_lru |     8 |    4 |" in text
    assert "gated_delta" not in text
    assert "Every 300th golden of the corpus, 3 goldens: measured " in text
    assert measured(most=1.0, fit=True).text.startswith('Config:\n    "golden": ')
