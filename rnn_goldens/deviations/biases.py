"""Biases that are missing, doubled, in the wrong place or at the wrong time."""

from collections.abc import Callable, Collection

import numpy as np

from rnn_goldens.cells import Array, Case, Network, State, Weights
from rnn_goldens.cells.notation import Operand, Term, Weight, mix, relu, sigmoid, tanh
from rnn_goldens.deviations.alteration import Alteration, in_equations, in_steps, in_weights, is_first
from rnn_goldens.deviations.table_rows import table
from rnn_goldens.deviations.weights import BIASES, blocks


def _times(factor: float, *names: str) -> Alteration:
    return in_weights(lambda array, _: factor * array, *names)


def _after_activation(bias: str) -> Alteration:
    """Add a bias to the gates instead of to the arguments of their activations."""

    def biases(w: Weight, gate: str) -> tuple[Operand, Operand, Operand]:
        """Return the biases added to W x and to W h, and the one added after the activation."""
        b_i, b_h = getattr(w, f"b_i{gate}"), getattr(w, f"b_h{gate}")
        return (0, b_h, b_i) if bias == "bias_ih" else (b_i, 0, b_h)

    def activated(activation: Callable[[Term], Term], x: Term, h: Term, w: Weight, gate: str) -> Term:
        b_i, b_h, late = biases(w, gate)
        return activation(getattr(w, f"W_i{gate}") @ x + b_i + getattr(w, f"W_h{gate}") @ h + b_h) + late

    def lstm(x: Term, h: Term, c: Term, w: Weight) -> tuple[Term, ...]:
        i, f, o = (activated(sigmoid, x, h, w, gate) for gate in "ifo")
        c = f * c + i * activated(tanh, x, h, w, "g")
        return o * tanh(c), c

    def gru(x: Term, h: Term, w: Weight) -> tuple[Term, ...]:
        r, z = (activated(sigmoid, x, h, w, gate) for gate in "rz")
        b_in, b_hn, late = biases(w, "n")
        n = tanh(w.W_in @ x + b_in + r * (w.W_hn @ h + b_hn)) + late
        return (mix(z, h, n),)

    return in_equations(
        rnn_tanh=lambda x, h, w: (activated(tanh, x, h, w, "h"),),
        rnn_relu=lambda x, h, w: (activated(relu, x, h, w, "h"),),
        lstm=lstm,
        gru=gru,
    )


def left_out(
    names: Collection[str],
    *,
    at_first_step: bool,
    state_given: bool | None = None,
    rest: Callable[[Array, Case], Array] = lambda array, _: np.zeros_like(array),
) -> Alteration:
    """Use only the rest of weights at the first step, or at all other steps.

    ``state_given`` selects cases with or without h0.
    """

    def step(right: Network, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State) -> State:
        if state_given in (None, case.state_given) and is_first(suffix, layer_input, t) == at_first_step:
            w = {name: rest(array, case) if name in names else array for name, array in w.items()}
        return right.step(case, suffix, w, layer_input, t, state)

    return in_steps(step=step)


def _in_biases(change: Callable[[Weights, Case], Weights]) -> Alteration:
    """Change biases, if the network has any: ``change(weights, case)`` returns those that differ."""

    def weights(right: Network, case: Case, suffix: str) -> Weights:
        w = right.weights(case, suffix)
        return {**w, **change(w, case)} if "bias_hh" in w else w

    return in_steps(weights=weights)


def _candidate_moved(source: str, to: str) -> Alteration:
    """Move a GRU's bias of the candidate to the other bias."""

    def change(w: Weights, case: Case) -> Weights:
        b_n = _candidate_only(w[source], case)
        return {source: w[source] - b_n, to: w[to] + b_n}

    return _in_biases(change)


def _no_candidate(bias: Array, case: Case) -> Array:
    return bias - _candidate_only(bias, case)


def _candidate_only(bias: Array, case: Case) -> Array:
    """Return a GRU's bias with the rows of its two gates set to zero."""
    gates = np.array([0, 0, 1])[:, None]
    return np.asarray(blocks(bias, case) * gates).reshape(bias.shape)


