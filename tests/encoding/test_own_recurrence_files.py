"""Files of goldens of custom recurrences hold the declaration, and a wrong one is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnn_goldens import Golden, InvalidFile, RecurrenceScenario, certify, read, save
from rnn_goldens.cells.recurrence_notation import recurrence


@recurrence(
    inputs={"x": "heads d", "g": "heads"},
    states={"h": "heads d", "s": "heads d"},
    outputs={"y": "heads d"},
    compared=["h"],
)
def leaky(x: Any, g: Any, h: Any, s: Any, *, rate: float = 0.5, scale: float = 1.0) -> Any:
    """Return a leaky sum of each head, and the states."""
    h = rate * h + scale * (g * x)
    return (h + s,), (h, 2 * s)


@pytest.fixture(scope="module")
def golden() -> Golden:
    numbers = np.random.default_rng(0)
    return certify(
        RecurrenceScenario(
            id="own/leaky",
            purpose="A leaky sum.",
            cell=f"{__name__}:leaky",
            config={"heads": 2, "d": 3, "rate": 0.25},
            inputs={"x": numbers.integers(-9, 9, (1, 4, 2, 3)) / 8, "g": numbers.integers(1, 9, (1, 4, 2)) / 8},
            states={"h0": numbers.integers(-9, 9, (1, 2, 3)) / 8, "s0": np.ones((1, 2, 3))},
            cotangents={"d_y": np.ones((1, 4, 2, 3))},
            gradient_purpose="Ones.",
        )
    )


@pytest.mark.parametrize("suffix", [".json", ".h5"])
def test_the_declaration_is_read_as_it_was_written(golden: Golden, suffix: str, tmp_path: Path) -> None:
    save(golden, tmp_path / f"golden{suffix}")
    back = read(tmp_path / f"golden{suffix}", gradients=True)
    assert back.recurrence == golden.recurrence
    assert dict(back.config) == {"heads": 2, "d": 3, "rate": 0.25}
    assert back.layout.outputs == ("y", "h_n")


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "compared": (lambda of: of["own_recurrence"].update(compared=["t"]), "compared has a name that is not a state"),
    "compared twice": (lambda of: of["own_recurrence"].update(compared=["h", "h"]), "compared|unique|twice"),
    "an array twice": (lambda of: of["own_recurrence"]["states"].append("x: heads d"), "twice|x"),
    "no declaration": (lambda of: of.pop("own_recurrence"), "own_recurrence"),
    "an option without a number": (lambda of: of["config"].update(rate="half"), "rate"),
    "a size that does not exist": (lambda of: of["config"].update(n=2), "n"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_declaration_is_refused(golden: Golden, what: str, tmp_path: Path) -> None:
    save(golden, path := tmp_path / "golden.json")
    document = json.loads(path.read_text("utf-8"))
    change, message = WRONG[what]
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidFile, match=message):
        read(path)
