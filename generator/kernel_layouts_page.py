"""The layouts of libraries' kernels as a page, ``docs/kernel-layouts.md``, from the table of conventions."""

from rnn_goldens.conventions.kernel_convention import CHOICES, KernelConvention, KernelLayout
from rnn_goldens.conventions.kernels import KERNELS
from rnn_goldens.golden.recurrences import RECURRENCES

HEADER = """\
# Kernel layouts

<!-- Made by `make generate` from rnn_goldens/conventions/kernels.py; do not edit. -->

How libraries call their kernels of [linear recurrences](linear-recurrences.md). A function with the parameters of a row
of the table, in the package if the row names one, is called by its names and in its layout, without an adapter:

```
$ rnn-goldens check mlx_lm.models.gated_delta:gated_delta_ops --cell gated_delta --profile step
```

`--profile` is the [contract](linear-recurrences.md#contracts): steps, chunks, and what is rounded. Goldens that need
something a kernel lacks are refused with the reason. Kernels that take 128 only: add [`--embed
d_k=128,d_v=128`](kernel-sizes.md).

Kernels in Triton run on any machine in Triton's interpreter: import them in a file that begins with
[triton_cpu.py](../examples/integrations/README.md#kernels-in-triton), as [these files](../conformance) do for
flash-linear-attention, vllm, sglang, mamba_ssm and ggml.

`rnn-goldens export 'gated-delta/*' FOLDER --to npz --like vllm` [writes](export.md) arrays in the layout of a library.
ONNX Runtime has operators: `rnn-goldens check onnxruntime --cell gated_delta`.

## Libraries

B is the batch, T time, H heads, K and V keys and values, N sequences, D channels, W the width of a filter. The decay g
is a natural logarithm. Raw gates are a, b, A_log and dt_bias: g = -e^A_log softplus(a + dt_bias), beta = sigmoid(b).
Unless the table says otherwise, the scale is an argument, or 1/√K inside, and heads that share a key are neighbours.

"""

DECLARED = """
## Any other kernel

Say what differs, in `my.py`:

```python
import rnn_goldens
from my_kernels import decode, prefill

prefill = rnn_goldens.kernel(prefill, order="batch head time", decay="log2", names={"query": "q"})
decode = rnn_goldens.kernel(decode, order="batch head", state="value key", flags={"use_norm": False})
```

```
$ rnn-goldens check my:prefill --cell gated_delta
```

- `names`: our array for a parameter of the kernel, `{"their parameter": "our array"}`. [Our
  names](linear-recurrences.md#names-shapes-and-equations); `offsets` are those of packed sequences.
- `flags`: values of parameters that must be set.
- A second argument, `rnn_goldens.kernel(prefill, "vllm")`, names a library of the table, if the kernel has the
  parameters of its row: names, flags and layout are the library's, except for those that you give.

"""

OTHERS = """
| part | meaning |
|---|---|
| `float32` | names of arrays that are float32 in half precisions, too: `("g", "S0")` |
| `in_place` | True if the kernel changes the state that it is given |
| `slots` | the parameter that takes the place of each sequence's state in a pool of states |
| `slots_by_step` | True if it takes a place for each time step, too: (sequences, time steps) |

- *One time step*: the function is called for each, and the state of a step is the initial one of the next. In half
  precisions this state is float32. Packed sequences are refused.
- *A pool* has twice as many states as there are sequences, and one more. Places are never 0, and unused ones hold NaN.
  A kernel that does not change it in place returns the whole pool.
- *The decay* as a factor, or times log2 e, is float32 in half precisions.
- *Raw gates* (`A_log`): a is -g times a power of two, large enough that softplus(a) = a, and A_log undoes the power;
  b is the logit of beta. A golden whose beta would be off by more than 8 roundoffs of float32 is refused: most are in
  half precisions, where b is rounded.
- *No scale*: q is multiplied before the call; in half precisions the scale must be a power of two.
- *Gradients* of a kernel that changes its state in place, or computes its gates itself, are refused.

## On a GPU

Arrays are created on torch's default device, and outputs are copied back. In `my.py`:

```python
import torch

torch.set_default_device("cuda")

from fla.ops.gated_delta_rule import chunk_gated_delta_rule
```

```
$ rnn-goldens check my:chunk_gated_delta_rule --cell gated_delta --dtype bfloat16 --profile operands-stored
```

## Without nvcc

mamba_ssm and causal_conv1d build CUDA modules when they are installed. Their functions in torch need none:

```
$ export MAMBA_FORCE_BUILD=TRUE MAMBA_SKIP_CUDA_BUILD=TRUE
$ export CAUSAL_CONV1D_FORCE_BUILD=TRUE CAUSAL_CONV1D_SKIP_CUDA_BUILD=TRUE
$ pip install --no-build-isolation mamba-ssm causal-conv1d
```

[conformance/mamba_ssm.py](../conformance/mamba_ssm.py) imports them without the modules.

## An adapter

What a layout cannot say needs an adapter: a [function with our
names](implementations.md#a-function-of-a-recurrences-arrays) that calls the kernel.
"""

_PLAIN = KernelLayout()

_OF = {
    "order": "axes of inputs and outputs",
    "state": "state of an attention",
    "decay": "decay, and beta with raw gates",
    "scale": "scale",
    "heads": "heads that share a query or a key",
    "integers": "offsets, slots, cache_seqlens",
    "window": "state of a convolution",
}


def page() -> str:
    """Return the page."""
    return HEADER + _table() + DECLARED + _parts() + OTHERS


def _table() -> str:
    header = ["library", "functions", "parameters", "inputs", "decay", "state", "scale, heads, types", "run on"]
    rows = [_row(one) for one in KERNELS]
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, ["---"] * len(header), *rows))


def _row(one: KernelConvention) -> list[str]:
    axes, run = CHOICES["order"][one.layout.order], one.run or f"signature only, not run: {one.version}"
    return [one.library, one.functions, _signs(one), axes, _decay(one), _state(one), _more(one), run]


def _signs(one: KernelConvention) -> str:
    signs = " ".join(f"`{sign}`" for sign in one.signs)
    return ", ".join(filter(None, (f"package `{one.package}`" if one.package else "", signs)))


def _decay(one: KernelConvention) -> str:
    return CHOICES["decay"][one.layout.decay] if any("g" in RECURRENCES[cell].inputs for cell in one.cells) else ""


def _state(one: KernelConvention) -> str:
    states = {name for cell in one.cells for name in RECURRENCES[cell].states}
    shape = CHOICES["state"][one.layout.state] if "S" in states else "(B, D, N)"
    if "window" in states:
        shape = CHOICES["window"][one.layout.window]
    pool = f"a pool, `{one.layout.slots}`" if one.layout.slots else ""
    return ", ".join(filter(None, (shape, pool, "in place" if one.layout.in_place else "")))


def _more(one: KernelConvention) -> str:
    layout = one.layout
    scale = "no scale" if layout.scale == "one" else ""
    heads = f"shared heads {CHOICES['heads'][layout.heads]}" if layout.heads != _PLAIN.heads else ""
    single = f"float32: {', '.join(layout.float32)}" if layout.float32 else ""
    return "; ".join(filter(None, (scale, heads, single)))


def _parts() -> str:
    rows = [
        f"| `{name}` | {_OF[name]} | {'; '.join(f'`{value}`: {meaning}' for value, meaning in of.items())} |\n"
        for name, of in CHOICES.items()
    ]
    return "| part | of | values |\n|---|---|---|\n" + "".join(rows)
