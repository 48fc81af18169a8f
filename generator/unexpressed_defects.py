"""Known defects of other projects that no deviation expresses, and why."""

from collections.abc import Mapping

_UNKNOWN = "the thread does not say what is computed"

UNEXPRESSED: Mapping[str, str] = {
    # The defect raises an error, with any golden that reaches it.
    "pytorch#34800": "the export of networks without biases stops with an error",
    "burn#872": "more than one batch row is an error",
    "tvm#14869": "the converted model does not compile for more than one batch row",
    "chainer#7545": "a single sequence of a single step is an error",
    "flax#3208": "lengths are an error",
    "onnx-coreml#445": "the converter stops at an activation whose name it does not know",
    "keras#15164": "after a reset the state's type no longer fits the cell's, which is an error",
    "ocropy#79": "an exponential that overflows is an error only if overflow raises",
    "onnxruntime PR29892": "shape inference stops with an error; the kernel's output has the right shape",
    # Outside the inputs that goldens have.
    "pytorch#50192": "sequences without steps are an error; goldens have at least one step",
    "pytorch#3259": "initial states of a wrong shape are accepted; goldens have the right shape",
    "flash-linear-attention PR955": "packed sequences in more than one batch row; goldens have one row",
    "mxnet#16037": "weights that changed since the first call are ignored; `--rnn-goldens-calls=weights` detects it",
    "keras#20063": "a convolutional LSTM ignores dropout",
    "pytorch#74953": "an LSTM with a projection cannot be quantized, which is an error",
    "Paddle#70245": "the weights of an LSTM with a projection have a wrong shape; goldens have the right shape",
    # Training.
    "pytorch#96416": "a loss of the last states only is an error in the backward pass",
    "pytorch#190056": "its backward pass leaves out the dropout; goldens have none",
    "pytorch#1532": "a second backward pass through the same forward pass uses overwritten buffers; "
    "goldens need only one",
    "tensorflow#26331": "gradients fetched twice from one forward pass differ; goldens need them once",
    "MIOpen#2532": "the backward pass needs a zeroed workspace; otherwise the result is random",
    "mamba PR537": "gradients are read from memory that is not cleared, or written behind it: the result is random",
    # The outputs are right.
    "transformers PR41036": "each axis is used with the other's name throughout, so nothing changes",
    # Wrong numbers, but the thread does not say which.
    "pytorch#11662": "a relu cell's gradient is wrong; the thread does not say how",
    "accelerated-model-architectures PR249": "a GRU's backward pass was fixed; the pull request does not "
    "say what was wrong",
    "cuTAGI#77": _UNKNOWN,
    "ncnn#2562": "a converter kept the transposes around the layer; the thread does not show the result",
    "ncnn#2933": _UNKNOWN,
    "openvino PR21054": _UNKNOWN,
    "onnxruntime#4628": _UNKNOWN,
    "pytorch#94691": "a GRU returns NaN, which fails any golden; the thread does not say for which inputs",
    "pytorch#94754": "a kernel for two directions gets the weights of one; no deviation produces the "
    "numbers in the thread",
    "pytorch#90421": "a bidirectional LSTM is wrong; the thread does not say what is computed",
    "pytorch#95118": "packed sequences in a batch are wrong; the thread does not say what is computed",
}
"""Why a defect, as ``repository#number``, cannot be expressed as wrong outputs of one call."""
