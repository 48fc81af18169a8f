"""Where an element of an output, or of a gradient, stands, in words."""

from rnn_goldens.golden.shapes import Config, Layout


def place(config: Config, output: str, index: tuple[int, ...]) -> str:
    """Name an index: ``time step 2 (batch 0, unit 1)``, ``layer 0, reverse (batch 0, unit 1)``."""
    *batch, unit = index[:-2] + index[-1:] if output == "out" else index[1:]
    in_batch = "".join(f"batch {b}, " for b in batch)
    hidden, directions = config.hidden_size, config.num_directions
    if output == "out":
        direction = ", reverse direction" if unit >= hidden else ""
        return f"time step {index[-2]} ({in_batch}unit {unit % hidden}{direction})"
    layer, direction_index = divmod(index[0], directions)
    direction = f", {('forward', 'reverse')[direction_index]} direction" if directions > 1 else ""
    return f"layer {layer} ({in_batch}unit {unit}{direction})"


def gradient_place(config: Config, layout: Layout, name: str, index: tuple[int, ...]) -> str:
    """Name an index of a gradient: ``time step 2 (batch 0, input 1)`` of x, ``gate f, unit 1, column 2`` of a weight.

    Of an initial state as of a last one.
    """
    if name in ("h0", "c0"):
        return place(config, f"{name[0]}_n", index)
    if name == "x":
        in_batch = "".join(f"batch {b}, " for b in index[:-2])
        return f"time step {index[-2]} ({in_batch}input {index[-1]})"
    gate, unit = divmod(index[0], config.hidden_size)
    stacked = name.startswith(("weight_", "bias_")) and len(layout.gates) > 1
    parts = [f"gate {layout.gates[gate]}"] if stacked else []
    parts += [f"unit {unit}", *(f"column {column}" for column in index[1:])]
    return ", ".join(parts)
