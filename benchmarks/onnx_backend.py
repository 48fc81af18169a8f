"""ONNX's own backend tests of LSTM, GRU and RNN, and this corpus: which wrong implementations does each let pass?

    python -m benchmarks.onnx_backend            # from the checkout; --write renews docs/results/onnx-backend.md

Both are put through the same deviations, in one run, in float32.
"""

import argparse
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks import page
from benchmarks.peephole_lstm import peephole_lstm
from rnn_goldens.cells import DEFINED, Array, Case, Cell, Network, Weights, case_of
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.conventions import convention
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.deviations.deviation import Deviation, Outputs
from rnn_goldens.deviations.gates import reset_before_product
from rnn_goldens.deviations.margins import ENOUGH, margin
from rnn_goldens.generator.hidden import HIDDEN
from rnn_goldens.golden.shapes import CELLS, LAYOUTS, Config

NAMES = re.compile(r"test_(lstm|gru|rnn|simple_rnn)_")

OPERATORS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn_tanh"}

BEYOND_ONNX = frozenset({"multilayer", "unbatched"})
"""Features that no test of a single ONNX operator can have."""

NO_ERROR = frozenset(h.deviation for h in HIDDEN if h.allowed and "float32" in h.precisions)
"""Deviations that a float32 implementation may have."""

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
OUTPUTS = ("Y", "Y_h", "Y_c")

PAGE = "onnx-backend.md"


class NoCase(Exception):
    """A test that asks for something that is not in the definition; the message says what."""


@dataclass(frozen=True, eq=False)
class OnnxTest:
    """One of ONNX's tests, as a question to ``rnn_goldens.cells``.

    Attributes:
        case: the question. A layer in reverse alone is the reverse direction of a bidirectional one, both directions
            having its weights.
        features: which of a golden's features it has.
        reverse_alone: whether only the reverse direction's outputs count.
        batch_first: whether ONNX's arrays are.
        expected: by name, those outputs that the test looks at, in ONNX's layout.
        rtol, atol: ONNX's.
        dialect: the right network, with the equations the expected values come from.
        differs: how that dialect differs from the definition; empty if it does not, on this case.
    """

    name: str
    case: Case
    features: frozenset[str]
    reverse_alone: bool
    batch_first: bool
    expected: Mapping[str, Array]
    rtol: float
    atol: float
    dialect: Network
    differs: str = ""

    def in_onnx(self, outputs: Outputs) -> dict[str, Array]:
        """The outputs that the test looks at, in ONNX's layout; raises ValueError if a shape does not allow it."""
        out, *last = outputs
        batch, time, _ = out.shape
        y = out.reshape(batch, time, self.case.config.num_directions, self.case.config.hidden_size)
        counted = slice(1 if self.reverse_alone else 0, None)
        states = dict(zip(OUTPUTS[1:], (part[counted] for part in last), strict=False))
        if self.batch_first:
            arrays = {"Y": y[:, :, counted]} | {name: part.swapaxes(0, 1) for name, part in states.items()}
        else:
            arrays = {"Y": y[:, :, counted].transpose(1, 2, 0, 3), **states}
        return {name: arrays[name].astype(np.float32) for name in self.expected}

    def accepts(self, outputs: Outputs) -> bool:
        """Whether ONNX's test runner accepts some outputs."""
        from onnx.backend.test.runner import Runner

        try:
            got = self.in_onnx(outputs)
            Runner.assert_similar_outputs(list(self.expected.values()), list(got.values()), self.rtol, self.atol)
        except (AssertionError, ValueError, IndexError):
            return False
        return True


class ResetBefore(Network):
    """ONNX's default GRU (`linear_before_reset=0`): W_hn (r h) + b_hn in place of r (W_hn h + b_hn)."""

    def cell(self, case: Case) -> Cell:
        """With the equations of that GRU."""
        return with_equations(super().cell(case), reset_before_product)


class Peepholes(Network):
    """ONNX's LSTM with P: i and f see the cell before, o the cell after, each through weights of its own."""

    def __init__(self, p: Array) -> None:
        self.p = dict(zip(("p_i", "p_o", "p_f"), np.split(p, 3), strict=True))

    def cell(self, case: Case) -> Cell:
        """With these equations."""
        return with_equations(super().cell(case), peephole_lstm, *self.p)

    def weights(self, case: Case, suffix: str) -> Weights:
        """With P among them."""
        return {**super().weights(case, suffix), **self.p}


@dataclass(frozen=True)
class Survivors:
    """Deviations of a cell that nothing exposed: in ONNX's tests, in the corpus, in its core set."""

    deviations: Sequence[Deviation]
    onnx: frozenset[str]
    corpus: frozenset[str]
    core: frozenset[str]


