"""The recurrences other than linear attention step by step, as kernels write them."""

from collections.abc import Mapping

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.deviations.recurrences.deviation import ATTENTION, Outputs
from rnn_goldens.deviations.recurrences.kernel import Kernel, sigmoid, softplus
from rnn_goldens.deviations.recurrences.step_kernel import StepKernel

Step = Mapping[str, Array]
"""The inputs of a time step by name."""


class ScanKernel(Kernel):
    """A recurrence whose state is decayed, and then added to: h = a h + b."""

    def run(self) -> Outputs:
        """Return the outputs and h_n."""
        h, outputs = self.initial_state(), []
        for x in self.steps():
            h = self.kept(self.updated(self.decay(x), h, self.written(x)))
            outputs.append(self.output(x, h))
        (name,) = self.case.config.recurrence.outputs
        return {name: np.stack(outputs, axis=1), "h_n": h}

    def steps(self) -> list[Step]:
        """Return the inputs of each time step."""
        return [{name: array[:, t] for name, array in self.case.inputs.items()} for t in range(self.case.time)]

    def initial_state(self) -> Array:
        """Return the state before the first step."""
        return self.case.states["h0"]

    def decay(self, x: Step) -> Array:
        """Return the factor of the state."""
        raise NotImplementedError

    def written(self, x: Step) -> Array:
        """Return what is added to the state."""
        raise NotImplementedError

    def updated(self, decay: Array, h: Array, written: Array) -> Array:
        """Return the state after the step."""
        return np.asarray(decay * h + written)

    def output(self, _x: Step, h: Array) -> Array:
        """Return the output of the step."""
        return h


class SelectiveScan(ScanKernel):
    """Mamba's scan: h is (batch, d, n)."""

    def step_size(self, x: Step) -> Array:
        """Return the step size of each channel."""
        return softplus(x["dt"])

    def matrix(self) -> Array:
        """Return A: (d, n)."""
        return self.case.weights["A"]

    def decay(self, x: Step) -> Array:
        """Return e^(dt A)."""
        return np.asarray(np.exp(self.step_size(x)[..., None] * self.matrix()))

    def written(self, x: Step) -> Array:
        """Return dt u B."""
        return np.asarray((self.step_size(x) * x["u"])[..., None] * x["B"][:, None])

    def output(self, x: Step, h: Array) -> Array:
        """Return the read state, and the input times D."""
        return np.asarray(self.read(x, h) + self.skipped(x))

    def read(self, x: Step, h: Array) -> Array:
        """Return C h for each channel."""
        return np.asarray((h @ x["C"][..., None])[..., 0])

    def skipped(self, x: Step) -> Array:
        """Return the part of the output that bypasses the state."""
        return np.asarray(self.case.weights["D"] * x["u"])


class RGLRU(ScanKernel):
    """The gated linear unit of Griffin: h is (batch, d)."""

    def log_decay(self, x: Step) -> Array:
        """Return -8 softplus(Λ) times the recurrence gate."""
        return np.asarray(self.number(-8) * (softplus(self.case.weights["Lambda"]) * self.recurrence_gate(x)))

    def recurrence_gate(self, x: Step) -> Array:
        """Return the gate of the decay."""
        return sigmoid(x["r"])

    def input_gate(self, x: Step) -> Array:
        """Return the gate of the input."""
        return sigmoid(x["i"])

    def decay(self, x: Step) -> Array:
        """Return the factor of the state."""
        return np.asarray(np.exp(self.log_decay(x)))

    def normalizer(self, x: Step) -> Array:
        """Return √(1 - a²), which keeps the variance of the state."""
        return np.asarray(np.sqrt(1 - np.exp(2 * self.log_decay(x))))

    def written(self, x: Step) -> Array:
        """Return the gated and normalized input."""
        return np.asarray(self.normalizer(x) * (self.input_gate(x) * x["x"]))


class MinGRU(ScanKernel):
    """The minimal GRU: h is (batch, d)."""

    def gate(self, x: Step) -> Array:
        """Return the update gate."""
        return sigmoid(x["z"])

    def candidate(self, x: Step) -> Array:
        """Return the candidate of the state."""
        return x["n"]

    def decay(self, x: Step) -> Array:
        """Return 1 - z."""
        return np.asarray(1 - self.gate(x))

    def written(self, x: Step) -> Array:
        """Return z n."""
        return np.asarray(self.gate(x) * self.candidate(x))


