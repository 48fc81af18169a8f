"""A test is identified by its node id without the golden."""

import pytest

from rnn_goldens.plugin.options import without_golden


@pytest.mark.parametrize(
    ("parameters", "others"),
    [
        ("[lstm/plain-float32]", ""),
        ("[fast-lstm/plain-float32]", "[fast]"),
        ("[lstm/plain-float32-fast]", "[fast]"),
        ("[a-lstm/plain-float32-b]", "[a-b]"),
        ("[--a-lstm/plain-float32-b-]", "[--a-b-]"),
        ("[lstm/plain-float32-x[0]]", "[x[0]]"),
        ("[lstm/plain-float32]@group", "@group"),
        ("[lstm/plain-float64]", "[lstm/plain-float64]"),
        ("", ""),
    ],
)
def test_a_test_is_identified_by_its_other_parameters(parameters: str, others: str) -> None:
    node = f"test_a.py::TestB::test_c{parameters}"
    assert without_golden(node, "lstm/plain", "float32") == f"test_a.py::TestB::test_c{others}"
