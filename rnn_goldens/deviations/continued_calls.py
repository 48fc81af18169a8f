"""Bugs of calls that continue others: states that are ignored, not updated, or not reset."""

from collections.abc import Callable

from rnn_goldens.cells.runner import Runner, States
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.deviations.wrong_calls import in_calls, zeros
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.data import InputsData
from rnn_goldens.golden.recurrences import INTEGER_LSTMS, RECURRENCES

ANY = (*CELLS, *RECURRENCES, *INTEGER_LSTMS)
LSTMS = ("lstm", *INTEGER_LSTMS)


def _upper_zero(states: States) -> States:
    found = zeros(states)
    for name, array in states.items():
        found[name][:1] = array[:1]  # of the first layer, the only one of a forward direction
    return found


def _not_reset(*names: str) -> Callable[..., States]:
    """Return what starts a call from the states of the last one, too, if none are given."""

    def states(right: Runner, inputs: InputsData) -> States:
        before, kept = right.states(inputs), right.last()
        is_pool = inputs.call.state_indices is not None
        if inputs.call.continues or inputs.given_states or is_pool or not kept:
            return before
        fits = all(kept[name].shape == array.shape for name, array in before.items())
        return {n: kept[n] if not names or n in names else array for n, array in before.items()} if fits else before

    return states


_SINGLE_STEPS = ("steps", "pool")
_CONTINUED = ("chunks", "stateful", "mixed", "drafts", "snapshots")

CONTINUED = table(cells=ANY)(
    state_of_call_before_ignored=(
        "Starts each call from zero, also one that continues another.",
        in_calls(*_SINGLE_STEPS, *_CONTINUED)(given=lambda _, states, __: zeros(states)),
    ),
    state_ignored_by_several_steps=(
        "Starts a call of several steps from zero; a call of one step uses the state.",
        in_calls(*_CONTINUED)(given=lambda _, states, time: zeros(states) if time > 1 else states),
        {"stands_for": ("transformers PR45513", "transformers#46190")},
    ),
    kept_state_ignored=(
        "Starts each call that continues another from zero; from a given state it starts right.",
        in_calls("stateful")(
            states=lambda right, inputs: inputs.states if inputs.call.continues else right.states(inputs)
        ),
        {"stands_for": ("CMSIS-NN PR219", "tflite-micro PR3564")},
    ),
    kept_state_ignored_by_several_steps=(
        "Starts a call of several steps that continues another from zero; from a given state it starts right.",
        in_calls("stateful")(
            states=lambda right, inputs: (
                inputs.states if inputs.call.continues and inputs.time > 1 else right.states(inputs)
            )
        ),
        {"stands_for": ("transformers#31909",)},
    ),
    state_ignored_by_one_step=(
        "Starts a call of one step from zero; a call of several steps uses the state.",
        in_calls(*_SINGLE_STEPS, *_CONTINUED)(given=lambda _, states, time: zeros(states) if time == 1 else states),
    ),
    kept_state_not_updated_by_several_steps=(
        "Keeps the states before a call of several steps, not those after it; a call of one step updates them.",
        in_calls("stateful")(left=lambda right, *of: of[0] if of[2] > 1 else right.left(*of)),
    ),
    kept_state_not_updated_by_one_step=(
        "Keeps the states before a call of one step, not those after it; a call of several steps updates them.",
        in_calls("stateful")(left=lambda right, *of: of[0] if of[2] == 1 else right.left(*of)),
    ),
    state_not_reset=(
        "Keeps the state over a reset: a call without an initial state continues the last call.",
        in_calls("stateful", "twice")(states=_not_reset()),
    ),
)

OF_NETWORKS = table()(
    c_of_call_before_ignored=(
        "Starts each call from c = 0, also one that continues another; h is kept.",
        in_calls("chunks", "steps", "stateful")(given=lambda _, states, __: zeros(states, "c0")),
        {"cells": LSTMS},
    ),
    h_of_call_before_ignored=(
        "Starts each call from h = 0, also one that continues another; c is kept.",
        in_calls("chunks", "steps", "stateful")(given=lambda _, states, __: zeros(states, "h0")),
        {"cells": LSTMS},
    ),
    c_not_reset=(
        "Resets h only: a call without an initial state continues from the last c.",
        in_calls("stateful", "twice")(states=_not_reset("c0")),
        {"cells": LSTMS},
    ),
    h_not_reset=(
        "Resets c only: a call without an initial state continues from the last h.",
        in_calls("stateful", "twice")(states=_not_reset("h0")),
        {"cells": LSTMS},
    ),
    states_of_upper_layers_not_kept=(
        "Keeps the states of the first layer only; the others start each call from zero.",
        in_calls("chunks", "steps", "stateful")(given=lambda _, states, __: _upper_zero(states)),
        {"needs": ("multilayer",)},
    ),
)
