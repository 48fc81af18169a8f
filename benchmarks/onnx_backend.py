"""Compares ONNX's backend tests of LSTM, GRU and RNN with this corpus: counts the wrong implementations that pass each.

The wrong implementations are the same deviations for both, in float32.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks import page
from benchmarks.benchmark import PROCESSES, Measured
from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Cell, Network, Weights, case_of
from rnn_goldens.cells.cell import with_equations
from rnn_goldens.cells.equations import gru_reset_before, lstm_peephole
from rnn_goldens.conventions import convention
from rnn_goldens.corpus import open_corpus
from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.deviations.deviation import Deviation, Outputs
from rnn_goldens.deviations.margins import ENOUGH, margin
from rnn_goldens.generator.undetected import UNDETECTED
from rnn_goldens.golden.built_in_cells import CELLS, LAYOUTS
from rnn_goldens.golden.shapes import Config

NAMES = re.compile(r"test_(lstm|gru|rnn|simple_rnn)_")

OPERATORS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn_tanh"}

BEYOND_ONNX = frozenset({"multilayer", "unbatched"})
"""Features that a test of a single ONNX operator cannot have."""

NO_ERROR = frozenset(h.deviation for h in UNDETECTED if h.allowed and "float32" in h.precisions)
"""Deviations that a correct float32 implementation may have."""

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
OUTPUTS = ("Y", "Y_h", "Y_c")


class NotInDefinition(Exception):
    """Raised for a test that needs something outside the definition; the message names it."""


@dataclass(frozen=True, eq=False)
class OnnxTest:
    """One of ONNX's tests, with its inputs as a case of ``rnn_goldens.cells``.

    Attributes:
        case: the inputs. A reverse layer is represented by a bidirectional layer whose directions share its weights.
        features: the features that a golden of this case would have.
        reverse_alone: whether only the outputs of the reverse direction are compared.
        batch_first: whether ONNX's arrays are batch-first.
        expected: the compared outputs by name, in ONNX's layout.
        rtol, atol: ONNX's tolerances.
        dialect: the correct network, with the equations of the expected values.
        differs: the difference of the dialect from the definition; "" if there is none on this case.
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
        """Return the compared outputs in ONNX's layout; raises ValueError if a shape does not allow it."""
        out, *last = outputs
        batch, time, _ = out.shape
        y = out.reshape(batch, time, self.case.config.num_directions, self.case.config.hidden_size)
        compared = slice(1 if self.reverse_alone else 0, None)
        states = dict(zip(OUTPUTS[1:], (part[compared] for part in last), strict=False))
        if self.batch_first:
            arrays = {"Y": y[:, :, compared]} | {name: part.swapaxes(0, 1) for name, part in states.items()}
        else:
            arrays = {"Y": y[:, :, compared].transpose(1, 2, 0, 3), **states}
        return {name: arrays[name].astype(np.float32) for name in self.expected}

    def accepts(self, outputs: Outputs) -> bool:
        """Return whether ONNX's test runner accepts outputs."""
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
        """Return the cell with the equations of ONNX's default GRU."""
        return with_equations(super().cell(case), gru_reset_before)


class Peepholes(Network):
    """ONNX's LSTM with P: i and f read the previous cell, o the new cell, each through its own weights."""

    def __init__(self, p: Array) -> None:
        self.p = dict(zip(("p_i", "p_o", "p_f"), np.split(p, 3), strict=True))

    def cell(self, case: Case) -> Cell:
        """Return the cell with the equations of the dialect ``lstm_peephole``."""
        return with_equations(super().cell(case), lstm_peephole, *self.p)

    def weights(self, case: Case, suffix: str) -> Weights:
        """Return the weights, with P."""
        return {**super().weights(case, suffix), **self.p}


@dataclass(frozen=True)
class Survivors:
    """Deviations of a cell that pass all of ONNX's tests, all goldens of the corpus, or all of its core set."""

    deviations: Sequence[Deviation]
    onnx: frozenset[str]
    corpus: frozenset[str]
    core: frozenset[str]


def measured() -> Measured:
    """Return the section, and the tests that the correct network fails: these are interpreted wrongly."""
    tests, skipped = onnx_tests()
    if wrong := [test.name for test in tests if not test.accepts(test.dialect.run(test.case))]:
        return Measured("", [f"the correct network fails {name}: it is interpreted wrongly" for name in wrong])
    tests = [in_our_dialect(test) for test in tests]
    return Measured(report(tests, skipped, survivors(tests)))


