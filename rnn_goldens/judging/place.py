"""Where an element of an output stands, in words."""

from rnn_goldens.golden.shapes import Config


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