class SLSTM(Kernel):
    """An LSTM with exponential gates: h, c, n and m are (batch, heads, d)."""

    def run(self) -> Outputs:
        """Return out and h_n."""
        (h, c, n, m), outputs = self.initial_states(), []
        for t in range(self.case.time):
            x = {name: array[:, t] for name, array in self.case.inputs.items()}
            i, f, z, o = (self.argument(gate, x, h) for gate in "ifzo")
            log_f = self.log_forget(f)
            before, m = m, self.stabilizer(i, log_f, m)
            i, f = self.input_gate(i, m), self.forget_gate(log_f, before, m)
            c, n = self.kept(f * c + i * self.candidate(z)), self.kept(f * n + i)
            h = self.kept(self.output(o, c, n))
            outputs.append(h)
        return {"out": np.stack(outputs, axis=1), "h_n": h}

    def initial_states(self) -> tuple[Array, Array, Array, Array]:
        """Return h, c, the normalizer n and the stabilizer m."""
        states = self.case.states
        return states["h0"], states["c0"], states["n0"], states["m0"]

    def recurrent_weight(self, gate: str) -> Array:
        """Return the recurrent weight of a gate: (heads, d, d)."""
        return self.case.weights[f"R_{gate}"]

    def argument(self, gate: str, x: Step, h: Array) -> Array:
        """Return the argument of a gate's activation."""
        return np.asarray(x[f"x_{gate}"] + (self.recurrent_weight(gate) @ h[..., None])[..., 0])

    def log_forget(self, f: Array) -> Array:
        """Return the logarithm of the forget gate, which is a sigmoid."""
        return -softplus(-f)

    def stabilizer(self, i: Array, log_f: Array, m: Array) -> Array:
        """Return the larger of the logarithms of both gates."""
        return np.asarray(np.maximum(log_f + m, i))

    def input_gate(self, i: Array, m: Array) -> Array:
        """Return the input gate, divided by e^m."""
        return np.asarray(np.exp(i - m))

    def forget_gate(self, log_f: Array, before: Array, m: Array) -> Array:
        """Return the forget gate, times e^m before the step and divided by e^m after it."""
        return np.asarray(np.exp(log_f + before - m))

    def candidate(self, z: Array) -> Array:
        """Return the candidate of the state."""
        return np.asarray(np.tanh(z))

    def output(self, o: Array, c: Array, n: Array) -> Array:
        """Return h."""
        return np.asarray(sigmoid(o) * (c / n))


class CausalConv(Kernel):
    """A convolution over time of each channel, for all steps at once."""

    def run(self) -> Outputs:
        """Return y and window_n."""
        x = self.case.inputs["x"].swapaxes(1, 2)
        padded = np.concatenate([self.initial_window(), x], axis=-1)
        y = self.activated(self.biased(self.convolved(padded)))
        return {"y": y.swapaxes(1, 2), "window_n": self.last_window(padded)}

    def initial_window(self) -> Array:
        """Return the inputs before the first step, the oldest first: (batch, channels, past)."""
        return self.case.states["window0"]

    def taps(self) -> Array:
        """Return the weights of the oldest to the newest input: (channels, width)."""
        return self.case.weights["weight"]

    def convolved(self, padded: Array) -> Array:
        """Return (batch, channels, time) of (batch, channels, past + time)."""
        taps, time = self.taps(), self.case.time
        return np.asarray(sum(taps[:, j, None] * padded[..., j : j + time] for j in range(taps.shape[-1])))

    def biased(self, y: Array) -> Array:
        """Return the convolution plus the bias."""
        return np.asarray(y + self.case.weights["bias"][:, None])

    def activated(self, y: Array) -> Array:
        """Return the output."""
        return y if self.case.config.option("activation") == "none" else np.asarray(y * sigmoid(y))

    def last_window(self, padded: Array) -> Array:
        """Return the last inputs, the oldest first."""
        return padded[..., self.case.time :]


KERNELS: Mapping[str, type[Kernel]] = {
    **dict.fromkeys(ATTENTION, StepKernel),
    "selective_scan": SelectiveScan,
    "slstm": SLSTM,
    "rg_lru": RGLRU,
    "min_gru": MinGRU,
    "causal_conv": CausalConv,
}
"""The right kernels that run step by step."""
