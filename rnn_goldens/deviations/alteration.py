"""Changes of the forward or backward pass of a network, as small edits of the definition in ``cells``."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from rnn_goldens.cells import Array, Backward, Case, Cell, Cotangents, Network, State, Weights
from rnn_goldens.cells.step_program import Equations, with_equations
from rnn_goldens.deviations.wrong_pass import WrongPass, overriding
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.shapes import STACKED

STACKED_NAMES = tuple(name for name, _ in STACKED)
"""Names of the weights with a block of rows for each gate."""

Outputs = tuple[Array, ...]
"""out, h_n, and c_n for an LSTM."""

Gradients = dict[str, Array]
"""Gradients by the name of the array."""

FORWARD, REVERSE = "forward", "reverse"

Change = Callable[[Case, Outputs], Outputs]
"""``change(case, outputs)`` returns the wrong outputs."""


@dataclass(frozen=True, eq=False)
class Alteration(WrongPass):
    """A change of the forward or backward pass of a network. ``a & b`` combines two changes.

    Attributes:
        inputs: changes of the inputs: functions of the case; for gradients, of the case and the cotangents.
        steps: classes that override methods of ``right``. The first is the outermost: a method that does not call
            ``super()`` replaces the same method of later classes.
        equations: other equations by cell; for gradients, with right values and wrong derivatives.
        outputs: changes of the outputs or gradients: functions of the case and the outputs or gradients.
        returned: changes of the outputs just before they are returned, without a batch axis for unbatched input.
        right: the network that is changed: ``Backward`` if only gradients are wrong.
    """

    inputs: tuple[Callable[..., Any], ...] = ()
    steps: tuple[type[Network], ...] = ()
    equations: Mapping[str, Equations] = field(default_factory=dict)
    outputs: tuple[Callable[..., Any], ...] = ()
    returned: tuple[Change, ...] = ()
    right: type[Network] = Network

    @property
    def of(self) -> str:
        """GRADIENTS if only the backward pass is wrong."""
        return GRADIENTS if self.right is Backward else OUTPUTS

    def __call__(self, case: Case) -> Outputs:
        """Return the wrong outputs of a case with float64 arrays."""
        return self.around(self.network().run, case)

    def outputs_by_name(self, case: Case) -> dict[str, Array]:
        """Return the wrong outputs by name."""
        return dict(zip(case.cell.layout.outputs, self(case), strict=False))

    def around(self, run: Callable[[Case], Outputs], case: Case) -> Outputs:
        """Apply the changes of inputs and outputs around any function that runs a network on a batch."""
        with np.errstate(all="ignore"):  # a wrong network may overflow
            batch = case.as_batch()
            for change in self.inputs:
                batch = change(batch)
            outputs = run(batch)
            for change in self.outputs:
                outputs = change(batch, outputs)
            if not case.batched:
                outputs = outputs[0][0], *(part[:, 0] for part in outputs[1:])
            for change in self.returned:
                outputs = change(case, outputs)
        return outputs

    @np.errstate(all="ignore")
    def gradients(self, case: Case, cotangents: Cotangents) -> Gradients:
        """Return the wrong gradients of a case."""
        for change in self.inputs:
            cotangents = change(case, cotangents)
        network = self.network()
        assert isinstance(network, Backward)
        found = network.gradients(case, cotangents)
        for change in self.outputs:
            found = change(case, found)
        return found

    def __and__(self, other: WrongPass) -> "Alteration":
        """Combine two changes.

        Raises ValueError if one changes outputs and the other gradients, both change the equations of a cell, or the
        steps of one override those of the other.
        """
        if not isinstance(other, Alteration) or self.right is not other.right:
            raise ValueError("one changes outputs and the other gradients, or networks and the other recurrences")
        if twice := sorted(set(self.equations) & set(other.equations)):
            raise ValueError(f"both change the equations of {', '.join(twice)}")
        if any(issubclass(a, b) or issubclass(b, a) for a in self.steps for b in other.steps):
            raise ValueError("one overrides the other")
        return Alteration(
            (*self.inputs, *other.inputs),
            tuple(sorted((*self.steps, *other.steps), key=lambda step: not issubclass(step, AfterAllOthers))),
            {**self.equations, **other.equations},
            (*self.outputs, *other.outputs),
            (*self.returned, *other.returned),
            self.right,
        )

    def of_cells(self, cells: Collection[str]) -> "Alteration":
        """Return the change with the equations of only these cells."""
        return replace(self, equations={name: wrong for name, wrong in self.equations.items() if name in cells})

    @property
    def acts_on(self) -> tuple[str, ...]:
        """The changed parts: ``inputs``, ``equations``, methods of the network, ``outputs``."""
        steps = {name for step in self.steps for name in overridden(step, self.right)}
        return (
            *(["inputs"] if self.inputs else []),
            *(["equations"] if self.equations else []),
            *sorted(steps),
            *(["outputs"] if self.outputs or self.returned else []),
        )

    @cached_property
    def network(self) -> type[Network]:
        """The network with changed steps and equations; ``around`` applies the other changes."""
        wrong, base = self.equations, self.right

        class Deviating(*self.steps, base):  # type: ignore[misc,valid-type] # dynamic bases
            def cell(self, case: Case) -> Cell:
                right = super().cell(case)
                return with_equations(right, wrong[right.name]) if right.name in wrong else right

        return Deviating if wrong else cast(type[Network], type("Deviating", (*self.steps, base), {}))


def overridden(step: type[Network], right: type[Network]) -> list[str]:
    """Return the methods of the definition that a class overrides."""
    names = [name for kind in reversed(right.__mro__) for name, f in vars(kind).items() if callable(f)]
    methods = dict.fromkeys(name for name in names if not name.startswith("__"))
    return [name for name in methods if getattr(step, name) is not getattr(right, name)]


def in_network(network: type[Network]) -> Alteration:
    """Return the change that a network class makes by overriding steps of the forward or backward pass."""
    return Alteration(steps=(network,), right=Backward if issubclass(network, Backward) else Network)


class AfterAllOthers(Network):
    """Base class of steps that run after the steps of other deviations: a bias is added after gates are reordered."""


def in_steps(base: type[Network] = Network, /, **steps: Callable[..., Any]) -> Alteration:
    """Return the change in which functions replace methods of the network.

    They are named as the methods, and take the network without the change and the method's arguments.
    """
    return in_network(overriding(base, steps))


def in_equations(right: type[Network] = Network, /, **wrong: Equations) -> Alteration:
    """Return the change of the equations of cells; of their derivatives only if ``right`` is ``Backward``."""
    if unknown := set(wrong) - set(LAYOUTS):
        raise TypeError(f"there is no cell {', '.join(unknown)}")
    return Alteration(equations=wrong, right=right)


def in_case(change: Callable[[Case], Case]) -> Alteration:
    """Return a change of the inputs; unbatched input is passed as a batch of one."""
    return Alteration(inputs=(change,))


def in_x(change: Callable[[Array], Array]) -> Alteration:
    """Return a change of x; unbatched input is passed as a batch of one."""
    return in_case(lambda case: replace(case, x=change(case.x)))


def in_state(change: Callable[[Array, Case], Array], *places: int) -> Alteration:
    """Return a change of the initial states: ``change(part, case)`` for h0 and c0, or those at some places."""
    return in_case(lambda case: replace(case, state=_changed(change, case.state, case, places)))


def in_lengths(change: Callable[[Array, int], Array]) -> Alteration:
    """Return a change of the lengths, if given: ``change(lengths, time)``."""

    def changed(case: Case) -> Case:
        return case if case.lengths is None else replace(case, lengths=change(case.lengths, case.x.shape[1]))

    return in_case(changed)


def in_weights(
    change: Callable[[Array, Case], Array], *names: str, where: Callable[[str], bool] | None = None
) -> Alteration:
    """Return a change of the weights: ``change(array, case)`` returns the new value.

    It is applied to the weights with these names, by default to those with a block of rows for each gate, and in the
    layers and directions ``where`` their suffix is chosen, by default in all.
    """

    def weights(right: Network, case: Case, suffix: str) -> Weights:
        given, chosen = right.weights(case, suffix), names or STACKED_NAMES
        return {name: change(array, case) if name in chosen else array for name, array in given.items()}

    if where is None:
        return in_steps(weights=weights)
    return in_steps(weights=lambda right, *of: weights(right, *of) if where(of[1]) else right.weights(*of))


def in_layer_inputs(change: Callable[..., tuple[Array, State, Array]]) -> Alteration:
    """Return a change of what each layer and direction gets.

    ``change(case, suffix, layer_input, state, lengths)`` returns the last three.
    """
    return in_steps(
        unroll=lambda right, case, suffix, *given: right.unroll(case, suffix, *change(case, suffix, *given))
    )


def in_new_state(change: Callable[[State, State], State]) -> Alteration:
    """Return a change of the state after every step: ``change(after, before)``."""
    return in_steps(
        step=lambda right, case, suffix, w, layer_input, t, state: change(
            right.step(case, suffix, w, layer_input, t, state), state
        )
    )


def in_unrolled(change: Callable[[Array, State, State, Array], tuple[Array, State]], *directions: str) -> Alteration:
    """Return a change of out and the last state of every layer, in some or all directions.

    ``change(out, last, start, lengths)`` returns the wrong out and last state.
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


