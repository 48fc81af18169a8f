"""Most pairs of deviations can be combined, because each deviation lists the parts of a network that it changes."""

from itertools import combinations, permutations

import numpy as np
import pytest
from deviations.example_cases import EXAMPLES, Example, Outputs
from factories.for_each import for_each

from rnn_goldens.deviations import DEVIATIONS, deviation, together
from rnn_goldens.golden.built_in_cells import CELLS

ONE_OF_EACH = (
    "x_late",
    "b_ih_doubled",
    "hard_tanh",
    "state_units_reversed",
    "reverse_not_flipped_back",
    "dropout_left_on",
    "h_n_layers_reversed",
    "out_activated_again",
)


def everything(cell: str) -> Example:
    return next(example for example in EXAMPLES[cell] if example.name == "everything")


def differ(a: Outputs, b: Outputs) -> bool:
    return any(
        x.shape != y.shape or not np.allclose(x, y, rtol=1e-9, equal_nan=True) for x, y in zip(a, b, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("x_late", ("inputs",)),
        ("lstm_output_without_tanh", ("equations",)),
        ("b_ih_doubled", ("weights",)),
        ("hard_tanh", ("tanh",)),
        ("state_units_reversed", ("step", "unroll")),
        ("h_n_layers_reversed", ("outputs",)),
    ],
)
def test_acts_on_has_the_changed_parts(name: str, parts: tuple[str, ...]) -> None:
    assert deviation(name).wrong.acts_on == parts


@for_each(list(combinations(ONE_OF_EACH, 2)), every=8)
def test_two_deviations_act_at_once(first: str, second: str) -> None:
    case = everything("lstm").case
    a, b = deviation(first), deviation(second)
    both = (a.alteration & b.alteration)(case)
    assert differ(both, a.alteration(case))
    assert differ(both, b.alteration(case))


@pytest.mark.parametrize("cell", CELLS)
def test_most_pairs_can_be_combined(cell: str) -> None:
    """A pair fails if one overrides the other, one changes a shape that the other reads, or both change equations."""
    applicable = [wrong for wrong in DEVIATIONS if cell in wrong.cells]
    pairs = list(permutations(applicable, 2))
    tried = [pairs[k] for k in np.random.default_rng(0).choice(len(pairs), 150, replace=False)]
    case, failed = everything(cell).case, 0
    for a, b in tried:
        try:
            (a.wrong & b.wrong)(case)
        except (ValueError, IndexError):
            failed += 1
    assert failed <= 0.02 * len(tried)


def test_two_changes_of_the_same_part_cannot_be_combined() -> None:
    a, b = deviation("lstm_output_without_tanh"), deviation("lstm_cell_clipped")
    with pytest.raises(ValueError, match="both change the equations of lstm"):
        _ = a.wrong & b.wrong
    with pytest.raises(ValueError, match="one overrides the other"):
        together(["reverse_starts_in_padding", "reverse_starts_in_zeroed_padding"])
