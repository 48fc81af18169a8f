"""Rules about the arithmetic in the declared precision, and about calls."""

from rnn_goldens.cells.arithmetic import Arithmetic
from rnn_goldens.generator.rules.equations import GATED, WITH_TANH
from rnn_goldens.generator.rules.rule import Group, Rule

_CALLED = "[call patterns](implementations.md#call-patterns)"

ARITHMETIC = Group(
    "T",
    "Arithmetic",
    (
        Rule(
            "T1",
            "Matrices are used in the declared precision.",
            ("matrices_cast_to_*", "int8_weights"),
        ),
        Rule("T2", "Biases are used in the declared precision.", ("biases_cast_to_*",)),
        Rule("T3", "x is used in the declared precision.", ("inputs_cast_to_*",)),
        Rule("T4", "Initial states are used in the declared precision.", ("initial_states_cast_to_*",)),
        Rule(
            "T5",
            "The factors and results of products have the declared precision.",
            ("*[0-9]_products", "*[0-9]_products_truncated"),
            implemented_by=(Arithmetic.product,),
        ),
        Rule(
            "T6",
            "Products are summed in the declared precision, half precisions in float32.",
            ("*[0-9]_accumulation",),
            implemented_by=(Arithmetic.product, Arithmetic.sum),
        ),
        Rule(
            "T7",
            "The state is kept in the declared precision from step to step.",
            ("*[0-9]_state", "*[0-9]_state_truncated"),
        ),
        Rule(
            "T8",
            "Activations are computed in the declared precision, or better.",
            ("*[0-9]_activations", "float32_tanh", "float32_exp"),
            WITH_TANH,
            implemented_by=(Arithmetic.tanh, Arithmetic.sigmoid),
        ),
        Rule(
            "T9",
            "Every other operation has the declared precision.",
            ("*[0-9]_arithmetic",),
            implemented_by=(Arithmetic.multiply, Arithmetic.mix),
        ),
        Rule(
            "T10",
            "tanh is correct at every argument.",
            ("tanh_off_from_*", "fast_tanh_*", "tabled_tanh_*", "lstm_tabled_tanh_*"),
            WITH_TANH,
            implemented_by=(Arithmetic.tanh,),
        ),
        Rule(
            "T11",
            "sigmoid is correct at every argument.",
            ("sigmoid_off_from_*", "fast_exp_sigmoid", "sigmoid_by_fast_tanh"),
            GATED,
            implemented_by=(Arithmetic.sigmoid,),
        ),
        Rule(
            "T12",
            "The argument of an activation is not clipped.",
            ("gates_clipped", "gates_clipped_at_*"),
            WITH_TANH,
        ),
        Rule(
            "T13",
            "Activations saturate: however large the argument, tanh is ±1, and sigmoid 0 or 1.",
            ("tanh_nan_*", "sigmoid_half_when_saturated"),
            WITH_TANH,
        ),
        Rule(
            "T14",
            "Numbers below the smallest normal one are subnormal, or flushed to zero.",
            why_unbroken="both are correct: the tolerance allows both "
            "([numerics](numerics.md#limits)), so no golden detects a network that flushes",
        ),
        Rule(
            "T15",
            "Outputs are returned in the declared precision.",
            why_unbroken="every check refuses outputs of a lower precision; deviations compute in float64",
        ),
    ),
)

CALLS = Group(
    "C",
    "Calls",
    (
        Rule(
            "C1",
            "A call does not depend on earlier calls.",
            ("state_kept_from_call_before", "state_kept_despite_h0"),
        ),
        Rule(
            "C2",
            "Inputs and weights are not modified.",
            why_unbroken="every check compares the inputs before and after each call",
        ),
        Rule(
            "C3",
            "A call uses the current weights.",
            why_unbroken=f"a check needs two calls, as in `weights`, one of the {_CALLED}",
        ),
        Rule(
            "C4",
            "A sequence processed in parts, with the state passed on, gives the same outputs as in one call.",
            why_unbroken=f"a check needs two calls, as in `chunks`, one of the {_CALLED}; see also S2, S8 and S10",
        ),
        Rule(
            "C5",
            "Non-contiguous arrays give the same outputs as contiguous arrays.",
            why_unbroken=f"goldens are contiguous; `views`, one of the {_CALLED}, uses other arrays",
        ),
    ),
)
