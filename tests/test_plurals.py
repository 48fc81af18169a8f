"""Counts are written with a singular or a plural noun."""

from rnn_goldens.plurals import counted, was_or_were


def test_one_is_singular_and_any_other_number_is_plural() -> None:
    assert [counted(n, "golden") for n in (0, 1, 2, 1234)] == ["0 goldens", "1 golden", "2 goldens", "1,234 goldens"]
    assert [was_or_were(n) for n in (0, 1, 2)] == ["were", "was", "were"]
