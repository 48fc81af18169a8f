"""Shows what is wrong in a deviation beside what is correct: as equations, steps or numbers, whichever applies."""

from collections.abc import Callable

from rnn_goldens.deviations import Deviation
from rnn_goldens.explain.equations_text import LONGEST, difference, of_first_cell
from rnn_goldens.explain.numbers_text import activations, numbers, products, second_product
from rnn_goldens.explain.unrolled_text import unrolled
from rnn_goldens.explain.weights_text import equations_with_changed_weights


def picture(deviation: Deviation) -> list[str]:
    """Return correct (-) and wrong (+) lines, found by running the deviation; empty if that shows nothing."""
    wrong, cells, needs = deviation.alteration, deviation.cells, deviation.needs
    pictures: list[Callable[[], list[str]]] = [
        lambda: other_equations(deviation),
        lambda: equations_with_changed_weights(wrong, cells),
        lambda: [*shown, *products(wrong)] if (shown := activations(wrong)) else [],
        lambda: unrolled(wrong, cells[0], needs),
        lambda: second_product(wrong),
        lambda: products(wrong),
        lambda: numbers(wrong, cells[0], needs),
    ]
    for lines_of_picture in pictures:
        try:
            lines = lines_of_picture()
        except (TypeError, ValueError, AttributeError):  # the code does not accept symbols, or not this network
            continue
        if lines:
            return lines
    return []


def other_equations(deviation: Deviation, longest: int = LONGEST) -> list[str]:
    """Return the equations of the first cell that the deviation changes, and the names of other changed cells."""
    found = {
        cell: lines for cell, f in deviation.alteration.equations.items() if (lines := difference(cell, f, longest))
    }
    return of_first_cell(list(found), next(iter(found.values()))) if found else []
