"""Known defects of other projects that no deviation represents, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class UncoveredDefect:
    """A defect, as ``repository#number``, that cannot be expressed as wrong outputs of one call, and why."""

    defect: str
    reason: str


_UNKNOWN = "the thread does not say what is computed"

UNEXPRESSED: tuple[UncoveredDefect, ...] = (
    # The defect raises an error, with any golden that reaches it.
    UncoveredDefect("pytorch#34800", "the export of networks without biases stops with an error"),
    UncoveredDefect("burn#872", "more than one batch row is an error"),
    UncoveredDefect("tvm#14869", "the converted model does not compile for more than one batch row"),
    UncoveredDefect("chainer#7545", "a single sequence of a single step is an error"),
    UncoveredDefect("flax#3208", "lengths are an error"),
    UncoveredDefect("onnx-coreml#445", "the converter stops at an activation whose name it does not know"),
    UncoveredDefect("keras#15164", "after a reset the state's type no longer fits the cell's, which is an error"),
    UncoveredDefect("ocropy#79", "an exponential that overflows is an error only if overflow raises"),
    # Outside the inputs that goldens have.
    UncoveredDefect("pytorch#50192", "sequences without steps are an error; goldens have at least one step"),
    UncoveredDefect("pytorch#3259", "initial states of a wrong shape are accepted; goldens have the right shape"),
    UncoveredDefect(
        "mxnet#16037",
        "weights that changed since the first call are ignored; `--rnn-goldens-calls=weights` detects it",
    ),
    UncoveredDefect("keras#20063", "a convolutional LSTM ignores dropout"),
    UncoveredDefect("pytorch#74953", "an LSTM with a projection cannot be quantized, which is an error"),
    UncoveredDefect(
        "Paddle#70245", "the weights of an LSTM with a projection have a wrong shape; goldens have the right shape"
    ),
    # Training.
    UncoveredDefect("pytorch#96416", "a loss of the last states only is an error in the backward pass"),
    UncoveredDefect("pytorch#190056", "its backward pass leaves out the dropout; goldens have none"),
    UncoveredDefect(
        "pytorch#1532",
        "a second backward pass through the same forward pass uses overwritten buffers; goldens need only one",
    ),
    UncoveredDefect("tensorflow#26331", "gradients fetched twice from one forward pass differ; goldens need them once"),
    UncoveredDefect(
        "MIOpen#2532",
        "the backward pass needs a zeroed workspace; otherwise the result is random",
    ),
    UncoveredDefect(
        "mamba PR537", "gradients are read from memory that is not cleared, or written behind it: the result is random"
    ),
    # The outputs are right.
    UncoveredDefect("transformers PR41036", "each axis is used with the other's name throughout, so nothing changes"),
    # Wrong numbers, but the thread does not say which.
    UncoveredDefect("pytorch#11662", "a relu cell's gradient is wrong; the thread does not say how"),
    UncoveredDefect(
        "accelerated-model-architectures PR249",
        "a GRU's backward pass was fixed; the pull request does not say what was wrong",
    ),
    UncoveredDefect("cuTAGI#77", _UNKNOWN),
    UncoveredDefect(
        "ncnn#2562", "a converter kept the transposes around the layer; the thread does not show the result"
    ),
    UncoveredDefect("ncnn#2933", _UNKNOWN),
    UncoveredDefect("openvino PR21054", _UNKNOWN),
    UncoveredDefect("onnxruntime#4628", _UNKNOWN),
    UncoveredDefect(
        "pytorch#94691", "a GRU returns NaN, which fails any golden; the thread does not say for which inputs"
    ),
    UncoveredDefect(
        "pytorch#94754",
        "a kernel for two directions gets the weights of one; no deviation produces the numbers in the thread",
    ),
    UncoveredDefect("pytorch#90421", "a bidirectional LSTM is wrong; the thread does not say what is computed"),
    UncoveredDefect("pytorch#95118", "packed sequences in a batch are wrong; the thread does not say what is computed"),
)
