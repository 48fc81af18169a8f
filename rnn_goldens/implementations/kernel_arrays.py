"""The arrays of a golden in the layout of a kernel, and the kernel's outputs in that of goldens."""

from collections.abc import Callable, Iterator, Mapping
from math import e, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.comparison.array_conversion import read
from rnn_goldens.conventions.kernel_convention import OF_LAYOUT, OFFSETS, KernelConvention, KernelLayout
from rnn_goldens.conventions.kernels import PLAIN
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.array_library import JAX, Library, Make
from rnn_goldens.implementations.differentiation import TracedInputs

Values = Mapping[str, Any]
"""Arguments by our names and those of the layout."""

HALF = ("bfloat16", "float16")

START = 1
"""The place in a ring of a convolution's last inputs from which on they are written."""

LEAST_SOFTPLUS = 40.0
"""From here on softplus(a) is a, in float64, too."""

NOTHING = 1000.0
"""softplus and sigmoid of -1000 are 0, and the sigmoid of 1000 is 1."""

GATE_ERROR = 8
"""The largest relative error of a beta that a kernel computes itself, in roundoffs."""


class KernelArrays:
    """The arrays of one golden in the layout of a kernel."""

    def __init__(
        self, convention: KernelConvention, golden: Inputs, library: Library, make: Make, states: tuple[str, ...] = ()
    ) -> None:
        """Store what is needed; ``states`` are further names under which the initial state is an argument.

        Raises Unsupported for what the layout cannot express, and WrongUse if it does not fit recurrence or library.
        """
        self.layout, self.golden, self._library, self._make = convention.layout, golden, library, make
        self._is_plain = convention.library == PLAIN.library
        self._main, self._state = golden.layout.result, golden.layout.initial[0]
        self._states, self._call = (self._state, *states), golden.call
        self._require_fitting()
        if why := next(self._refused(), None):
            raise Unsupported(why)

    def _require_fitting(self) -> None:
        layout, cell = self.layout, self.golden.cell
        needed = {"decay": ("A_log", ("g", "beta")), "scale": ("one", ("q",))}
        for part, (value, names) in needed.items():
            if getattr(layout, part) == value and not {*names} <= {*self.golden.inputs}:
                raise WrongUse(f"{part}={value!r} of a kernel needs {' and '.join(names)}, which {cell} does not have")
        if self._library is JAX and (layout.in_place or layout.slots):
            raise WrongUse("arrays of JAX do not change in place: leave in_place and slots out of the kernel's layout")

    def _refused(self) -> Iterator[str]:
        """Yield what a golden needs and the layout cannot express."""
        layout, golden = self.layout, self.golden
        if layout.is_by_step and golden.offsets is not None:
            yield "packed sequences: the kernel computes one time step"
        if self._call.num_accepted_tokens is not None and not (layout.slots_by_step or self._is_plain):
            yield "a place for each time step: the kernel has one for each sequence"
        if layout.slots and len(golden.layout.states) > 1:
            yield "a pool of several states"
        if isinstance(golden, TracedInputs):
            if layout.in_place:
                yield "gradients: the kernel changes its state in place"
            if layout.decay == "A_log":
                yield "gradients: the kernel computes its gates itself"
            if layout.decay == "log2" and "exact" in golden.features:
                yield "gradients of an exact golden: that of g is rounded, because g log2 e is"

    # Arguments.

    def given(self, values: Values) -> dict[str, Any]:
        """Return arguments, by our names and in our layout, in the layout of the kernel."""
        layout, found = self.layout, dict(values)
        if layout == KernelLayout():
            return found
        if layout.scale == "one":
            found["q"] = self._scaled(found["q"], found["scale"])
        if "g" in found:
            found.update(self._gates(found))
        for name in self.golden.inputs:
            found[name] = self._ordered(self._permuted(name, found[name]))
            found[name] = self._single(name, found[name])
        found.update(dict.fromkeys(self._states, self._own_state(found[self._state])))
        return found | self._places()

    def _single(self, name: str, array: Any) -> Any:  # noqa: ANN401
        """Return an array in float32 if the kernel takes it so, whatever the precision of the others.

        A state that is passed from call to call is float32, as inside a kernel of all steps.
        """
        is_single = name in self.layout.float32 or (name == self._state and self.layout.is_by_step)
        return self._library.float32(array) if is_single and self.golden.dtype in HALF else array

    def _scaled(self, q: Any, scale: float) -> Any:  # noqa: ANN401 - an array of any library
        is_exact = np.frexp(scale)[0] == 0.5  # noqa: PLR2004 - a power of two
        if self.golden.dtype in HALF and not is_exact:
            raise Unsupported(f"a scale of {scale:.4g}: the kernel has none, and q times it is rounded")
        return q * scale

    def _gates(self, values: Values) -> dict[str, Any]:
        """Return the decay, and beta, as the kernel takes them."""
        g, decay, golden, maker = values["g"], self.layout.decay, self.golden, self._library.maker
        if decay == "A_log":
            gates = _raw_gates(golden)
            return {
                n: self._library.maker(str(a.dtype))(a) if n in OF_LAYOUT else self._make(a) for n, a in gates.items()
            }
        if decay == "factor" and not isinstance(golden, TracedInputs):
            wide = "float32" if golden.dtype in HALF else golden.dtype
            return {"g": maker(wide)(PRECISIONS[wide].round(np.exp(golden.stored.inputs["g"])))}
        if decay != "ln" and golden.dtype in HALF:
            g = self._library.float32(g)
        if decay == "factor":
            return {"g": self._library.exp(g)}
        return {"g": g * log2(e) if decay == "log2" else g}

    def _ordered(self, array: Any) -> Any:  # noqa: ANN401
        """Return an input, (batch, time, …), with the axes of the layout."""
        order = self.layout.order
        if order == "batch head time" and array.ndim > 2:  # noqa: PLR2004 - (batch, time, head, …)
            array = array.swapaxes(1, 2)
        elif order == "batch channel time":
            for axis in range(1, array.ndim - 1):
                array = array.swapaxes(axis, axis + 1)
        elif self.layout.is_by_tokens:
            leading = (-1,) if order == "tokens head" else (1, -1)
            array = array.reshape(*leading, *array.shape[2:])
        return self._library.contiguous(array) if order.startswith("batch ") and order != "batch time head" else array

    def _in_our_order(self, array: Any) -> Any:  # noqa: ANN401
        """Return an output with its axes in our order."""
        order = self.layout.order
        if order == "batch head time" and array.ndim > 2:  # noqa: PLR2004
            return array.swapaxes(1, 2)
        if order == "batch channel time":
            for axis in reversed(range(1, array.ndim - 1)):
                array = array.swapaxes(axis, axis + 1)
        elif self.layout.is_by_tokens:
            kept = array.shape[1 + (order != "tokens head") :]
            array = array.reshape(-1, self.golden.time, *kept)
        return array

    def _permuted(self, name: str, array: Any, *, back: bool = False) -> Any:  # noqa: ANN401
        """Return an array with its heads where the kernel has them; where goldens have them if ``back``."""
        config = self.golden.config
        if self.layout.heads == "adjacent":
            return array
        for many, few in (("heads", "key_heads"), ("query_heads", "heads")):
            each = config.get(many, 0) // config.get(few, config.get(many, 1)) if config.get(few) else 1
            axes = self.golden.axes(name)
            if each > 1 and many in axes:
                places = np.arange(config[many]).reshape(config[few], each).T.ravel()
                return self._library.take(array, np.argsort(places) if back else places, axes.index(many))
        return array

    def _own_state(self, state: Any) -> Any:  # noqa: ANN401
        """Return an initial state in the layout of the kernel: writable, and in a pool, if it changes in place."""
        layout, library = self.layout, self._library
        state = self._arranged(self._single(self._state, state))
        if layout.slots and self._call.state_indices is None:
            slots, places = self._slots(), np.zeros(2 * len(self._slots()) + 1, int)
            places[slots] = np.arange(len(slots))
            state = library.take(state, places, 0)
            state[np.setdiff1d(np.arange(len(places)), slots)] = np.nan
        return state if layout.in_place is False else library.writable(state)

    def _arranged(self, state: Any) -> Any:  # noqa: ANN401
        """Return a state with its axes, heads and columns in the order of the kernel."""
        state = self._permuted(self._state, state)
        if self._state == "S0" and self.layout.state == "value key":
            state = self._library.contiguous(state.swapaxes(-1, -2))
        if self._state == "window0":
            state = self._library.take(state, self._window(state.shape[-1]), -1)
        return state

    def expected(self, name: str, array: Any) -> Any:  # noqa: ANN401
        """Return an output or last state, in our layout, as the kernel returns it; without a pool."""
        return self._ordered(self._permuted(name, array)) if name == self._main else self._arranged(array)

    def _last_state(self, state: Any) -> Any:  # noqa: ANN401
        """Return a last state in our layout."""
        layout, library = self.layout, self._library
        if layout.slots and self._call.state_indices is None:
            state = library.take(state, self._slots(), 0)
        if self._state == "S0" and layout.state == "value key":
            state = state.swapaxes(-1, -2)
        if self._state == "window0" and layout.window != "past":
            past = self.golden.config["past"]
            ring = (START + self.golden.time + np.arange(past)) % past
            state = library.take(state, ring if layout.window == "circular" else np.arange(1, past + 1), -1)
        return self._permuted(self._state, state, back=True)

    def _window(self, past: int) -> NDArray[np.int64]:
        """Return which of the last inputs is at each place; one that is not used is the oldest again."""
        each = {"past": np.arange(past), "width": np.maximum(np.arange(past + 1) - 1, 0)}
        return each.get(self.layout.window, (np.arange(past) - START) % past)

    def _slots(self) -> NDArray[np.int64]:
        """Return the place of each sequence in a pool: never 0, which some kernels skip, and the last one first."""
        return np.arange(2 * self.golden.sequences - 1, 0, -2)

    def _places(self) -> dict[str, Any]:
        """Return the offsets of all sequences, and their places in a pool, where the layout has them."""
        golden, found = self.golden, dict[str, Any]()
        if self.layout.is_by_tokens and golden.offsets is None:
            found[OFFSETS] = self._integers(np.arange(golden.sequences + 1) * golden.time)
        elif golden.offsets is not None:
            found[OFFSETS] = self._integers(golden.offsets)
        if self.layout.slots:
            slots = self._slots() if self._call.state_indices is None else self._call.state_indices
            by_step = self.layout.slots_by_step and slots.ndim == 1
            found[self.layout.slots] = self._integers(np.repeat(slots[:, None], golden.time, 1) if by_step else slots)
        return found

    def _integers(self, array: NDArray[np.int64]) -> Any:  # noqa: ANN401
        made = self._make(array)
        return self._library.int32(made) if self.layout.integers == "int32" else made

    # Calls.

    def call(self, function: Callable[[Values], Any], values: Values) -> Any:  # noqa: ANN401 - as the function returns it
        """Return what a function returns for arguments in its layout, in ours.

        A function of one time step is called for each of them, and receives the state of the one before. Raises
        TypeError if the layout says that the state changes in place, but the function returned another one.
        """
        if self.layout == KernelLayout():
            return function(values)
        given = values[self._state]
        before = self._library.writable(given) if self.layout.in_place else None
        if self.layout.is_by_step:
            found, parts = self._by_step(function, values)
        else:
            found = function(values)
            parts = self._parts(found)
        if parts is None:
            return found  # the reader of outputs says what is wrong
        out, last = parts
        if before is not None:
            _require_changed(before, given, last)
        if before is not None or (last is None and self.layout.in_place is None):
            last = given
        out = self._permuted(self._main, self._in_our_order(out), back=True)
        if self._call.snapshot_every and isinstance(found, tuple | list):
            return out, self._last_state(last), *found[2:]
        return out if last is None else (out, self._last_state(last))

    def _by_step(self, function: Callable[[Values], Any], values: Values) -> tuple[Any, tuple[Any, Any] | None]:
        """Return what the last call returned, and outputs and last state; None if they are not arrays."""
        outputs, last, found = list[Any](), None, None
        for of_step in self._steps(values):
            found = function({**values, **of_step})
            parts = self._parts(found)
            if parts is None or (parts[1] is None and self.layout.in_place is False):
                return found, None
            out, last = parts
            outputs.append(out[:, 0] if self.layout.order == "batch 1 head" else out)
            if last is not None and not self.layout.in_place:
                values = {**values, **dict.fromkeys(self._states, last)}
        return found, (self._library.stack(outputs, 1), last)

    def _parts(self, found: Any) -> tuple[Any, Any] | None:  # noqa: ANN401
        """Return outputs and last state, None for a missing one; None if they are something else."""
        if isinstance(found, Mapping):
            names = (self._main, f"{self._state.removesuffix('0')}_n")
            return (found[names[0]], found.get(names[1])) if {*found} in ({*names}, {names[0]}) else None
        if isinstance(found, tuple | list):
            several = len(found) > 2 + bool(self._call.snapshot_every) and self._is_plain
            return None if several or not found else (found[0], found[1] if len(found) > 1 else None)
        return (found, None) if hasattr(found, "ndim") else None

    def _steps(self, values: Values) -> Iterator[dict[str, Any]]:
        """Yield what differs between time steps: the inputs, and the place in a ring."""
        kept = self.layout.order == "batch 1 head"
        for t in range(self.golden.time):
            inputs = {name: values[name][:, t : t + 1] if kept else values[name][:, t] for name in self.golden.inputs}
            found = {name: self._library.contiguous(array) for name, array in inputs.items()}
            if self.layout.window == "circular":
                found["cache_seqlens"] = self._integers(np.full(self.golden.sequences, START + t))
            yield found


