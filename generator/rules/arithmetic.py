"""What the declared precision asks of the arithmetic, and that calls know nothing of each other."""

from rnn_goldens.cells.arithmetic import Arithmetic
from rnn_goldens.generator.rules.equations import GATED, WITH_TANH
from rnn_goldens.generator.rules.rule import Group, Rule

_CALLED = "[other ways of calling](implementations.md#called-as-people-call-it)"

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
            "What a product multiplies, and its result, have the declared precision.",
            ("*[0-9]_products",),
            said_by=(Arithmetic.product,),
        ),
        Rule(
            "T6",
            "Products are added up in the declared precision, half precisions in float32.",
            ("*[0-9]_accumulation",),
            said_by=(Arithmetic.product, Arithmetic.sum),
        ),
        Rule("T7", "The state is kept in the declared precision from step to step.", ("*[0-9]_state",)),
        Rule(
            "T8",
            "Activations are computed in the declared precision, or better.",
            ("*[0-9]_activations", "float32_tanh", "float32_exp"),
            WITH_TANH,
            said_by=(Arithmetic.tanh, Arithmetic.sigmoid),
        ),
        Rule(
            "T9",
            "Every other operation has the declared precision.",
            ("*[0-9]_arithmetic",),
            said_by=(Arithmetic.multiply, Arithmetic.mix),
        ),
        Rule(
            "T10",
            "tanh is right at every argument.",
            ("tanh_off_from_*", "fast_tanh_*", "tabled_tanh_*"),
            WITH_TANH,
            said_by=(Arithmetic.tanh,),
        ),
        Rule(
            "T11",
            "sigmoid is right at every argument.",
            ("sigmoid_off_from_*", "fast_exp_sigmoid", "sigmoid_by_fast_tanh"),
            GATED,
            said_by=(Arithmetic.sigmoid,),
        ),
        Rule(
            "T12",
            "What an activation gets is not clipped.",
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
            unbroken="both are right: as float16 may flush, what this loses is allowed "
            "([numerics](numerics.md#where-this-ends)). In no precision does a golden tell a network that flushes",
        ),
        Rule(
            "T15",
            "Outputs are returned in the declared precision.",
            unbroken="a check sees it with any golden: it refuses those of a lower precision; deviations give float64",
        ),
    ),
)

CALLS = Group(
    "C",
    "Calls",
    (
        Rule(
            "C1",
            "A call knows nothing of the calls before it.",
            ("state_kept_from_call_before", "state_kept_despite_h0"),
        ),
        Rule(
            "C2",
            "Nothing is written into what was given.",
            unbroken="a check sees it with any golden: it looks at what was handed over after each call",
        ),
        Rule(
            "C3",
            "Weights that change between two calls count in the second.",
            unbroken=f"it takes two calls: `weights` is one of the {_CALLED}",
        ),
        Rule(
            "C4",
            "A sequence in parts, with the state carried over, gives what it gives at once.",
            unbroken=f"it takes two calls: `chunks` is one of the {_CALLED}; S2, S8 and S10 say as much",
        ),
        Rule(
            "C5",
            "Arrays with gaps between their elements are read as any other.",
            unbroken=f"`views` is one of the {_CALLED}; goldens alone are contiguous",
        ),
    ),
)