def _b_hn_added_again(
    right: Network, case: Case, suffix: str, w: Weights, layer_input: Array, t: int, state: State
) -> State:
    once = right.step(case, suffix, w, layer_input, t, state)
    if "bias_hh" not in w:
        return once
    again = {**w, "bias_hh": w["bias_hh"] + _candidate_only(w["bias_hh"], case)}
    (twice,) = right.step(case, suffix, again, layer_input, t, state)
    rows = np.arange(len(layer_input))[:, None]
    return (np.where(rows < 2, once[0], twice),)  # noqa: PLR2004 - the first two rows of the batch


OF_ALL_CELLS = table(reports={"b_ih_after_activation": ("tvm PR3410",)}, needs=("bias",))(
    **{
        f"{short}_{name}": (sentence, wrong)
        for bias, short in (("bias_ih", "b_ih"), ("bias_hh", "b_hh"))
        for name, sentence, wrong in (
            ("missing", f"Leaves out {short}.", _times(0, bias)),
            ("doubled", f"Adds {short} twice.", _times(2, bias)),
            ("negated", f"Subtracts {short}.", _times(-1, bias)),
            (
                "after_activation",
                f"Adds {short} to the results of the gates' activations instead of to their arguments.",
                _after_activation(bias),
            ),
            ("on_first_step_only", f"Adds {short} on the first step only.", left_out({bias}, at_first_step=False)),
            ("missing_on_first_step", f"Leaves {short} out on the first step.", left_out({bias}, at_first_step=True)),
            (
                "of_first_unit",
                f"Uses the first unit's {short} for all units of a gate.",
                in_weights(
                    lambda array, case: (
                        blocks(array, case)[:, :1].repeat(case.config.hidden_size, 1).reshape(array.shape)
                    ),
                    bias,
                ),
            ),
        )
    },
    biases_missing=("Leaves out both biases.", _times(0, *BIASES), {"stands_for": ("tensorforce#812",)}),
    b_hh_overwritten_by_b_ih=("Uses b_ih for b_hh, too.", _in_biases(lambda w, _: {"bias_hh": w["bias_ih"]})),
    b_ih_overwritten_by_b_hh=("Uses b_hh for b_ih, too.", _in_biases(lambda w, _: {"bias_ih": w["bias_hh"]})),
    biases_interleaved=(
        "Reads the two biases as interleaved: b_ih and b_hh of the first row, then of the second.",
        _in_biases(
            lambda w, _: dict(zip(BIASES, np.concatenate([w[name] for name in BIASES]).reshape(-1, 2).T, strict=True))
        ),
        {"stands_for": ("nnom PR82",)},
    ),
    b_hh_missing_without_h0=(
        "Leaves b_hh out on the first step if no initial state is given, together with the product, which is zero.",
        left_out({"bias_hh"}, at_first_step=True, state_given=False),
    ),
    b_hh_missing_with_h0=(
        "Leaves b_hh out on the first step if an initial state is given.",
        left_out({"bias_hh"}, at_first_step=True, state_given=True),
        {"needs": ("bias", "state")},
    ),
)

OF_GRU = table(cells=("gru",), needs=("bias",), named="gru_{}")(
    b_hn_missing=("Leaves out b_hn, the recurrent bias of the candidate.", in_weights(_no_candidate, "bias_hh")),
    b_hn_missing_without_h0=(
        "Leaves b_hn out on the first step if no initial state is given.",
        left_out({"bias_hh"}, at_first_step=True, state_given=False, rest=_no_candidate),
        {"stands_for": ("mlx#3249",)},
    ),
    b_hn_outside_reset=(
        "Adds b_hn outside the product with the reset gate, as Core ML: tanh(... + b_in + b_hn + r (W_hn h)).",
        _candidate_moved("bias_hh", "bias_ih"),
        {"stands_for": ("coremltools#1124",)},
    ),
    b_in_inside_reset=(
        "Adds b_in inside the product with the reset gate: tanh(W_in x + r (W_hn h + b_hn + b_in)).",
        _candidate_moved("bias_ih", "bias_hh"),
    ),
    biases_swapped=(
        "Swaps b_ih and b_hh; only the GRU's candidate uses them separately, not as a sum.",
        _in_biases(lambda w, _: {"bias_ih": w["bias_hh"], "bias_hh": w["bias_ih"]}),
    ),
    b_hn_accumulates_over_rows=(
        "Does not clear the buffer of b_hn: from the third batch row on, b_hn is added twice.",
        in_steps(step=_b_hn_added_again),
        {"stands_for": ("onnxruntime PR3893",)},
    ),
)

DEVIATIONS = (*OF_ALL_CELLS, *OF_GRU)