def main() -> None:
    """Run and print; exit with 1 if the right network fails one of ONNX's tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write docs/results/{PAGE}")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    tests, skipped = onnx_tests()
    if wrong := [test.name for test in tests if not test.accepts(test.dialect.run(test.case))]:
        sys.exit(f"the right network fails {', '.join(wrong)}: these tests are not understood")
    tests = [in_our_dialect(test) for test in tests]
    found = survivors(tests, arguments.processes)
    text = report(tests, skipped, found)
    print(text)
    if arguments.write:
        page.write(PAGE, text)


def onnx_tests() -> tuple[list[OnnxTest], dict[str, str]]:
    """ONNX's tests of recurrent operators, and why some of them are left out."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it makes the tests of every operator, and some overflow
        found = [test for test in load_model_tests(kind="node") if NAMES.match(test.name)]
    tests, skipped = [], {}
    for test in found:
        try:
            tests.append(_read(test))
        except NoCase as reason:
            skipped[test.name] = str(reason)
    return tests, skipped


def in_our_dialect(test: OnnxTest) -> OnnxTest:
    """The same test; where the dialects differ, its expected values are the answer of the definition."""
    outputs = Network().run(test.case)
    if test.accepts(outputs):
        return test
    differs = type(test.dialect).__doc__ or ""
    return replace(test, expected=test.in_onnx(outputs), dialect=Network(), differs=differs)


def _read(test: Any) -> OnnxTest:  # noqa: ANN401 - an onnx.backend.test.case.TestCase
    from onnx import helper

    (node,) = test.model.graph.node
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    ((inputs, outputs),) = test.data_sets
    given = dict(zip([n for n, there in zip(INPUTS, node.input, strict=False) if there], inputs, strict=True))
    expected = dict(zip([n for n, there in zip(OUTPUTS, node.output, strict=False) if there], outputs, strict=True))
    direction = attributes.pop("direction", b"forward").decode()
    batch_first, hidden = bool(attributes.pop("layout", 0)), attributes.pop("hidden_size")
    dialect = Network()
    if node.op_type == "GRU" and not attributes.pop("linear_before_reset", 0):
        dialect = ResetBefore()
    if "P" in given:
        if direction != "forward":
            raise NoCase("peepholes in other directions than forward")
        dialect = Peepholes(given.pop("P")[0].astype(np.float64))
    if attributes:
        raise NoCase(f"has {', '.join(attributes)}")
    given = {name: array if name == "sequence_lens" else array.astype(np.float64) for name, array in given.items()}
    if batch_first:
        for name in ("initial_h", "initial_c"):
            given |= {name: given[name].swapaxes(0, 1)} if name in given else {}
    else:
        given["X"] = given["X"].swapaxes(0, 1)
    if alone := direction == "reverse":
        both_ways = ("W", "R", "B", "initial_h", "initial_c")
        given |= {name: np.concatenate([given[name]] * 2) for name in both_ways if name in given}
    config = Config(given["X"].shape[-1], hidden, bidirectional=direction != "forward", bias="B" in given)
    return OnnxTest(
        test.name,
        _case(OPERATORS[node.op_type], given, config),
        _features(given, direction),
        alone,
        batch_first,
        expected,
        test.rtol,
        test.atol,
        dialect,
    )


def _case(cell: str, given: Mapping[str, Array], config: Config) -> Case:
    weights = {f"l0/{name}": given[name] for name in ("W", "R", "B") if name in given}
    zeros = np.zeros((config.num_directions, len(given["X"]), config.hidden_size))
    state = tuple(given.get(f"initial_{name}", zeros) for name in LAYOUTS[cell].states)
    lengths = given["sequence_lens"].astype(np.int64) if "sequence_lens" in given else None
    torch_weights = convention("onnx").to_torch(cell, config, weights)
    return Case(DEFINED[cell], config, torch_weights, given["X"], state, lengths, "initial_h" in given)


def _features(given: Mapping[str, Array], direction: str) -> frozenset[str]:
    has = {"bias": "B" in given, "state": "initial_h" in given, "lengths": "sequence_lens" in given}
    return frozenset(name for name, there in {**has, "bidirectional": direction != "forward"}.items() if there)


def survivors(tests: Sequence[OnnxTest], processes: int) -> dict[str, Survivors]:
    """By cell, what passes all of ONNX's tests, and all goldens."""
    corpus = open_corpus()
    ids = [entry.id for entry in corpus.entries if "float32" in entry.precisions]
    with ProcessPoolExecutor(processes) as pool:
        exposed = dict(zip(ids, pool.map(exposed_by_golden, ids, chunksize=8), strict=True))
    found = {}
    for cell in CELLS:
        deviations = [d for d in DEVIATIONS if cell in d.cells and d.name not in NO_ERROR]
        names = frozenset(d.name for d in deviations)
        own = [entry for entry in corpus.entries if entry.cell == cell and entry.id in exposed]
        by_onnx = {d.name for test in tests if test.case.cell.name == cell for d in deviations if exposes(test, d)}
        by_corpus = set[str]().union(*(exposed[entry.id] for entry in own))
        by_core = set[str]().union(*(exposed[entry.id] for entry in own if "core" in entry.features))
        found[cell] = Survivors(deviations, names - by_onnx, names - by_corpus, names - by_core)
    return found


