"""Writes the data of the npm package from the corpus: an index, and a JavaScript module for each folder of goldens.

A module is loaded when a golden of its folder is loaded, with ``import()``, in Node and in browsers.
"""

import argparse
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.command_line.export import by_reason, in_larger_sizes, where_supported
from rnn_goldens.corpus import Entry, open_corpus
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS
from rnn_goldens.golden.embedding import larger_sizes, require_known
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import BUILT_IN, INTEGER_LSTMS, RECURRENCES
from rnn_goldens.golden.stored_arrays import GoldenArrays
from rnn_goldens.golden.tolerance import Contracts, Equal, Exact, Tolerance

PACKAGE = Path(__file__).parent
DATA = PACKAGE / "data"


def main() -> None:
    """Write the data, the version, which is the corpus' version, and the license."""
    parser = argparse.ArgumentParser(description="Writes the data of the npm package.")
    parser.add_argument(
        "--embed", default="", help="larger sizes, such as d_k=128,heads=4; what does not fit is left out"
    )
    parser.add_argument("--data", type=Path, default=DATA, help="the folder to write (default: %(default)s)")
    given = parser.parse_args()
    corpus, sizes = open_corpus(), larger_sizes(filter(None, given.embed.split(",")))
    require_known(BUILT_IN, sizes)
    done, refused = where_supported(
        corpus.entries,
        lambda entry: (entry, compact(golden_data(in_larger_sizes(corpus.load(entry.id, "float64"), sizes)))),
        lambda entry: entry.id,
    )
    for who, why in by_reason(refused):
        print(f"left out: {who}: {why}")
    write(given.data, corpus.version, done)
    shutil.copyfile(PACKAGE.parent / "LICENSE", PACKAGE / "LICENSE")
    for name in ("package.json", "package-lock.json"):
        set_version(PACKAGE / name, corpus.version)


def write(data: Path, version: str, goldens: Sequence[tuple[Entry, str]]) -> None:
    """Write the modules of some goldens, given as JSON."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    (data / "index.js").write_text(index_module(version, [entry for entry, _ in goldens]), encoding="utf-8")
    for folder, members in groupby(sorted(goldens, key=lambda one: folder_of(one[0])), lambda one: folder_of(one[0])):
        texts = ",".join(f"{compact(entry.id)}:{text}" for entry, text in members)
        (data / f"{folder}.js").write_text(f"export default {{{texts}}};\n", encoding="utf-8")


def folder_of(entry: Entry) -> str:
    """Return the folder of a golden, the first part of its id."""
    return entry.id.partition("/")[0]


def index_module(version: str, listed: Sequence[Entry]) -> str:
    """Return the module with the version, the entries, the names that a selection knows, and a loader by folder."""
    names = ("id", "cell", "features", "precisions", "title", "purpose")
    entries = [{name: getattr(entry, name) for name in names} for entry in listed]
    folders = dict.fromkeys(map(folder_of, listed))
    loaders = "".join(f'  "{folder}": () => import("./{folder}.js"),\n' for folder in folders)
    return (
        f"export const version = {compact(version)};\n"
        f"export const cells = {compact(cells())};\n"
        f"export const features = {compact(FEATURES)};\n"
        f"export const precisions = {compact(list(PRECISIONS))};\n"
        f"export const entries = {compact(entries)};\n"
        f"export const folders = {{\n{loaders}}};\n"
    )


def cells() -> dict[str, dict[str, Any]]:
    """Return what a selection and a comparison need to know about each cell."""
    found: dict[str, dict[str, Any]] = {}
    for name, layout in LAYOUTS.items():
        dialect = DIALECTS.get(name)
        found[name] = {"kind": "dialect" if dialect else "cell", "outputs": layout.outputs, "notCompared": []}
        if dialect:
            found[name] |= {"options": dialect.options, "selectedBy": dialect.option.split(", ")}
    for name, about in {**RECURRENCES, **INTEGER_LSTMS}.items():
        of = BUILT_IN[name]
        axes = {**about.outputs, **{f"{state}_n": about.states[state] for state in of.compared}}
        found[name] = {
            "kind": "integer" if name in INTEGER_LSTMS else "recurrence",
            "outputs": of.outputs,
            "notCompared": [f"{state}_n" for state in of.states if state not in of.compared],
            "axes": {output: names.split() for output, names in axes.items()},
            "axesWith": {
                size: {output: names.split() for output, names in changed.items() if output in axes}
                for size, changed in about.optional.items()
            },
        }
    return found


def golden_data(golden: Golden) -> dict[str, Any]:
    """Return a golden without what the index has. Numbers are float64, as stored."""
    stored, embedding = _in_types(golden), golden.embedding
    return {
        "documentedIn": golden.documented_in,
        **({} if embedding is None else {"embedding": [str(embedding), embedding.in_words]}),
        "config": dict(golden.config),
        "inputs": arrays(stored.inputs),
        "stateShapes": golden.shapes.initial,
        "states": arrays(stored.states) if stored.states else None,
        "lengths": None if golden.lengths is None else array(golden.lengths),
        "offsets": None if golden.offsets is None else array(golden.offsets),
        "weights": arrays(stored.weights),
        "expected": arrays(stored.expected),
        "tolerance": tolerance_data(golden.tolerance),
        **(of_integers(golden) if golden.is_integer else {}),
    }


def _in_types(golden: Golden) -> GoldenArrays:
    """Return the arrays as stored; those of an integer golden as integers, which have shorter texts."""
    if not golden.is_integer:
        return golden.stored
    return GoldenArrays(
        weights=golden.weights, inputs=golden.inputs, states=golden.given_states, expected=golden.expected
    )


def of_integers(golden: Golden) -> dict[str, Any]:
    """Return the types of the arrays of an integer golden, and what initial states hold if none is given."""
    names = (*golden.inputs, *golden.weights, *golden.states, *golden.expected)
    zeros = {name: int(golden.config.zero_of(name)) for name in golden.states}
    return {"types": {name: golden.config.type_of(name) for name in names}, "zeros": zeros}


def tolerance_data(tolerance: Tolerance) -> dict[str, Any]:
    """Return the coefficients of a tolerance under the default profile, by name of the output."""
    if isinstance(tolerance, Exact | Equal):
        return {"kind": tolerance.kind}
    of = tolerance.declared if isinstance(tolerance, Contracts) else tolerance
    kinds = {kind: getattr(of, kind) for kind in ("accumulation", "state", "storage") if hasattr(of, kind)}
    data = {
        kind: {name: np.asarray(of_output).ravel().tolist() for name, of_output in by_output.items()}
        for kind, by_output in kinds.items()
    }
    return {"kind": tolerance.kind, **data}


def arrays(by_name: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, Any]]:
    """Return arrays as shape and flat data, by name."""
    return {name: array(values) for name, values in by_name.items()}


def array(values: NDArray[Any]) -> dict[str, Any]:
    """Return an array as shape and flat data in C order."""
    return {"shape": values.shape, "data": values.ravel().tolist()}


def compact(value: object) -> str:
    """Return a value as JSON, which is also an expression of JavaScript; floats as their shortest decimals."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def set_version(path: Path, version: str) -> None:
    """Replace the version of this package in ``package.json`` or ``package-lock.json``, where it follows the name."""
    text = path.read_text(encoding="utf-8")
    new = re.sub(r'("name": "rnn-goldens",\s*"version": )"[^"]*"', rf'\g<1>"{version}"', text)
    if new != text:
        path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
