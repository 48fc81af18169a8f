"""The scenarios of a teaching notebook that computes an RNN from scratch in NumPy, then with ``nn.RNN``.

All compute h_t = relu(x_t @ W_xh + h_{t-1} @ W_hh) without bias, with h_0 = 0, one layer and one direction. They come
first in the corpus, because every number can be checked by hand.
"""

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.golden.shapes import Config

NOTEBOOK = "teaching notebook 'RNN with numpy (from scratch)' and 'RNN with pytorch (nn.RNN)'"
CONFIG = Config(input_size=5, hidden_size=2, bias=False)

TEXTBOOK_WEIGHTS = {"W_xh": [[1, 0], [0, 1], [1, 0], [0, 1], [1, 1]], "W_hh": [[1, 1], [1, 1]]}
"""The weights of the NumPy part of the notebook."""

TORCH_WEIGHTS = {"weight_ih_l0": [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]], "weight_hh_l0": [[1, 0], [0, 1]]}
"""The weights in the last cells of the notebook. weight_ih_l0 is not the transpose of W_xh: its last column differs."""

RISING, FALLING, RISING_ON = ([[n] * 5 for n in steps] for steps in ((1, 2, 3), (3, 2, 1), (4, 5, 6)))

SCENARIOS = (
    Scenario(
        id="documented/single-sequence",
        title="Single sequence",
        purpose="The smallest complete example: one sequence of three steps, to follow the recurrence by hand.",
        documented_in=f"{NOTEBOOK}, single sequence; the answer is printed there, both ways",
        cell="rnn_relu",
        config=CONFIG,
        convention="textbook",
        weights=TEXTBOOK_WEIGHTS,
        x=[RISING],
    ),
    Scenario(
        id="documented/mini-batch",
        title="Mini-batch",
        purpose="Two sequences in one call, one rising and one falling: each row has its own state.",
        documented_in=f"{NOTEBOOK}, mini-batch; the answer is printed there, both ways",
        cell="rnn_relu",
        config=CONFIG,
        convention="textbook",
        weights=TEXTBOOK_WEIGHTS,
        x=[RISING, FALLING],
    ),
    Scenario(
        id="documented/mini-batch-ascending",
        title="Mini-batch, ascending",
        purpose="Two rising sequences, the second larger: the sums grow to 96, the largest of these scenarios.",
        documented_in=f"{NOTEBOOK}, mini-batch; the first input defined there, replaced before it was run",
        cell="rnn_relu",
        config=CONFIG,
        convention="textbook",
        weights=TEXTBOOK_WEIGHTS,
        x=[RISING, RISING_ON],
    ),
    Scenario(
        id="documented/identity-w-hh",
        title="Identity W_hh",
        purpose="With the identity as W_hh, each unit sums only its own input, so the two units differ. The weights "
        "are given in PyTorch's convention, (hidden, input).",
        documented_in=f"{NOTEBOOK}, last cells; written down there but never run",
        cell="rnn_relu",
        config=CONFIG,
        weights=TORCH_WEIGHTS,
        x=[RISING, FALLING],
    ),
)
