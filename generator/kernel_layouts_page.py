"""The tables of ``docs/kernel-layouts.md``, from the table of conventions."""

from rnn_goldens.conventions.kernel_convention import CHOICES, KernelConvention, KernelLayout
from rnn_goldens.conventions.kernels import KERNELS
from rnn_goldens.generator.deviation_page import table
from rnn_goldens.golden.recurrences import RECURRENCES

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


def sections() -> dict[str, str]:
    """Return the tables of the page by name."""
    return {"libraries": _table(), "parts": _parts()}


def _table() -> str:
    header = [
        "library",
        "functions",
        "recurrences",
        "parameters",
        "inputs",
        "decay",
        "state",
        "scale, heads, types",
        "run on",
    ]
    return table(header, map(_row, KERNELS))


def _row(one: KernelConvention) -> list[str]:
    axes, run = CHOICES["order"][one.layout.order], one.run or f"signature only, not run: {one.version}"
    cells = ", ".join(f"`{cell}`" for cell in one.cells)
    return [one.library, one.functions, cells, _signs(one), axes, _decay(one), _state(one), _more(one), run]


def _signs(one: KernelConvention) -> str:
    signs = " ".join(f"`{sign}`" for sign in one.signs)
    return ", ".join(filter(None, (f"package `{one.package}`" if one.package else "", signs)))


def _decay(one: KernelConvention) -> str:
    return CHOICES["decay"][one.layout.decay] if any("g" in RECURRENCES[cell].inputs for cell in one.cells) else ""


def _state(one: KernelConvention) -> str:
    states = {name: axes for cell in one.cells for name, axes in RECURRENCES[cell].states.items()}
    of_scan = "(B, H, P, N)" if "heads p n" in states.values() else "(B, D, N)"
    shape = CHOICES["state"][one.layout.state] if "S" in states else of_scan
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
    values = {name: "; ".join(f"`{value}`: {meaning}" for value, meaning in of.items()) for name, of in CHOICES.items()}
    return table(("part", "of", "values"), ((f"`{name}`", _OF[name], of) for name, of in values.items()))
