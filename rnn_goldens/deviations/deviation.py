"""What a deviation is: one named way in which implementations go wrong, as a small departure from ``cells``."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cell, Cotangents, Network, State, Weights
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.cells.program import Equations
from rnn_goldens.golden.shapes import CELLS, is_own_cell

Outputs = tuple[Array, ...]
"""out, h_n, and c_n for an LSTM."""

Gradients = dict[str, Array]
"""By the name of the array."""

FORWARD, REVERSE = "forward", "reverse"

OTHER_DIALECT = (
    "another dialect; if it is meant, refuse these goldens: raise rnn_goldens.Unsupported, or list them with "
    "--rnn-goldens-skip"
)
"""What to do about a network that is right elsewhere."""

Change = Callable[[Case, Outputs], Outputs]
"""``change(case, outputs)`` gives the wrong outputs."""


@dataclass(frozen=True, eq=False)
class Wrong:
    """Where a network, or its way back, departs from the definition, and how. ``a & b`` departs in both.

    Attributes:
        asked: changes of what the network is asked: of the case; of the cotangents, given the case and them.
        steps: classes that override methods of ``right``; the first is the outermost, and what it does not leave
            to ``super()``, as an activation in place of another, hides what the others do there.
        equations: by cell, other equations than the definition's; with the right values, and another way back.
        outputs: changes of its outputs, or of its gradients, given the case and them.
        returned: the same of outputs, just before they are returned: of unbatched input without the batch axis.
        right: the network that it departs from: ``Backward`` if the outputs are right, and the gradients are not.
    """

    asked: tuple[Callable[..., Any], ...] = ()
    steps: tuple[type[Network], ...] = ()
    equations: dict[str, Equations] = field(default_factory=dict)
    outputs: tuple[Callable[..., Any], ...] = ()
    returned: tuple[Change, ...] = ()
    right: type[Network] = Network

    def __call__(self, case: Case) -> Outputs:
        """The wrong outputs of a case whose arrays are float64."""
        return self.around(self.network().run, case)

    def around(self, run: Callable[[Case], Outputs], case: Case) -> Outputs:
        """What is wrong before and after a network, around any that runs a batch: what is wrong inside is its own."""
        with np.errstate(all="ignore"):  # being wrong can make numbers overflow; that is no news
            batch = case.as_batch()
            for change in self.asked:
                batch = change(batch)
            outputs = run(batch)
            for spoil in self.outputs:
                outputs = spoil(batch, outputs)
            if not case.batched:
                outputs = outputs[0][0], *(part[:, 0] for part in outputs[1:])
            for spoil in self.returned:
                outputs = spoil(case, outputs)
        return outputs

    @np.errstate(all="ignore")
    def gradients(self, case: Case, cotangents: Cotangents) -> Gradients:
        """The wrong gradients of a case."""
        for change in self.asked:
            cotangents = change(case, cotangents)
        network = self.network()
        assert isinstance(network, Backward)
        found = network.gradients(case, cotangents)
        for spoil in self.outputs:
            found = spoil(case, found)
        return found

    def __and__(self, other: "Wrong") -> "Wrong":
        """Both at once. Raises ValueError if they can not be: both have equations of one cell, or one is the other."""
        if self.right is not other.right:
            raise ValueError("one of them is of outputs, and the other of gradients")
        if twice := sorted(set(self.equations) & set(other.equations)):
            raise ValueError(f"both have equations of their own for {', '.join(twice)}")
        if any(issubclass(a, b) or issubclass(b, a) for a in self.steps for b in other.steps):
            raise ValueError("one of them is the other, done otherwise")
        return Wrong(
            (*self.asked, *other.asked),
            tuple(sorted((*self.steps, *other.steps), key=lambda step: not issubclass(step, AfterAllOthers))),
            {**self.equations, **other.equations},
            (*self.outputs, *other.outputs),
            (*self.returned, *other.returned),
            self.right,
        )

    @property
    def acts_on(self) -> tuple[str, ...]:
        """Where it acts: what is ``asked``, ``equations``, methods of the network, or ``outputs``."""
        steps = {name for step in self.steps for name in overridden(step, self.right)}
        return (
            *(["asked"] if self.asked else []),
            *(["equations"] if self.equations else []),
            *sorted(steps),
            *(["outputs"] if self.outputs or self.returned else []),
        )

    @cached_property
    def network(self) -> type[Network]:
        """The network that is wrong inside; what is wrong before and after it is ``around`` it."""
        wrong, base = self.equations, self.right

        class Deviating(*self.steps, base):  # type: ignore[misc,valid-type] # its bases are known when it runs
            def cell(self, case: Case) -> Cell:
                right = super().cell(case)
                return with_equations(right, wrong[right.name]) if right.name in wrong else right

        return Deviating if wrong else cast(type[Network], type("Deviating", (*self.steps, base), {}))


@dataclass(frozen=True, eq=False)
class Deviation:
    """A wrong network: its outputs are wrong or, of the backward pass, its gradients alone.

    Attributes:
        name: stable, in lower case with underscores.
        sentence: what it does wrong.
        wrong: where it does it, and how.
        cells: the cells it applies to; none if it is derived from the equations of one of someone's own.
        needs: features without which it changes nothing.
        stands_for: defects found in the wild, as ``repository#number``.
        mend: what to do about it, where the sentence does not say so.
    """

    name: str
    sentence: str
    wrong: Wrong
    cells: tuple[str, ...] = CELLS
    needs: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    mend: str = ""

    def befalls(self, cell: str) -> bool:
        """Whether a cell can have it: one of someone's own can have what all of ours can."""
        return cell in self.cells or (is_own_cell(cell) and self.cells in (CELLS, ()))

    @property
    def is_backward(self) -> bool:
        """Whether it is of the backward pass: its outputs are right, and its gradients are not."""
        return self.wrong.right is Backward

    def run(self, case: Case) -> Outputs:
        """The wrong outputs of a case whose arrays are float64."""
        return self.wrong(case)

    def gradients(self, case: Case, cotangents: Cotangents) -> Gradients:
        """The wrong gradients of a case, of a deviation of the backward pass."""
        return self.wrong.gradients(case, cotangents)


