"""Defects found in the wild that no deviation stands for, and why: what a golden is not there to show."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unexpressed:
    """A defect, as ``repository#number``, that is not expressed as the wrong outputs of one call, and why."""

    defect: str
    reason: str


_UNTOLD = "its thread does not say what is computed"

UNEXPRESSED: tuple[Unexpressed, ...] = (
    # An error: any golden that gets there shows it as one.
    Unexpressed("pytorch#34800", "the export of networks without biases stops with an error"),
    Unexpressed("burn#872", "more than one batch row is an error"),
    Unexpressed("tvm#14869", "the converted model does not compile for more than one batch row"),
    Unexpressed("chainer#7545", "a single sequence of a single step is an error"),
    Unexpressed("flax#3208", "lengths are an error"),
    Unexpressed("onnx-coreml#445", "the converter stops at an activation whose name it does not know"),
    Unexpressed("keras#15164", "after a reset the state's type no longer fits the cell's, which is an error"),
    Unexpressed("ocropy#79", "an exponential that overflows is an error where overflow raises, and harmless elsewhere"),
    # Nothing that a golden asks for.
    Unexpressed("pytorch#50192", "sequences without steps are an error, and a golden has at least one step"),
    Unexpressed("pytorch#3259", "initial states of a wrong shape are accepted, and a golden's have the right one"),
    Unexpressed(
        "mxnet#16037",
        "weights that changed since the first call are ignored: it takes two, as in `--rnn-goldens-calls=weights`",
    ),
    Unexpressed("keras#20063", "a convolutional LSTM ignores that dropout was asked for"),
    Unexpressed("pytorch#74953", "an LSTM with a projection, which the cells here do not have, can not be quantized"),
    Unexpressed(
        "Paddle#70245", "the weights of an LSTM with a projection, which the cells here do not have, are misshapen"
    ),
    # Training.
    Unexpressed("pytorch#96416", "a loss of the last states alone is an error in the backward pass"),
    Unexpressed("pytorch#190056", "its backward pass leaves out the dropout, and a golden has none"),
    Unexpressed(
        "pytorch#1532",
        "a second backward pass through the same forward pass finds its buffers overwritten, and a golden asks for one",
    ),
    Unexpressed(
        "tensorflow#26331", "gradients that are fetched twice from one forward pass differ, and a golden asks for one"
    ),
    Unexpressed(
        "MIOpen#2532",
        "the backward pass needs a workspace of zeros; what it gives with another hangs on what was there",
    ),
    # Wrong numbers, nobody says which.
    Unexpressed("pytorch#11662", "a relu cell's gradient is confirmed to be wrong; its thread does not say how"),
    Unexpressed("accelerated-model-architectures PR249", "a GRU's backward pass is mended; it does not say what was"),
    Unexpressed("cuTAGI#77", _UNTOLD),
    Unexpressed(
        "ncnn#2562", "a converter kept the transposes that ONNX wants around the layer; what came out is not said"
    ),
    Unexpressed("ncnn#2933", _UNTOLD),
    Unexpressed("openvino PR21054", _UNTOLD),
    Unexpressed("onnxruntime#4628", _UNTOLD),
    Unexpressed("pytorch#94691", "a GRU returns NaN, which fails any golden; its thread does not say for what"),
    Unexpressed(
        "pytorch#94754",
        "a kernel for two directions gets the weights of one; the numbers in the thread are those of no deviation",
    ),
    Unexpressed("pytorch#90421", "a bidirectional LSTM is wrong; its thread does not say what is computed"),
    Unexpressed(
        "pytorch#95118", "packed sequences in a batch come out wrong; its thread does not say what is computed"
    ),
)
