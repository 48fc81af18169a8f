"""Measures CPU seconds of commands that run in turn."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import process_cost


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        what: the measured quantity.
        value: its value, with the unit.
        goal: its goal, "" if there is none.
        met: whether the goal is met; True if there is none.
    """

    what: str
    value: str
    goal: str = ""
    met: bool = True


Commands = Mapping[str, Sequence[str]]
Seconds = Mapping[str, list[float]]


def interleaved(commands: Commands, folder: Path, runs: int, **environment: str) -> dict[str, list[float]]:
    """Return CPU seconds (user and system, with children) of commands that run in turn, after one warm-up each."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            spent = process_cost.run(command, folder, environment).cpu
            if turn:
                seconds[name].append(spent)
    return seconds


def ratio(seconds: Seconds, of: str, to: str, above: str | None = None) -> float:
    """Return the median ratio of two commands' seconds, each minus those of the command ``above``, if given."""
    base = seconds[above] if above else [0.0] * len(seconds[of])
    return statistics.median((a - c) / (b - c) for a, b, c in zip(seconds[of], seconds[to], base, strict=True))


def median(seconds: Seconds, of: str, above: str | None = None) -> float:
    """Return the median of a command's seconds, minus those of the command ``above``, if given."""
    base = seconds[above] if above else [0.0] * len(seconds[of])
    return statistics.median(a - b for a, b in zip(seconds[of], base, strict=True))


def at_most(what: str, value: float, unit: str, most: float, places: int = 2) -> Figure:
    """Return a figure with a goal."""
    return Figure(what, f"{value:.{places}f} {unit}", f"≤ {most:.{places}f} {unit}", round(value, places) <= most)
