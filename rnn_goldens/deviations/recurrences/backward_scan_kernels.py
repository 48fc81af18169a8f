"""Backward passes of the recurrences without a matrix of keys and values, as people write them."""

import numpy as np

from rnn_goldens.cells.arrays import Array
from rnn_goldens.deviations.recurrences.backward_kernel import BackwardKernel, Values, transposed


def logistic(z: Array) -> Array:
    """Return the sigmoid, 1 / (1 + e^-z)."""
    return np.asarray(1 / (1 + np.exp(-z)))


def softplus(z: Array) -> Array:
    """Return log(1 + e^z)."""
    return np.logaddexp(0, z)


def over_columns(a: Array) -> Array:
    """Return the sum over the columns."""
    return np.asarray(a.sum(axis=-1, keepdims=True))


class SelectiveScanBackward(BackwardKernel):
    """Mamba's selective scan: u and dt are columns of channels, B and C columns of n."""

    def step(self, x: Values) -> dict[str, Array]:
        """The step size, the decay, and what is written with B."""
        size = softplus(x["dt"])
        decay, written = np.exp(size * x["A"]), size * x["u"]
        return {
            "size": size,
            "decay": decay,
            "written": written,
            "h_after": decay * x["h"] + written @ transposed(x["B"]),
        }

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> dict[str, Array]:
        """The gradients of a step."""
        d_y = d_outputs["y"]
        d_h = d_after["h"] + d_y @ transposed(x["C"])
        d_written, d_log = d_h @ x["B"], self.d_log(x, d_h)
        d_size = self.of_decay(x, d_log) + self.of_written(x, d_written)
        return {
            "u": self.d_u(x, d_y, d_written),
            "dt": self.through_softplus(x, d_size),
            "B": self.d_b(x, d_h),
            "C": self.d_c(x, d_y),
            "A": self.d_a(x, d_log),
            "D": self.d_d(x, d_y),
            "h": self.through_decay(x, d_h),
        }

    def d_log(self, x: Values, d_h: Array) -> Array:
        """The cotangent of the logarithm of the decay, dt A."""
        return d_h * x["h"] * x["decay"]

    def of_decay(self, x: Values, d_log: Array) -> Array:
        """What the decay passes to the step size."""
        return over_columns(d_log * x["A"])

    def of_written(self, x: Values, d_written: Array) -> Array:
        """What the input passes to the step size."""
        return d_written * x["u"]

    def through_softplus(self, x: Values, d_size: Array) -> Array:
        """The gradient of dt."""
        return d_size * logistic(x["dt"])

    def d_u(self, x: Values, d_y: Array, d_written: Array) -> Array:
        """The gradient of u: through the state, and through D."""
        return np.asarray(x["size"] * d_written + x["D"] * d_y)

    def d_b(self, x: Values, d_h: Array) -> Array:
        """The gradient of B, a sum over channels."""
        return np.asarray(transposed(d_h) @ x["written"])

    def d_c(self, x: Values, d_y: Array) -> Array:
        """The gradient of C, a sum over channels."""
        return np.asarray(transposed(x["h_after"]) @ d_y)

    def d_a(self, x: Values, d_log: Array) -> Array:
        """A step's share of the gradient of A."""
        return d_log * x["size"]

    def d_d(self, x: Values, d_y: Array) -> Array:
        """A step's share of the gradient of D."""
        return d_y * x["u"]

    def through_decay(self, x: Values, d_h: Array) -> Array:
        """The cotangent of the state before the step."""
        return x["decay"] * d_h


