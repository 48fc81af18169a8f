"""The template that ``generate --new`` writes."""

TEMPLATE = '''"""Scenarios for rnn-goldens, which certifies their exact values and derives tolerances.

    rnn-goldens generate --scenarios {name} --into goldens/
    pytest --rnn-goldens-corpus=goldens/            # or v2,goldens/ to include the built-in goldens

Commit goldens/. "generate --check" fails if it differs from what this file produces.
"""

import numpy as np

from rnn_goldens import Scenario

VERSION = "1.0.0"
"""The version of these goldens. MAJOR: a published value changed; MINOR: goldens were added; PATCH: wording."""

numbers = np.random.default_rng(0)  # a fixed seed: this file must produce the same goldens on every machine


def drawn(*shape: int) -> np.ndarray:
    """Return numbers of 8 significant bits, which are exact in all four precisions."""
    return np.round(numbers.uniform(-1, 1, shape) * 128) / 128


SCENARIOS = [
    # A network of your own shape. Any numbers work; these are exact in float16 and bfloat16, too.
    Scenario(
        id="mine/gru",  # folder/name, a permanent identifier
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
        lengths=[5, 3],  # time steps of each sequence; leave it out if all have the same length
    ),
    # A trained model: its weights are float32, so it can be checked in float64 and float32.
    # Scenario(
    #     id="mine/trained",
    #     purpose="The model we ship.",
    #     cell="lstm",
    #     weights="model.safetensors",  # or .npz, or a state_dict
    #     prefix="encoder.",  # prefix of the names
    #     x=np.load("x.npy"),
    #     precisions=["float64", "float32"],
    # ),
    # Or a torch layer, with an input as the layer accepts it:
    # Scenario.from_torch(model.rnn, x, id="mine/layer", purpose="The layer we ship."),
]
'''
"""A scenario file, with the placeholder ``name`` for its path."""
