"""What ``generate --new`` writes: a file of scenarios to start from."""

TEMPLATE = '''"""Questions of our own, which rnn-goldens answers: exact values, with tolerances that are derived.

    rnn-goldens generate --scenarios {name} --into goldens/
    pytest --rnn-goldens-corpus=goldens/            # or v1,goldens/ for the goldens that the package carries, too

Keep goldens/ in the repository. "generate --check" says whether it is still what this file makes.
"""

import numpy as np

from rnn_goldens import Scenario

VERSION = "1.0.0"
"""Of these goldens. MAJOR: a value that was published changed; MINOR: goldens were added; PATCH: words."""

numbers = np.random.default_rng(0)  # a seed: the same file has to make the same goldens, on every machine


def drawn(*shape: int) -> np.ndarray:
    """Numbers of 8 significant bits, which are exact in all four precisions, so that one golden serves them all."""
    return np.round(numbers.uniform(-1, 1, shape) * 128) / 128


SCENARIOS = [
    # A network of the shape that you use. Any numbers will do; these are exact in float16 and bfloat16, too.
    Scenario(
        id="mine/gru",  # folder/name, for ever
        purpose="The GRU of our encoder, at its shape.",
        cell="gru",  # rnn_tanh, rnn_relu, lstm, gru
        weights={{  # PyTorch's names, shapes and order of gates; or convention="keras", "onnx", "flax", "textbook"
            "weight_ih_l0": drawn(3 * 4, 3),  # (gates·hidden, input)
            "weight_hh_l0": drawn(3 * 4, 4),
            "bias_ih_l0": drawn(3 * 4),
            "bias_hh_l0": drawn(3 * 4),
        }},
        x=drawn(2, 5, 3),  # (batch, time, input)
        h0=drawn(1, 2, 4),  # (layers·directions, batch, hidden); leave it out for zeros
        lengths=[5, 3],  # time steps of each sequence; leave it out if all are whole
    ),
    # A model that you trained: its weights are float32, so it is asked in float64 and float32.
    # Scenario(
    #     id="mine/trained",
    #     purpose="The model we ship.",
    #     cell="lstm",
    #     weights="model.safetensors",  # or .npz, or a state_dict
    #     prefix="encoder.",  # what the names begin with
    #     x=np.load("x.npy"),
    #     precisions=["float64", "float32"],
    # ),
    # Or a layer of torch's as a whole, with its input as the layer takes it:
    # Scenario.from_torch(model.rnn, x, id="mine/layer", purpose="The layer we ship."),
]
'''
"""A file to start from, but for its own ``name``."""
