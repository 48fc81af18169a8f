"""What the axes of a stored array are, and in which order gates stand along one: for who looks at a file."""

import re

_WEIGHT = re.compile(r"(weight|bias)_(ih|hh)_l\d+(_reverse)?")
_SEQUENCES = {"x": "input", "out": "direction*hidden", "d_out": "direction*hidden"}
_STATES = ("h0", "c0", "h_n", "c_n", "d_h_n", "d_c_n")
_MOST_AXES = 3


def legend(name: str, axes: int, gates: str) -> dict[str, list[str]]:
    """The names of an array's axes, and of a weight's gates; nothing of an array that a cell of one's own has named.

    Args:
        name: the array's.
        axes: how many it has: an unbatched golden has one less.
        gates: a letter for each gate, in the order of the rows of the weights.

    Returns:
        By name of attribute, ``axes`` and ``gates``, what is to stand there.
    """
    if name == "lengths":
        return {"axes": ["batch"]}
    if name in _SEQUENCES:
        return {"axes": ["batch", "time", _SEQUENCES[name]][_MOST_AXES - axes :]}
    if name in _STATES:
        return {"axes": ["layer*direction", "batch", "hidden"] if axes == _MOST_AXES else ["layer*direction", "hidden"]}
    if (weight := _WEIGHT.fullmatch(name)) is None:
        return {}
    columns = {"ih": "input of the layer", "hh": "hidden"}[weight[2]]
    return {"axes": ["gate*hidden", *([columns] if weight[1] == "weight" else [])], "gates": list(gates)}
