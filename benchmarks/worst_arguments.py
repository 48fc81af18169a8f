"""Where the tanh and the sigmoid of NumPy, torch and ONNX Runtime are furthest off, of all float32 numbers that bend.

    python -m benchmarks.worst_arguments    # some two minutes; rnn_goldens/exhaustive/arguments.py holds what it found

Every float32 from 2^-14 to 2^7, of both signs, against float64.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper

Float32 = NDArray[np.float32]
Function = Callable[[Any], Any]
"""Of an array, in its own precision."""

BINADES = range(-14, 7)
PIECES = 4
"""A binade is looked at in so many pieces, to spare memory."""


def main() -> None:
    """Print, for each function of each library, the worst argument by units in the last place and by size."""
    torch.set_num_threads(1)
    for name, exact, libraries in FUNCTIONS:
        for library, function in libraries.items():
            worst = {"ulp": (0.0, 0.0), "2^-24": (0.0, 0.0)}
            for x in numbers():
                with np.errstate(over="ignore"):
                    error = np.abs(function(x).astype(np.float64) - (want := exact(x.astype(np.float64))))
                _, exponents = np.frexp(want)
                units = {"ulp": np.ldexp(1.0, np.maximum(exponents, -125) - 24), "2^-24": np.float64(2.0**-24)}
                for unit, size in units.items():
                    k = int(np.argmax(error / size))
                    worst[unit] = max(worst[unit], (float((error / size)[k]), float(x[k])))
            said = ", ".join(f"{size:.3g} {unit} at {at:.9g}" for unit, (size, at) in worst.items())
            print(f"{name} of {library}: {said}")


def numbers() -> Iterator[Float32]:
    """Every float32 of the binades, piece by piece."""
    fractions = np.arange(2**23, dtype=np.uint32)
    for exponent in BINADES:
        for fraction in np.split(fractions, PIECES):
            x = (np.uint32(exponent + 127) << np.uint32(23) | fraction).view(np.float32)
            yield x
            yield -x


def _onnxruntime(operator: str) -> Function:
    number, any_size = TensorProto.FLOAT, [None]
    x, y = (helper.make_tensor_value_info(name, number, any_size) for name in "xy")
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], operator, [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda values: np.asarray(session.run(None, {"x": values})[0])


def _torch(function: Callable[[torch.Tensor], torch.Tensor]) -> Function:
    return lambda values: function(torch.from_numpy(values)).numpy()


def _sigmoid(z: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(1 / (1 + np.exp(-z)))


FUNCTIONS: tuple[tuple[str, Function, Mapping[str, Function]], ...] = (
    ("tanh", np.tanh, {"numpy": np.tanh, "torch": _torch(torch.tanh), "onnxruntime": _onnxruntime("Tanh")}),
    ("sigmoid", _sigmoid, {"numpy": _sigmoid, "torch": _torch(torch.sigmoid), "onnxruntime": _onnxruntime("Sigmoid")}),
)

if __name__ == "__main__":
    main()
