"""Compares ONNX's backend tests of LSTM, GRU and RNN with this corpus: counts the wrong implementations that pass each.

The wrong implementations are the same deviations for both, in float32.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks import page
from benchmarks.benchmark import Measured
from benchmarks.onnx_tests import accepts, node_tests, parts
from rnn_goldens.cells import BUILT_IN_CELLS, Array, Case, Network
from rnn_goldens.conventions import convention
from rnn_goldens.corpus import open_corpus
from rnn_goldens.corpus.kill_matrix import detections
from rnn_goldens.deviations import DEVIATIONS
from rnn_goldens.deviations.alteration import Outputs
from rnn_goldens.deviations.deviation import Deviation
from rnn_goldens.deviations.margins import ENOUGH
from rnn_goldens.generator.kill_matrix import FORWARD
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS, LAYOUTS, standard_cell
from rnn_goldens.golden.shapes import Config

NAMES = re.compile(r"test_(lstm|gru|rnn|simple_rnn)_")

BEYOND_ONNX = frozenset({"multilayer", "unbatched"})
"""Features that a test of a single ONNX operator cannot have."""

NO_ERROR = frozenset(h.deviation for h in FORWARD.hidden if h.allowed and "float32" in h.precisions)
"""Deviations that a correct float32 implementation may have."""

INPUTS = dict.fromkeys(("LSTM", "GRU", "RNN"), ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"))
OUTPUTS = ("Y", "Y_h", "Y_c")


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
        dialect: the inputs with the equations of the expected values; the case itself, or that of a dialect.
    """

    name: str
    case: Case
    features: frozenset[str]
    reverse_alone: bool
    batch_first: bool
    expected: Mapping[str, Array]
    rtol: float
    atol: float
    dialect: Case

    @property
    def differs(self) -> str:
        """The difference of the dialect from the definition; "" if there is none on these inputs."""
        cell = self.dialect.cell.name
        return DIALECTS[cell].meaning if cell in DIALECTS else ""

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
        try:
            got = self.in_onnx(outputs)
        except (ValueError, IndexError):
            return False
        return accepts(list(self.expected.values()), list(got.values()), self.rtol, self.atol)


@dataclass(frozen=True)
class Survivors:
    """Deviations of a cell that pass all of ONNX's tests, all goldens of the corpus, or all of its core set."""

    deviations: Sequence[Deviation]
    onnx: frozenset[str]
    corpus: frozenset[str]
    core: frozenset[str]


def measured() -> Measured:
    """Return the section, and the tests that the correct network fails: these are interpreted wrongly."""
    tests = onnx_tests()
    if wrong := [test.name for test in tests if not test.accepts(Network().run(test.dialect))]:
        return Measured("", [f"the correct network fails {name}: it is interpreted wrongly" for name in wrong])
    tests = [in_our_dialect(test) for test in tests]
    return Measured(report(tests, survivors(tests)))


def onnx_tests() -> list[OnnxTest]:
    """Return ONNX's tests of recurrent operators."""
    return [_read(test) for test in node_tests() if NAMES.match(test.name)]


def in_our_dialect(test: OnnxTest) -> OnnxTest:
    """Return the test, with the expected values of the definition if the dialects differ."""
    outputs = Network().run(test.case)
    return replace(test, dialect=test.case) if test.accepts(outputs) else replace(test, expected=test.in_onnx(outputs))


def _read(test: Any) -> OnnxTest:  # noqa: ANN401 - an onnx.backend.test.case.TestCase
    node, attributes, arrays, outputs = parts(test, INPUTS)
    expected = dict(zip([n for n, used in zip(OUTPUTS, node.output, strict=False) if used], outputs, strict=True))
    direction = attributes.pop("direction", b"forward").decode()
    batch_first, hidden = bool(attributes.pop("layout", 0)), attributes.pop("hidden_size")
    cell = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn_tanh"}[node.op_type]
    if cell == "gru" and not attributes.pop("linear_before_reset", 0):
        cell = "gru_reset_before"
    if "P" in arrays:
        cell = "lstm_peephole"
    assert not attributes, f"{test.name} has {attributes}"
    arrays = {name: array if name == "sequence_lens" else array.astype(np.float64) for name, array in arrays.items()}
    if batch_first:
        for name in ("initial_h", "initial_c"):
            arrays |= {name: arrays[name].swapaxes(0, 1)} if name in arrays else {}
    else:
        arrays["X"] = arrays["X"].swapaxes(0, 1)
    if alone := direction == "reverse":
        arrays |= {n: np.concatenate([array] * 2) for n, array in arrays.items() if n not in ("X", "sequence_lens")}
    config = Config(arrays["X"].shape[-1], hidden, bidirectional=direction != "forward", bias="B" in arrays)
    case, dialect = (_case(name, arrays, config) for name in (standard_cell(cell), cell))
    features = _features(arrays, direction)
    return OnnxTest(test.name, case, features, alone, batch_first, expected, test.rtol, test.atol, dialect)


def _case(cell: str, arrays: Mapping[str, Array], config: Config) -> Case:
    names = ("W", "R", "B", *(["P"] if LAYOUTS[cell].further else []))
    weights = {f"l0/{name}": arrays[name] for name in names if name in arrays}
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
    by_cell = {}
    margins = {name: found.margins["float32"] for name, found in detections(corpus).items()}
    detected = {name: {golden for golden, m in of.items() if m >= ENOUGH} for name, of in margins.items()}
    for cell in CELLS:
        deviations = [d for d in DEVIATIONS if cell in d.cells and d.name not in NO_ERROR]
        names, of_cell = frozenset(d.name for d in deviations), [test for test in tests if test.case.cell.name == cell]
        by_onnx = {d.name for d in deviations if any(detects(test, d) for test in of_cell)}
        ids = {entry.id: "core" in entry.features for entry in corpus.select(cell=cell)}
        by_corpus = {name for name in names if detected[name] & ids.keys()}
        by_core = {name for name in names if any(ids.get(golden) for golden in detected[name])}
        by_cell[cell] = Survivors(deviations, names - by_onnx, names - by_corpus, names - by_core)
    return by_cell


def detects(test: OnnxTest, deviation: Deviation) -> bool:
    """Return whether a test rejects a deviation. A deviation has no effect without the features that it needs."""
    return set(deviation.needs) <= test.features and not test.accepts(deviation.alteration(test.case))


def report(tests: Sequence[OnnxTest], by_cell: Mapping[str, Survivors]) -> str:
    """Return the section of the page."""
    corpus = open_corpus()
    used = {cell: sum(test.case.cell.name == cell for test in tests) for cell in CELLS}
    goldens = sum("float32" in entry.precisions for entry in corpus.select())
    core = sum("core" in entry.features for entry in corpus.select() if "float32" in entry.precisions)
    rtol, atol = max(test.rtol for test in tests), max(test.atol for test in tests)
    return "\n".join(
        [
            "## ONNX's backend tests and this corpus\n\n"
            f"Every known bug was checked with ONNX's own {len(tests)} backend tests of LSTM, GRU and RNN "
            f"(`onnx.backend.test`, node tests) and with this corpus, in float32: {goldens} goldens, {core} of them "
            "in its core set. Each test suite misses the bugs that pass all its tests.\n",
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