def overridden(step: type[Network], right: type[Network]) -> list[str]:
    """The methods of the definition that a class has others for."""
    names = [name for kind in reversed(right.__mro__) for name, f in vars(kind).items() if callable(f)]
    own = dict.fromkeys(name for name in names if not name.startswith("__"))
    return [name for name in own if getattr(step, name) is not getattr(right, name)]


def in_network(network: type[Network]) -> Wrong:
    """A network that overrides steps of the definition, or of its way back."""
    return Wrong(steps=(network,), right=Backward if issubclass(network, Backward) else Network)


class AfterAllOthers(Network):
    """A base of steps that see what others, which are wrong too, have done: a gate is held, however its rows lie."""


def in_steps(base: type[Network] = Network, /, **steps: Callable[..., Any]) -> Wrong:
    """The right network, but for the steps that are given as functions.

    Args:
        base: ``Network``, ``AfterAllOthers``, or ``Backward``.
        steps: by the name of a method of it, a function that takes the network as it is right, and the
            method's arguments.
    """
    for step in steps:
        if not hasattr(base, step):
            raise TypeError(f"{base.__name__} has no step {step!r}")

    class Overriding(base):  # type: ignore[misc,valid-type] # it is known when it runs
        pass

    for name, function in steps.items():
        setattr(Overriding, name, _method(Overriding, function))
    return in_network(Overriding)


def _method(owner: type[Network], function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *arguments, **named: function(super(owner, self), *arguments, **named)


def in_equations(**wrong: Equations) -> Wrong:
    """The right network, but for the equations of the cells that are named."""
    if unknown := set(wrong) - set(CELLS):
        raise TypeError(f"there is no cell {', '.join(unknown)}")
    return Wrong(equations=wrong)


def in_case(change: Callable[[Case], Case]) -> Wrong:
    """The right network, asked something else; ``change`` sees unbatched input as a batch of one."""
    return Wrong(asked=(change,))


def in_state(change: Callable[[Array, Case], Array]) -> Wrong:
    """The right network, with other initial states: ``change(part, case)`` of h0, and of c0."""
    return in_case(lambda case: replace(case, state=tuple(change(part, case) for part in case.state)))


def in_lengths(change: Callable[[Array, int], Array]) -> Wrong:
    """The right network, with other lengths: ``change(lengths, time)``, where lengths are given."""

    def changed(case: Case) -> Case:
        return case if case.lengths is None else replace(case, lengths=change(case.lengths, case.x.shape[1]))

    return in_case(changed)


def in_weights(change: Callable[[str, Array, Case], Array]) -> Wrong:
    """The right network with other weights; ``change(name, array, case)`` gives each its new value."""

    def weights(right: Network, case: Case, suffix: str) -> Weights:
        return {name: change(name, array, case) for name, array in right.weights(case, suffix).items()}

    return in_steps(weights=weights)


def in_unrolled(change: Callable[[Array, State, State, Array], tuple[Array, State]], *directions: str) -> Wrong:
    """The right network, but for what the layers in some directions (or in all) give: out and the last state.

    Args:
        change: ``change(out, last, start, lengths)`` returns the wrong out and last state.
        directions: ``FORWARD``, ``REVERSE``; both if none is named.
    """

    def unroll(
        right: Network, case: Case, suffix: str, layer_input: Array, state: State, lengths: Array
    ) -> tuple[Array, State]:
        out, last = right.unroll(case, suffix, layer_input, state, lengths)
        return (
            change(out, last, state, lengths)
            if direction(suffix) in (directions or (FORWARD, REVERSE))
            else (out, last)
        )

    return in_steps(unroll=unroll)


def in_outputs(change: Change) -> Wrong:
    """The right network, whose outputs are then spoiled; ``change`` sees unbatched input as a batch of one."""
    return Wrong(outputs=(change,))


def in_last_states(change: Callable[[Array, Case], Array]) -> Wrong:
    """The right network, whose last states are spoiled: ``change(part, case)`` of h_n, and of c_n."""
    return in_outputs(lambda case, outputs: (outputs[0], *(change(part, case) for part in outputs[1:])))


def at_the_end(change: Change) -> Wrong:
    """The right network, whose outputs are spoiled just before they are returned, unbatched ones too."""
    return Wrong(returned=(change,))


def direction(suffix: str) -> str:
    """The direction of the weights whose names end in a suffix."""
    return REVERSE if suffix.endswith("_reverse") else FORWARD


def is_last_layer(layer: int, case: Case) -> bool:
    """Whether no layer comes after this one."""
    return layer == case.config.num_layers - 1


def by_layer(part: Array, case: Case) -> Array:
    """A state of every layer and direction, as (layers, directions, …)."""
    return part.reshape(case.config.num_layers, case.config.num_directions, *part.shape[1:])


def is_first(suffix: str, layer_input: Array, t: int) -> bool:
    """Whether time step t is the first that a direction visits."""
    return t == (0 if direction(suffix) == FORWARD else layer_input.shape[1] - 1)
