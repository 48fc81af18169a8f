"""Goldens that failed before outputs were compared are summarized by reason, with the option they share."""

from rnn_goldens.diagnosis.missing_outputs import no_outputs

FEATURES = {"gru/a": ["bias", "unbatched"], "gru/b": ["unbatched"], "gru/c": ["bias"]}
TEXT = "2 goldens failed before outputs were compared: tuple index out of range"


def summary(*passed: str) -> str:
    failed = [(golden, "float32", "tuple index out of range") for golden in ("gru/a", "gru/b")]
    return " ".join(line.strip() for line in no_outputs(failed, FEATURES, passed))


def test_an_option_of_all_failed_and_no_passed_goldens_is_reported() -> None:
    option = 'all have no batch axis, unlike all passed goldens: to exclude them, without=["unbatched"]'
    assert summary("gru/c") == f"{TEXT}; {option}"


def test_without_passed_goldens_no_option_is_reported() -> None:
    assert summary() == TEXT


def test_an_option_of_a_passed_golden_is_not_reported() -> None:
    assert summary("gru/c", "gru/b") == TEXT