def _require_changed(before: Any, after: Any, returned: Any) -> None:  # noqa: ANN401
    """Raise TypeError if a state is the one before, and the function returned another one."""
    if returned is None or returned is after:
        return
    if np.array_equal(read(before).values, read(after).values, equal_nan=True):
        raise TypeError("the kernel returned a state and did not change the one it was given: leave out in_place=True")


def _raw_gates(golden: Inputs) -> dict[str, NDArray[Any]]:
    """Return the numbers from which a kernel computes a golden's decay and beta: as exactly as float32 has them.

    softplus(a) is a for large a, so that a power of two times -g is exact, and A_log undoes the power.

    Raises:
        Unsupported: the precision has no such numbers.
    """
    g, beta, is_wide = golden.stored.inputs["g"], golden.stored.inputs["beta"], golden.dtype == "float64"
    own, inside = PRECISIONS[golden.dtype], PRECISIONS["float64" if is_wide else "float32"]
    least = np.abs(g[g != 0]).min(initial=1.0)
    powers = np.ceil(np.log2(LEAST_SOFTPLUS / least)) + np.arange(16)
    logs = inside.round(-powers * np.log(2)).astype(np.float64)
    best = int(np.abs(np.exp(logs) * 2.0**powers - 1).argmin())
    a = np.where(g == 0, -NOTHING, -g * 2.0 ** powers[best])
    if not own.holds(a):
        raise Unsupported(f"log-decays from {least:.2g} to {np.abs(g).max():.2g} as softplus(a) of a {own.name} a")
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        b = own.round(np.clip(np.log(beta) - np.log1p(-beta), -NOTHING, NOTHING)).astype(np.float64)
        error = np.abs(1 / (1 + np.exp(-b)) - beta)
    if not (error <= GATE_ERROR * inside.roundoff * beta).all():  # a beta above 1 has no b
        raise Unsupported(f"beta as sigmoid(b) of a {own.name} b: it would be another one")
    of_heads = {"A_log": np.full(golden.config["heads"], logs[best]), "dt_bias": np.zeros(golden.config["heads"])}
    return {"g": own.round(a), "beta": own.round(b), **{n: inside.round(array) for n, array in of_heads.items()}}
