"""The layouts of libraries' kernels as a page, ``docs/kernel-layouts.md``, from the table of conventions."""

from rnn_goldens.conventions.kernel_convention import CHOICES, KernelConvention, KernelLayout
from rnn_goldens.conventions.kernels import KERNELS
from rnn_goldens.golden.recurrences import RECURRENCES

HEADER = """\
# Kernel layouts

<!-- Made by `make generate` from rnn_goldens/conventions/kernels.py; do not edit. -->

How libraries call their kernels of [linear recurrences](linear-recurrences.md). A function that has the parameters of a
row, or is in the package of a row, is called by its names and in its layout, without an adapter:

```
$ rnn-goldens check fla.ops.gated_delta_rule:fused_recurrent_gated_delta_rule --cell gated_delta --profile step
$ rnn-goldens check vllm.third_party.flash_linear_attention.ops:fused_recurrent_gated_delta_rule --cell gated_delta
$ rnn-goldens check mlx_lm.models.gated_delta:gated_delta_ops --cell gated_delta --profile step
```

A golden that a kernel does not have is refused with the reason. Kernels that take 128 only: add
[`--embed d_k=128,d_v=128`](kernel-sizes.md). Kernels in Triton run on any machine, in [Triton's
interpreter](../examples/integrations/README.md#kernels-in-triton).

## Libraries

B is the batch, T time, H heads, K and V keys and values, N sequences. g is the log-decay of goldens, ln. Raw gates are
a, b, A_log and dt_bias: g = -e^A_log softplus(a + dt_bias), beta = sigmoid(b). The scale is an argument, or 1/√K
inside; heads that share a key lie side by side, unless it is said otherwise.

"""

DECLARED = """
## Any other kernel

Say what differs, in `my.py`:

```python
import rnn_goldens
from my_kernels import decode, prefill

prefill = rnn_goldens.kernel(prefill, order="batch head time", decay="log2", state="value key")
decode = rnn_goldens.kernel(decode, "flashinfer", names={"h": "state"}, flags={"use_qk_l2norm": False})
```

```
$ rnn-goldens check my:prefill --cell gated_delta
```

`names` has our name of an array for each parameter with another one; `flags` has the values of parameters that must be
set. The second argument is a library above, whose names, flags and layout it begins with. Parts of a layout:

"""

OTHERS = """
| part | meaning |
|---|---|
| `float32` | names of arrays that are float32 in half precisions, too: `("g", "S0")` |
| `slots` | the parameter that takes the place of each sequence's state in a pool; never 0. The rest is NaN |
| `slots_by_step` | True if it takes a place for each time step, too: (sequences, time steps) |
| `in_place` | True if the kernel changes the state that it is given |

- *One time step*: the function is called for each, and the state of a step is the initial one of the next.
- *Decay as a factor, or times log2 e*: g is float32 in half precisions.
- *Raw gates* (`A_log`): a is -g times a power of two, where softplus(a) is a, and A_log undoes the power; b is the
  logit of beta. A golden whose beta is off by more than 8 roundoffs of float32 is refused: in half precisions, where b
  is rounded, most are.
- *No scale*: q is multiplied before the call; in half precisions the scale must be a power of two.
- Gradients of a kernel that changes its state in place, or computes its gates itself, are refused.

## On a GPU

Arrays are created on torch's default device, and outputs are copied back. In `my.py`:

```python
import torch

torch.set_default_device("cuda")

from fla.ops.gated_delta_rule import chunk_gated_delta_rule
```

```
$ rnn-goldens check my:chunk_gated_delta_rule --cell gated_delta --profile chunk=64,operands-stored --dtype bfloat16
```

## An adapter

A kernel whose parameters have none of these names needs an adapter: a [function with our
names](implementations.md#a-function-of-a-recurrences-arrays) that calls it.
"""

_PLAIN = KernelLayout()

_OF = {
    "order": "axes of inputs and outputs", "state": "state of an attention", "decay": "decay, and beta with raw gates",
    "scale": "scale", "heads": "heads that share a query or a key", "window": "state of a convolution",
}  # fmt: skip


def page() -> str:
    """Return the page."""
    return HEADER + _table() + DECLARED + _parts() + OTHERS


def _table() -> str:
    header = ["library", "functions", "known by", "inputs", "decay", "state", "more", "run"]
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
