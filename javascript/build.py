"""Writes the data of the npm package from the corpus: an index, and a JavaScript module for each folder of goldens.

A module is loaded when a golden of its folder is loaded, with ``import()``, in Node and in browsers.
"""

import json
import re
import shutil
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.corpus import Corpus, Entry, open_corpus
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS
from rnn_goldens.golden.features import FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.recurrences import BUILT_IN, RECURRENCES
from rnn_goldens.golden.tolerance import Contracts, Exact, Tolerance

PACKAGE = Path(__file__).parent
DATA = PACKAGE / "data"


def main() -> None:
    """Write the data, the version, which is the corpus' version, and the license."""
    corpus = open_corpus()
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir()
    folders = list(dict.fromkeys(folder_of(entry) for entry in corpus.entries))
    (DATA / "index.js").write_text(index_module(corpus, folders), encoding="utf-8")
    for folder, entries in groupby(sorted(corpus.entries, key=folder_of), folder_of):
        goldens = {entry.id: golden_data(corpus.load(entry.id, "float64")) for entry in entries}
        (DATA / f"{folder}.js").write_text(f"export default {compact(goldens)};\n", encoding="utf-8")
    shutil.copyfile(PACKAGE.parent / "LICENSE", PACKAGE / "LICENSE")
    for name in ("package.json", "package-lock.json"):
        set_version(PACKAGE / name, corpus.version)


def folder_of(entry: Entry) -> str:
    """Return the folder of a golden, the first part of its id."""
    return entry.id.partition("/")[0]


def index_module(corpus: Corpus, folders: list[str]) -> str:
    """Return the module with the version, the entries, the names that a selection knows, and a loader by folder."""
    names = ("id", "cell", "features", "precisions", "title", "purpose")
    entries = [{name: getattr(entry, name) for name in names} for entry in corpus.entries]
    loaders = "".join(f'  "{folder}": () => import("./{folder}.js"),\n' for folder in folders)
    return (
        f"export const version = {compact(corpus.version)};\n"
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
    for name, about in RECURRENCES.items():
        of = BUILT_IN[name]
        axes = {**about.outputs, **{f"{state}_n": about.states[state] for state in of.compared}}
        found[name] = {
            "kind": "recurrence",
            "outputs": of.outputs,
            "notCompared": [f"{state}_n" for state in of.states if state not in of.compared],
            "axes": {output: names.split() for output, names in axes.items()},
        }
    return found


def golden_data(golden: Golden) -> dict[str, Any]:
    """Return a golden without what the index has. Numbers are float64, as stored."""
    stored = golden.stored
    return {
        "documentedIn": golden.documented_in,
        "config": dict(golden.config),
        "inputs": arrays(stored.inputs),
        "stateShapes": golden.shapes.initial,
        "states": arrays(stored.states) if stored.states else None,
        "lengths": None if golden.lengths is None else array(golden.lengths),
        "offsets": None if golden.offsets is None else array(golden.offsets),
        "weights": arrays(stored.weights),
        "expected": arrays(stored.expected),
        "tolerance": tolerance_data(golden.tolerance),
    }


def tolerance_data(tolerance: Tolerance) -> dict[str, Any]:
    """Return the coefficients of a tolerance under the default profile, by name of the output."""
    if isinstance(tolerance, Exact):
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
