"""What failed before outputs were compared is said once a reason, with the option that all of it asks for."""

from rnn_goldens.diagnosis.no_outputs import no_outputs

FEATURES = {"gru/a": ["bias", "unbatched"], "gru/b": ["unbatched"], "gru/c": ["bias"]}
SAID = "2 goldens failed before outputs were compared: tuple index out of range"


def said(*passed: str) -> str:
    failed = [(golden, "float32", "tuple index out of range") for golden in ("gru/a", "gru/b")]
    return " ".join(line.strip() for line in no_outputs(failed, FEATURES, passed))


def test_an_option_of_all_that_nothing_that_passes_has_is_named() -> None:
    option = 'all have no batch axis, and nothing that passes does: to leave them out, without=["unbatched"]'
    assert said("gru/c") == f"{SAID}; {option}"


def test_where_nothing_passes_no_option_is_to_blame() -> None:
    assert said() == SAID


def test_an_option_that_something_that_passes_has_is_not() -> None:
    assert said("gru/c", "gru/b") == SAID