def exposes(test: OnnxTest, deviation: Deviation) -> bool:
    """Whether a test rejects a deviation. Without the features it needs, a deviation changes nothing."""
    return set(deviation.needs) <= test.features and not test.accepts(deviation.run(test.case))


def exposed_by_golden(golden_id: str) -> set[str]:
    """Deviations whose error on a golden, in float32, is at least twice what is allowed, as the corpus' gate has it."""
    golden = open_corpus().load(golden_id, "float64")
    case = case_of(golden, np.float64)
    return {
        d.name
        for d in DEVIATIONS
        if golden.cell in d.cells
        and d.name not in NO_ERROR
        and set(d.needs) <= set(golden.features)
        and margin(golden, d.run(case), "float32") >= ENOUGH
    }


def report(tests: Sequence[OnnxTest], skipped: Mapping[str, str], found: Mapping[str, Survivors]) -> str:
    """The page."""
    corpus = open_corpus()
    used = {cell: sum(test.case.cell.name == cell for test in tests) for cell in CELLS}
    goldens = sum("float32" in entry.precisions for entry in corpus.entries)
    core = sum("core" in entry.features for entry in corpus.entries)
    rtol, atol = max(test.rtol for test in tests), max(test.atol for test in tests)
    return "\n".join(
        [
            "# ONNX's backend tests and this corpus\n\n"
            "Which wrong implementations pass ONNX's own backend tests of LSTM, GRU and RNN "
            "(`onnx.backend.test`, node tests), and which pass this corpus: the same deviations, in one run, in "
            "float32. Written by `python -m benchmarks.onnx_backend --write`.\n\n"
            f"{page.versions('onnx', 'numpy')}.\n",
            page.table(
                ("compared", "goldens", "in its core set", "ONNX's tests"),
                [(f"corpus {corpus.version}", goldens, core, len(tests))],
            ),
            f"ONNX's tests allow rtol {rtol:g}, atol {atol:g} and are judged by ONNX's own test runner. "
            "An implementation survives ONNX if it passes every test of its cell, and the corpus if it is off by less "
            f"than {ENOUGH:g} times the tolerance on every golden. The right network passes every one of ONNX's tests "
            "used here.\n",
            "## What ONNX's tests could expose\n\n"
            "Deviations that show in a single layer with batched input, which is what ONNX's operators have.\n",
            _table(found, used, within=True),
            "## All deviations\n",
            _table(found, used, within=False),
            "## How ONNX's tests are read\n\n"
            "- Nothing of them is changed but the layout; only outputs that a test looks at are compared.\n"
            "- A layer in reverse alone is the reverse direction of a bidirectional one; both have its weights.\n"
            "- Where a test asks for another dialect, its expected values are reproduced in that dialect, then "
            "replaced by what the definition answers to the same question; inputs and tolerance stay ONNX's. So with:\n"
            + "".join(f"    - `{test.name}`: {test.differs}\n" for test in tests if test.differs)
            + "".join(f"- `{name}` is left out: {reason}.\n" for name, reason in skipped.items())
            + "- ONNX has no test of an RNN with relu, so every deviation passes; it is left out of the totals.\n",
            "## Survivors\n",
            *(_names(cell, of, tested=used[cell] > 0) for cell, of in found.items()),
        ]
    )


def _table(found: Mapping[str, Survivors], used: Mapping[str, int], *, within: bool) -> str:
    rows = [list(_row(of, within=within)) for of in found.values()]
    totals = [sum(n) for n in zip(*(row for cell, row in zip(found, rows, strict=True) if used[cell]), strict=True)]
    lines = [(cell, used[cell], *row) for cell, row in zip(found, rows, strict=True)]
    header = ("cell", "ONNX's tests", "deviations", "survive ONNX", "survive the corpus", "survive its core set")
    return page.table(header, [*lines, ("together, where ONNX has tests", sum(used.values()), *totals)])


def _row(of: Survivors, *, within: bool) -> Iterator[int]:
    names = {d.name for d in of.deviations if not within or not BEYOND_ONNX & set(d.needs)}
    yield len(names)
    yield from (len(names & survived) for survived in (of.onnx, of.corpus, of.core))


def _names(cell: str, of: Survivors, *, tested: bool) -> str:
    def listed(names: frozenset[str]) -> str:
        return ", ".join(f"`{d.name}`" for d in of.deviations if d.name in names) or "none"

    return f"### {cell}\n\n- Of the corpus: {listed(of.corpus)}.\n- Of its core set: {listed(of.core)}.\n" + (
        f"- Of ONNX's tests ({len(of.onnx)}): {listed(of.onnx)}.\n" if tested else "- ONNX has no test.\n"
    )


if __name__ == "__main__":
    main()