class RgLruBackward(BackwardKernel):
    """RG-LRU."""

    factor = -8.0

    def step(self, x: Values) -> dict[str, Array]:
        """The decay a, the root of 1 - a², and the gated input."""
        log_a = self.factor * softplus(x["Lambda"]) * logistic(x["r"])
        a, root, gated = np.exp(log_a), np.sqrt(-np.expm1(2 * log_a)), logistic(x["i"]) * x["x"]
        return {"a": a, "root": root, "gated": gated, "h_after": a * x["h"] + root * gated}

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> dict[str, Array]:
        """The gradients of a step."""
        d_h = d_after["h"] + d_outputs["out"]
        d_log_a, d_gated = self.of_decay(x, d_h) + self.of_root(x, d_h), self.d_gated(x, d_h)
        return {
            "x": self.d_x(x, d_gated),
            "r": self.d_r(x, d_log_a),
            "i": self.d_i(x, d_gated),
            "Lambda": self.d_lambda(x, d_log_a),
            "h": self.through_decay(x, d_h),
        }

    def of_decay(self, x: Values, d_h: Array) -> Array:
        """The cotangent of log a through the decay of the state."""
        return d_h * x["h"] * x["a"]

    def of_root(self, x: Values, d_h: Array) -> Array:
        """The cotangent of log a through the root."""
        return np.asarray(-d_h * x["gated"] * 2 * x["a"] ** 2 * self.root_slope(x["root"]))

    def root_slope(self, root: Array) -> Array:
        """The derivative of the square root."""
        return 1 / (2 * root)

    def d_gated(self, x: Values, d_h: Array) -> Array:
        """The cotangent of the gated input."""
        return x["root"] * d_h

    def d_x(self, x: Values, d_gated: Array) -> Array:
        """The gradient of x."""
        return logistic(x["i"]) * d_gated

    def d_i(self, x: Values, d_gated: Array) -> Array:
        """The gradient of the argument of the input gate."""
        return d_gated * x["x"] * self.slope(logistic(x["i"]))

    def d_r(self, x: Values, d_log_a: Array) -> Array:
        """The gradient of the argument of the recurrence gate."""
        return d_log_a * self.factor * softplus(x["Lambda"]) * self.slope(logistic(x["r"]))

    def d_lambda(self, x: Values, d_log_a: Array) -> Array:
        """A step's share of the gradient of Lambda."""
        return d_log_a * self.factor * logistic(x["r"]) * logistic(x["Lambda"])

    def slope(self, y: Array) -> Array:
        """The derivative of y = sigmoid(z)."""
        return np.asarray(y * (1 - y))

    def through_decay(self, x: Values, d_h: Array) -> Array:
        """The cotangent of the state before the step."""
        return x["a"] * d_h


class MinGruBackward(BackwardKernel):
    """MinGRU: the state moves from h to n by the gate."""

    def step(self, x: Values) -> dict[str, Array]:
        """The gate and the state after the step."""
        gate = logistic(x["z"])
        return {"gate": gate, "h_after": (1 - gate) * x["h"] + gate * x["n"]}

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> dict[str, Array]:
        """The gradients of a step."""
        d_h = d_after["h"] + d_outputs["out"]
        return {"z": self.d_z(x, d_h), "n": self.d_n(x, d_h), "h": self.through_gate(x, d_h)}

    def d_z(self, x: Values, d_h: Array) -> Array:
        """The gradient of the argument of the gate."""
        return d_h * self.difference(x) * self.slope(x)

    def difference(self, x: Values) -> Array:
        """The derivative of the state by the gate."""
        return x["n"] - x["h"]

    def slope(self, x: Values) -> Array:
        """The derivative of the gate."""
        return np.asarray(x["gate"] * (1 - x["gate"]))

    def d_n(self, x: Values, d_h: Array) -> Array:
        """The gradient of the candidate."""
        return x["gate"] * d_h

    def through_gate(self, x: Values, d_h: Array) -> Array:
        """The cotangent of the state before the step."""
        return (1 - x["gate"]) * d_h


class CausalConvBackward(BackwardKernel):
    """A causal convolution: the window is a column of the last inputs, the oldest first."""

    def step(self, x: Values) -> dict[str, Array]:
        """All inputs of the step, and the value before the activation."""
        inputs = np.concatenate([x["window"], x["x"]], axis=-2)
        value = transposed(x["weight"]) @ inputs + x["bias"]
        return {"inputs": inputs, "value": value, "window_after": inputs[..., 1:, :]}

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> dict[str, Array]:
        """The gradients of a step."""
        d_y = d_outputs["y"]
        d_value = self.through_activation(x, d_y) if self.config.option("activation") == "silu" else d_y
        d_inputs = self.d_inputs(x, d_value) + self.of_window(x, d_after["window"])
        return {
            "x": d_inputs[..., -1:, :],
            "weight": self.d_weight(x, d_value),
            "bias": self.d_bias(x, d_value),
            "window": d_inputs[..., :-1, :],
        }

    def through_activation(self, x: Values, d_y: Array) -> Array:
        """The cotangent of the value before SiLU."""
        y = logistic(x["value"])
        return np.asarray(d_y * (y + x["value"] * y * (1 - y)))

    def d_inputs(self, x: Values, d_value: Array) -> Array:
        """What the output passes to the inputs."""
        return x["weight"] * d_value

    def of_window(self, x: Values, d_window: Array) -> Array:  # noqa: ARG002 - for overrides
        """What the window after the step passes to the inputs: it is all of them but the oldest."""
        return np.concatenate([np.zeros_like(d_window[..., :1, :]), d_window], axis=-2)

    def d_weight(self, x: Values, d_value: Array) -> Array:
        """A step's share of the gradient of the weight."""
        return x["inputs"] * d_value

    def d_bias(self, x: Values, d_value: Array) -> Array:  # noqa: ARG002 - for overrides
        """A step's share of the gradient of the bias."""
        return d_value