def onnx_tests() -> tuple[list[OnnxTest], dict[str, str]]:
    """Return ONNX's tests of recurrent operators, and the reasons why some are left out."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # load_model_tests creates the tests of every operator, and some overflow
        available = [test for test in load_model_tests(kind="node") if NAMES.match(test.name)]
    tests, skipped = [], {}
    for test in available:
        try:
            tests.append(_read(test))
        except NotInDefinition as reason:
            skipped[test.name] = str(reason)
    return tests, skipped


def in_our_dialect(test: OnnxTest) -> OnnxTest:
    """Return the test, with the expected values of the definition if the dialects differ."""
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
    arrays = dict(zip([n for n, used in zip(INPUTS, node.input, strict=False) if used], inputs, strict=True))
    expected = dict(zip([n for n, used in zip(OUTPUTS, node.output, strict=False) if used], outputs, strict=True))
    direction = attributes.pop("direction", b"forward").decode()
    batch_first, hidden = bool(attributes.pop("layout", 0)), attributes.pop("hidden_size")
    dialect = Network()
    if node.op_type == "GRU" and not attributes.pop("linear_before_reset", 0):
        dialect = ResetBefore()
    if "P" in arrays:
        if direction != "forward":
            raise NotInDefinition("peepholes in other directions than forward")
        dialect = Peepholes(arrays.pop("P")[0].astype(np.float64))
    if attributes:
        raise NotInDefinition(f"has {', '.join(attributes)}")
    arrays = {name: array if name == "sequence_lens" else array.astype(np.float64) for name, array in arrays.items()}
    if batch_first:
        for name in ("initial_h", "initial_c"):
            arrays |= {name: arrays[name].swapaxes(0, 1)} if name in arrays else {}
    else:
        arrays["X"] = arrays["X"].swapaxes(0, 1)
    if alone := direction == "reverse":
        both_ways = ("W", "R", "B", "initial_h", "initial_c")
        arrays |= {name: np.concatenate([arrays[name]] * 2) for name in both_ways if name in arrays}
    config = Config(arrays["X"].shape[-1], hidden, bidirectional=direction != "forward", bias="B" in arrays)
    return OnnxTest(
        test.name,
        _case(OPERATORS[node.op_type], arrays, config),
        _features(arrays, direction),
        alone,
        batch_first,
        expected,
        test.rtol,
        test.atol,
        dialect,
    )


def _case(cell: str, arrays: Mapping[str, Array], config: Config) -> Case:
    weights = {f"l0/{name}": arrays[name] for name in ("W", "R", "B") if name in arrays}
    zeros = np.zeros((config.num_directions, len(arrays["X"]), config.hidden_size))
    state = tuple(arrays.get(f"initial_{name}", zeros) for name in LAYOUTS[cell].states)
    lengths = arrays["sequence_lens"].astype(np.int64) if "sequence_lens" in arrays else None
    torch_weights = convention("onnx").to_torch(cell, config, weights)
    return Case(BUILT_IN_CELLS[cell], config, torch_weights, arrays["X"], state, lengths, "initial_h" in arrays)


def _features(arrays: Mapping[str, Array], direction: str) -> frozenset[str]:
    has = {"bias": "B" in arrays, "state": "initial_h" in arrays, "lengths": "sequence_lens" in arrays}
    return frozenset(name for name, there in {**has, "bidirectional": direction != "forward"}.items() if there)


def survivors(tests: Sequence[OnnxTest]) -> dict[str, Survivors]:
    """Return, by cell, the deviations that pass all of ONNX's tests, all goldens, or all goldens of the core set."""
    corpus = open_corpus()
    ids = [entry.id for entry in corpus.select() if "float32" in entry.precisions]
    with ProcessPoolExecutor(PROCESSES) as pool:
        detected = dict(zip(ids, pool.map(detected_by_golden, ids, chunksize=8), strict=True))
    by_cell = {}
    for cell in CELLS:
        deviations = [d for d in DEVIATIONS if cell in d.cells and d.name not in NO_ERROR]
        names = frozenset(d.name for d in deviations)
        of_cell = [entry for entry in corpus.entries if entry.cell == cell and entry.id in detected]
        by_onnx = {d.name for test in tests if test.case.cell.name == cell for d in deviations if detects(test, d)}
        by_corpus = set[str]().union(*(detected[entry.id] for entry in of_cell))
        by_core = set[str]().union(*(detected[entry.id] for entry in of_cell if "core" in entry.features))
        by_cell[cell] = Survivors(deviations, names - by_onnx, names - by_corpus, names - by_core)
    return by_cell


