"""The scenarios of a teaching notebook that computes an RNN from scratch in NumPy, then with ``nn.RNN``.

All compute h_t = relu(x_t @ W_xh + h_{t-1} @ W_hh) without bias, with h_0 = 0, one layer and one direction. They come
first in the corpus, because every number can be checked by hand.
"""

from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios.cotangents import Kind, of_h_n, of_last_step, of_out, with_cotangents
from rnn_goldens.golden.shapes import Config

NOTEBOOK = "teaching notebook 'RNN with numpy (from scratch)' and 'RNN with pytorch (nn.RNN)'"
CONFIG = Config(input_size=5, hidden_size=2, bias=False)

TEXTBOOK_WEIGHTS = {"W_xh": [[1, 0], [0, 1], [1, 0], [0, 1], [1, 1]], "W_hh": [[1, 1], [1, 1]]}
"""The weights of the NumPy part of the notebook."""

TORCH_WEIGHTS = {"weight_ih_l0": [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]], "weight_hh_l0": [[1, 0], [0, 1]]}
"""The weights in the last cells of the notebook. weight_ih_l0 is not the transpose of W_xh: its last column differs."""

RISING, FALLING, RISING_ON = ([[n] * 5 for n in steps] for steps in ((1, 2, 3), (3, 2, 1), (4, 5, 6)))


def _documented(
    name: str,
    title: str,
    purpose: str,
    where: str,
    x: list[list[list[int]]],
    cotangents: Kind,
    gradient_purpose: str,
    convention: str = "textbook",
) -> Scenario:
    scenario = Scenario(
        id=f"documented/{name}",
        title=title,
        purpose=purpose,
        documented_in=f"{NOTEBOOK}, {where}",
        cell="rnn_relu",
        config=CONFIG,
        convention=convention,
        weights=TEXTBOOK_WEIGHTS if convention == "textbook" else TORCH_WEIGHTS,
        x=x,
    )
    return with_cotangents(scenario, cotangents, gradient_purpose, ones=True)


SCENARIOS = (
    _documented(
        "single-sequence",
        "Single sequence",
        "The smallest complete example: one sequence of three steps, to follow the recurrence by hand.",
        "single sequence; the answer is printed there, both ways",
        [RISING],
        of_last_step,
        "The smallest complete backward pass, to follow by hand: one sequence of three steps.",
    ),
    _documented(
        "mini-batch",
        "Mini-batch",
        "Two sequences in one call, one rising and one falling: each row has its own state.",
        "mini-batch; the answer is printed there, both ways",
        [RISING, FALLING],
        of_out,
        "Two sequences in one call: gradients of weights are summed over both.",
    ),
    _documented(
        "mini-batch-ascending",
        "Mini-batch, ascending",
        "Two rising sequences, the second larger: the sums grow to 96, the largest of these scenarios.",
        "mini-batch; the first input defined there, replaced before it was run",
        [RISING, RISING_ON],
        of_h_n,
        "A cotangent of h_n only, in integers.",
    ),
    _documented(
        "identity-w-hh",
        "Identity W_hh",
        "With the identity as W_hh, each unit sums only its own input, so the two units differ. The weights "
        "are given in PyTorch's convention, (hidden, input).",
        "last cells; written down there but never run",
        [RISING, FALLING],
        of_out,
        "With the identity as W_hh, every step adds its cotangent to those of later steps.",
        convention="torch",
    ),
)