def in_outputs(change: Change) -> Alteration:
    """Return a change of the outputs; unbatched outputs are passed as a batch of one."""
    return Alteration(outputs=(change,))


def in_out(change: Callable[[Array], Array]) -> Alteration:
    """Return a change of out alone; that of unbatched input is passed as a batch of one."""
    return in_outputs(lambda _, outputs: (change(outputs[0]), *outputs[1:]))


def in_last_states(change: Callable[[Array, Case], Array], *places: int) -> Alteration:
    """Return a change of the last states: ``change(part, case)`` for h_n and c_n, or those at some places."""
    return in_outputs(lambda case, outputs: (outputs[0], *_changed(change, outputs[1:], case, places)))


def _changed(change: Callable[[Array, Case], Array], parts: State, case: Case, places: tuple[int, ...]) -> State:
    return tuple(change(part, case) if not places or k in places else part for k, part in enumerate(parts))


def at_the_end(change: Change) -> Alteration:
    """Return a change of the outputs just before they are returned, without a batch axis for unbatched input."""
    return Alteration(returned=(change,))


def direction(suffix: str) -> str:
    """Return the direction of a suffix of weight names."""
    return REVERSE if suffix.endswith("_reverse") else FORWARD


def is_last_layer(layer: int, case: Case) -> bool:
    """Return whether a layer is the last one."""
    return layer == case.config.num_layers - 1


def by_layer(part: Array, case: Case) -> Array:
    """Return a state as (layers, directions, …)."""
    return part.reshape(case.config.num_layers, case.config.num_directions, *part.shape[1:])


def is_first(suffix: str, layer_input: Array, t: int) -> bool:
    """Return whether time step t is the first that a direction visits."""
    return t == (0 if direction(suffix) == FORWARD else layer_input.shape[1] - 1)
