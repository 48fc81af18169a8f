"""A deviation: a named bug of implementations, as a small change of the definition in ``cells``."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rnn_goldens.cells.network import AnyCase
from rnn_goldens.cells.numpy_primitives import Array
from rnn_goldens.deviations.alteration import Alteration
from rnn_goldens.deviations.needs import features_of
from rnn_goldens.deviations.wrong_pass import WrongPass
from rnn_goldens.errors import UnknownName
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS
from rnn_goldens.golden.expected import GRADIENTS
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.shapes import is_custom_cell

Named = TypeVar("Named")

OF_ALL_RECURRENCES = (
    tuple(RECURRENCES),
    tuple(name for name, recurrence in RECURRENCES.items() if recurrence.weights),
)
"""The cells of deviations of every recurrence, and of those of every recurrence with weights."""

OTHER_DIALECT = (
    "this is another dialect; if it is intended, refuse these goldens: raise rnn_goldens.Unsupported, or skip them "
    "with --rnn-goldens-skip"
)
"""The fix for an equation that is correct in another dialect."""


@dataclass(frozen=True, eq=False)
class Deviation:
    """A named bug: wrong outputs, or in the backward pass wrong gradients only.

    Attributes:
        name: permanent name, in lower case with underscores.
        cells: the cells that the deviation applies to; empty if it is derived from a custom cell.
        needs: features of a case without which the deviation has no effect, or that of a simpler one; see
            ``features_of``.
        stands_for: reports of the bug in real implementations, as ``repository#number``.
        fix: how to fix the bug, if the sentence does not show that.
        dialects: the dialects that have these equations.
        mixes_states: whether h takes the place of c, or c that of h: possible only if both have the same size.
    """

    name: str
    sentence: str
    wrong: WrongPass
    cells: tuple[str, ...] = CELLS
    needs: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    fix: str = ""
    dialects: tuple[str, ...] = ()
    mixes_states: bool = False

    def fix_for(self, cells: Collection[str] = CELLS) -> str:
        """Return how to fix the bug in these cells; for the equations of dialects, how to select their goldens."""
        dialects = [cell for cell in self.dialects if DIALECTS[cell].base in cells]
        if not dialects:
            return self.fix
        first = DIALECTS[dialects[0]]
        return (
            f"a network with {first.meaning} is a dialect ({first.option}); if it is intended, check it against the "
            f"goldens of that dialect: {' or '.join(f'--cell={cell}' for cell in dialects)}"
        )

    def applies_to(self, cell: str) -> bool:
        """Return whether the deviation applies to a cell.

        A deviation of all standard cells applies to custom cells, too, and one of all recurrences to custom ones. A
        deviation that does not change equations applies to the dialects of its cells, too. A dialect with other gates
        than its standard cell has only deviations of all standard cells; one with a projection has none that mix h and
        c.
        """
        if cell in self.cells or cell in CELLS:
            return cell in self.cells
        if cell in DIALECTS and DIALECTS[cell].base in self.cells:
            same_gates = LAYOUTS[cell].gates == LAYOUTS[DIALECTS[cell].base].gates
            mixes = self.mixes_states and "PH" in LAYOUTS[cell].further.values()
            return not ("equations" in self.wrong.acts_on or mixes) and (same_gates or self.cells == CELLS)
        return self.cells == () or (is_custom_cell(cell) and self.cells in (CELLS, *OF_ALL_RECURRENCES))

    @property
    def is_backward(self) -> bool:
        """True if only the backward pass is wrong: outputs are right and gradients are wrong."""
        return self.wrong.of == GRADIENTS

    @property
    def is_of_networks(self) -> bool:
        """Whether the deviation is one of networks, which can act together with others."""
        return isinstance(self.wrong, Alteration)

    @property
    def alteration(self) -> Alteration:
        """The change of a network. Raises TypeError for a deviation of recurrences."""
        if not isinstance(self.wrong, Alteration):
            raise TypeError(f"{self.name} is a deviation of recurrences")
        return self.wrong

    def has_needs(self, case: AnyCase, declared: Iterable[str] = ()) -> bool:
        """Return whether a case, with further features of its golden, has all features that the deviation needs."""
        return features_of(case, declared).issuperset(self.needs)

    def outputs(self, case: AnyCase) -> dict[str, Array]:
        """Return the wrong outputs of a case by name."""
        return self.wrong.outputs_by_name(case)

    def gradients(self, case: Any, cotangents: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ANN401 - a case
        """Return the wrong gradients of a case, for a deviation of the backward pass."""
        return self.wrong.gradients(case, cotangents)


def named_in(deviations: Mapping[str, Named], name: str) -> Named:
    """Return a deviation by name; raises UnknownName with the names that exist."""
    try:
        return deviations[name]
    except KeyError:
        raise UnknownName("deviation", name, deviations, listed_by="rnn-goldens explain --list") from None
