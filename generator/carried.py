"""The error that reaches a value: of everything that was lost before it, times the exact derivative of the value by it.

By reverse mode, for many values at once: a row has the derivatives of one value, and goes back from step to step and
from layer to layer, adding up as it goes what was lost there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnn_goldens.generator.linearized import Linearized
from rnn_goldens.generator.progress import counting
from rnn_goldens.generator.recorded import Float64

NEGLIGIBLE = 2.0**-200
"""Derivatives below this are left out: unless they grow again by as much, they move no digit of any bound."""

AT_ONCE = 2**22
"""So many numbers are carried at a time, some 32 MB."""


@dataclass(frozen=True)
class Seed:
    """Values whose error is asked: one row for each unit.

    Attributes:
        visit: at which visit of their layer and direction they stand.
        value: where in the program's values; None for a state after the visit.
        state: which state that is; it stands still where a sequence has ended.
        units: how many there are.
    """

    visit: int
    value: int | None
    state: int
    units: int


Network = Sequence[Sequence[Linearized]]
"""By layer, its directions."""

Inner = tuple[int, slice]
"""A seed within a step: where in the program's values it stands, and its rows."""


def errors(network: Network, layer: int, direction: int, seeds: Sequence[Seed]) -> list[Float64]:
    """What may be lost on the way to each seed's values: (2, batch, units) each."""
    found: dict[Seed, Float64] = {}
    before = sum(map(len, network[:layer])) + direction
    below = sum(len(one.unrolled.times) for ones in network[:layer] for one in ones)
    doing = f"tolerance, part {before + 1} of {sum(map(len, network))}"
    count = counting(doing, sum(seed.units * (seed.visit + 1 + below) for seed in seeds))
    for chunk in _chunks(network, layer, seeds):
        rows = sum(seed.units for seed in chunk)
        error = _Sweep(network, layer, direction, rows, count).of_own(chunk)
        at = 0
        for seed in chunk:
            found[seed] = np.moveaxis(error[:, at : at + seed.units], -1, 0)
            at += seed.units
    return [found[seed] for seed in seeds]


def _chunks(network: Network, layer: int, seeds: Sequence[Seed]) -> Iterator[list[Seed]]:
    """The late ones first, so that the way back of the early ones is short."""
    one = network[layer][0].unrolled
    visits, batch = one.within.shape
    widest = batch * one.hidden * 8
    limit = AT_ONCE // (widest if layer == 0 else max(widest, batch * visits * one.values[0].shape[-1]))
    chunk: list[Seed] = []
    for seed in sorted(seeds, key=lambda seed: -seed.visit):
        if chunk and sum(s.units for s in chunk) + seed.units > limit:
            yield chunk
            chunk = []
        chunk.append(seed)
    yield chunk


class _Sweep:
    """The way back of some rows."""

    def __init__(self, network: Network, layer: int, direction: int, rows: int, count: Callable[[int], None]) -> None:
        self.network, self.layer, self.direction, self.rows, self.count = network, layer, direction, rows, count
        batch = network[layer][direction].unrolled.within.shape[1]
        self.error = np.zeros((batch, rows, 2))

    def of_own(self, seeds: Sequence[Seed]) -> Float64:
        """The error, (batch, rows, 2), of seeds that stand in this layer and direction, the late ones first."""
        by_input = self._back(self.network[self.layer][self.direction], seeds, None)
        self._below(self.layer - 1, by_input)
        return self.error

    def _below(self, layer: int, by_output: dict[int, Float64]) -> None:
        """Go on in the layers below, from derivatives by the output of one: by time step, (batch, rows, units)."""
        if layer < 0 or not by_output:
            return
        by_input: dict[int, Float64] = {}
        start = 0
        for one in self.network[layer]:
            units = slice(start, start + one.unrolled.hidden)
            start = units.stop
            for t, g in self._back(one, (), {t: g[..., units] for t, g in by_output.items()}).items():
                by_input[t] = by_input[t] + g if t in by_input else g
        self._below(layer - 1, by_input)

    def _back(self, one: Linearized, seeds: Sequence[Seed], by_output: dict[int, Float64] | None) -> dict[int, Float64]:
        """Go back through one layer in one direction; returns the derivatives by its input, by time step."""
        unrolled = one.unrolled
        batch, units = unrolled.within.shape[1], [unrolled.values[k].shape[-1] for k in unrolled.program.after]
        states = [np.zeros((batch, self.rows, size)) for size in units]
        rows = slice(0, 0 if by_output is None else self.rows)
        by_input: dict[int, Float64] = {}
        for visit in range(len(unrolled.times) - 1, -1, -1):
            t, here = unrolled.times[visit], unrolled.within[visit][:, None, None]
            inner, rows = _begun([seed for seed in seeds if seed.visit == visit], states, rows)
            self.count(rows.stop)
            if by_output is not None and t in by_output:
                states[0] += np.where(here, by_output[t], 0)
            if by_output is None:  # otherwise a row that has decayed may get something new
                rows = _without_decayed(states, rows, min((place.start for _, place in inner), default=rows.stop))
            if rows.start == rows.stop:
                continue
            before = self._one_visit(one, visit, [np.where(here, state[:, rows], 0) for state in states], rows, inner)
            if 0 in before:
                by_input[t] = np.zeros((batch, self.rows, before[0].shape[-1]))
                by_input[t][:, rows] = before[0]
            for k, state in enumerate(states, 1):  # which stands still where a sequence has no such step
                g = before.get(k, 0) + np.where(here, 0, state[:, rows])
                state[:, rows] = np.where(np.abs(g) < NEGLIGIBLE, 0, g)
        return by_input

    def _one_visit(
        self, one: Linearized, visit: int, after: list[Float64], rows: slice, inner: Sequence[Inner]
    ) -> dict[int, Float64]:
        """Derivatives by x (as 0) and the states before, from those by the states after and seeds within the step."""
        by: dict[int, Float64] = {}
        for k, g in zip(one.unrolled.program.after, after, strict=True):
            by[k] = by[k] + g if k in by else g
        for k, place in inner:
            g = np.zeros((len(self.error), rows.stop - rows.start, one.unrolled.values[k].shape[-1]))
            g[:, place.start - rows.start : place.stop - rows.start] = np.eye(place.stop - place.start)
            by[k] = by[k] + g if k in by else g
        for joint in reversed(one.losses):
            if joint in by:
                g = by.pop(joint)
                self.error[:, rows] += np.abs(g) @ np.moveaxis(one.losses[joint][:, visit], 0, -1)
                for link in one.links[joint]:
                    pulled = link.pulled(g, visit)
                    by[link.of] = by[link.of] + pulled if link.of in by else pulled
        return by


def _begun(seeds: Sequence[Seed], states: Sequence[Float64], rows: slice) -> tuple[list[Inner], slice]:
    """Begin the rows of seeds: in the states here; those within the step are told, with their rows."""
    inner, stop = [], rows.stop
    for seed in seeds:
        place = slice(stop, stop + seed.units)
        if seed.value is None:
            states[seed.state][:, place] += np.eye(seed.units)
        else:
            inner.append((seed.value, place))
        stop = place.stop
    return inner, slice(rows.start, stop)


def _without_decayed(states: Sequence[Float64], rows: slice, kept: int) -> slice:
    """The rows, but for the first of them, up to ``kept``, whose derivatives have decayed."""
    alive = np.any([np.abs(state[:, rows]).max(axis=(0, 2), initial=0) >= NEGLIGIBLE for state in states], axis=0)
    first = rows.start + (int(alive.argmax()) if alive.any() else len(alive))
    return slice(min(first, kept), rows.stop)