def detects(test: OnnxTest, deviation: Deviation) -> bool:
    """Return whether a test rejects a deviation. A deviation has no effect without the features that it needs."""
    return set(deviation.needs) <= test.features and not test.accepts(deviation.run(test.case))


def detected_by_golden(golden_id: str) -> set[str]:
    """Return the deviations that a golden detects in float32, by the criterion of the coverage gate."""
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


def report(tests: Sequence[OnnxTest], skipped: Mapping[str, str], by_cell: Mapping[str, Survivors]) -> str:
    """Return the section of the page."""
    corpus = open_corpus()
    used = {cell: sum(test.case.cell.name == cell for test in tests) for cell in CELLS}
    goldens = sum("float32" in entry.precisions for entry in corpus.select())
    core = sum("core" in entry.features for entry in corpus.select())
    rtol, atol = max(test.rtol for test in tests), max(test.atol for test in tests)
    return "\n".join(
        [
            "## ONNX's backend tests and this corpus\n\n"
            "Every known bug was checked with ONNX's own backend tests of LSTM, GRU and RNN (`onnx.backend.test`, node "
            "tests) and with this corpus, in float32: each test suite misses the bugs that pass all its tests.\n",
            page.table(
                ("compared", "goldens", "in its core set", "ONNX's tests"),
                [(f"corpus {corpus.version}", goldens, core, len(tests))],
            ),
            f"ONNX's tests allow rtol {rtol:g}, atol {atol:g} and are compared by ONNX's own test runner. "
            "A bug survives ONNX if it passes every test of its cell, and the corpus if its error is less "
            f"than {ENOUGH:g} times the tolerance on every golden. The correct network passes all of ONNX's tests "
            "used here.\n",
            "Bugs that affect a single layer with batched input, as in ONNX's operators:\n",
            _table(by_cell, used, within=True),
            "All bugs:\n",
            _table(by_cell, used, within=False),
            "How ONNX's tests are used:\n\n"
            "- Only the layout is changed; only outputs that a test checks are compared.\n"
            "- A reverse layer is represented by a bidirectional layer, whose directions both have its weights.\n"
            "- If a test needs another dialect, its expected values are reproduced in that dialect, then replaced by "
            "those of our definition for the same inputs; inputs and tolerance remain ONNX's. These tests are:\n"
            + "".join(f"    - `{test.name}`: {test.differs}\n" for test in tests if test.differs)
            + "".join(f"- `{name}` is left out: {reason}.\n" for name, reason in skipped.items())
            + "- ONNX has no test of a relu RNN, so every bug passes; it is left out of the totals.\n",
            "Bugs that survive the corpus: "
            + ("; ".join(_names(cell, of) for cell, of in by_cell.items() if of.corpus or of.core) or "none")
            + ".\n",
        ]
    )


def _table(by_cell: Mapping[str, Survivors], used: Mapping[str, int], *, within: bool) -> str:
    rows = [list(_row(of, within=within)) for of in by_cell.values()]
    totals = [sum(n) for n in zip(*(row for cell, row in zip(by_cell, rows, strict=True) if used[cell]), strict=True)]
    lines = [(cell, used[cell], *row) for cell, row in zip(by_cell, rows, strict=True)]
    header = ("cell", "ONNX's tests", "bugs", "survive ONNX", "survive the corpus", "survive its core set")
    return page.table(header, [*lines, ("together, where ONNX has tests", sum(used.values()), *totals)])


def _row(of: Survivors, *, within: bool) -> Iterator[int]:
    names = {d.name for d in of.deviations if not within or not BEYOND_ONNX & set(d.needs)}
    yield len(names)
    yield from (len(names & survived) for survived in (of.onnx, of.corpus, of.core))


def _names(cell: str, of: Survivors) -> str:
    survived = of.corpus | of.core
    return f"{cell}: " + ", ".join(f"`{d.name}`" for d in of.deviations if d.name in survived)