class SlstmBackward(BackwardKernel):
    """An sLSTM whose stabilizer is a constant: h does not depend on it, except on its initial value."""

    def step(self, x: Values) -> dict[str, Array]:
        """The gates, and the states after the step."""
        i, f, z, o = (x[f"x_{gate}"] + x[f"R_{gate}"] @ x["h"] for gate in "ifzo")
        log_f = x["m"] - softplus(-f)
        m = np.maximum(log_f, i)
        gates = {"i": np.exp(i - m), "f": np.exp(log_f - m), "z": np.tanh(z), "o": logistic(o), "f_argument": f}
        c, n = gates["f"] * x["c"] + gates["i"] * gates["z"], gates["f"] * x["n"] + gates["i"]
        return {**gates, "h_after": gates["o"] * c / n, "c_after": c, "n_after": n, "m_after": m}

    def step_back(self, x: Values, d_outputs: Values, d_after: Values) -> dict[str, Array]:
        """The gradients of a step."""
        d_h = d_after["h"] + d_outputs["out"]
        d_c, d_n = d_after["c"] + self.d_c(x, d_h), d_after["n"] + self.d_n(x, d_h)
        d_log = {"i": self.d_log_i(x, d_c, d_n), "f": self.d_log_f(x, d_c, d_n)}
        d_log = self.with_stabilizer(x, d_log, d_after["m"])
        arguments = {
            "i": d_log["i"],
            "f": d_log["f"] * self.forget_slope(x),
            "z": self.d_z(x, d_c),
            "o": self.d_o(x, d_h),
        }
        return {
            **{f"x_{gate}": g for gate, g in arguments.items()},
            **{f"R_{gate}": self.d_weight(x, g) for gate, g in arguments.items()},
            "h": self.through_gates(x, arguments),
            "c": self.through_forget(x, d_c),
            "n": self.through_forget(x, d_n),
            "m": self.d_m(d_log["f"]),
        }

    def d_c(self, x: Values, d_h: Array) -> Array:
        """What h passes to c."""
        return d_h * x["o"] / x["n_after"]

    def d_n(self, x: Values, d_h: Array) -> Array:
        """What h passes to the normalizer."""
        return -d_h * x["h_after"] / x["n_after"]

    def d_o(self, x: Values, d_h: Array) -> Array:
        """The gradient of the argument of the output gate."""
        return np.asarray(d_h * x["c_after"] / x["n_after"] * x["o"] * (1 - x["o"]))

    def d_z(self, x: Values, d_c: Array) -> Array:
        """The gradient of the argument of the candidate."""
        return np.asarray(d_c * x["i"] * (1 - x["z"] ** 2))

    def d_log_i(self, x: Values, d_c: Array, d_n: Array) -> Array:
        """The gradient of the argument of the input gate, its logarithm."""
        return np.asarray(x["i"] * (d_c * x["z"] + d_n))

    def d_log_f(self, x: Values, d_c: Array, d_n: Array) -> Array:
        """The cotangent of the logarithm of the forget gate."""
        return np.asarray(x["f"] * (d_c * x["c"] + d_n * x["n"]))

    def with_stabilizer(self, x: Values, d_log: dict[str, Array], d_m: Array) -> dict[str, Array]:  # noqa: ARG002 - for overrides
        """The cotangents of the gates' logarithms; the stabilizer passes nothing to them."""
        return d_log

    def forget_slope(self, x: Values) -> Array:
        """The derivative of the logarithm of the forget gate."""
        return logistic(-x["f_argument"])

    def d_weight(self, x: Values, g: Array) -> Array:
        """A step's share of the gradient of a gate's recurrent weight."""
        return np.asarray(g @ transposed(x["h"]))

    def through_gates(self, x: Values, arguments: Values) -> Array:
        """The cotangent of h before the step, from those of the gates' arguments."""
        return np.asarray(sum(transposed(x[f"R_{gate}"]) @ g for gate, g in arguments.items()))

    def through_forget(self, x: Values, d_state: Array) -> Array:
        """The cotangent of c or n before the step."""
        return x["f"] * d_state

    def d_m(self, d_log_f: Array) -> Array:
        """The cotangent of the stabilizer before the step, which is used at the first step only."""
        return d_log_f
