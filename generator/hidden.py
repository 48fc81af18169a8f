"""What no golden can expose, and why: the honest end of the kill matrix."""

from rnn_goldens.generator.adequacy import Hidden

_FINE_TABLE = (
    "off by at most 1.5e-6, 25 units in the last place of 1: correct runtimes' activations reach 5.5 of the 8 that are "
    "allowed, and the sums before the activation may round as well"
)
_SMALL_H = (
    "an LSTM's h is a product of a sigmoid and a tanh: where it is small enough for its second layer to round little, "
    "h and what takes its place differ by less than bfloat16 can tell"
)

HIDDEN: tuple[Hidden, ...] = (
    Hidden("tabled_tanh_fine", "rnn_tanh", "float32", _FINE_TABLE),
    Hidden("tabled_tanh_fine", "lstm", "float32", _FINE_TABLE),
    Hidden("tabled_tanh_fine", "gru", "float32", _FINE_TABLE),
    Hidden("tanh_between_layers", "lstm", "bfloat16", _SMALL_H),
    Hidden("dropout_scaling_left_on", "lstm", "bfloat16", _SMALL_H),
)
