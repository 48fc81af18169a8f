"""``list``, ``show``, ``validate`` and ``diff``: the content of a corpus, and of files."""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rnn_goldens.command_line.options import Selection, complete, ids_argument, options, with_selection
from rnn_goldens.command_line.terminal import echo, echo_json, echo_lines, wrapped
from rnn_goldens.control_characters import visible
from rnn_goldens.errors import FINDING
from rnn_goldens.plurals import counted

if TYPE_CHECKING:
    from rnn_goldens.checkable_golden import Golden
    from rnn_goldens.corpus import Corpora, Entry
    from rnn_goldens.golden.expected import Gradients

_ONE_LINE = 1000
"""Width for pipes: one line per golden."""

_MANY = 2000
"""The largest number of rows that rich lays out as a table. It takes seconds for more."""

_SHORT = {"float64": "f64", "float32": "f32", "bfloat16": "bf16", "float16": "f16", "int8": "i8", "int16": "i16"}
"""Short names of precisions for a table that must fit a terminal."""

_COLUMNS = ("id", "cell", "features", "dtype", "grad")
_DIALECT_COLUMNS = ("dialect", "of", "option", "meaning")
_RECURRENCE_COLUMNS = ("inputs", "outputs", "meaning")


@click.command("list")
@ids_argument("patterns", metavar="[ID-PATTERN]...")
@with_selection
@options("gradients", "json", gradients="Only goldens that have gradients.")
@click.option("--dialects", is_flag=True, help="List dialects, recurrences and integer LSTMs instead of goldens.")
def list_(*, patterns: tuple[str, ...], selection: Selection, gradients: bool, as_json: bool, dialects: bool) -> None:
    """List goldens, from simple to hard. Goldens of a dialect are listed only if --cell names the dialect."""
    if dialects:
        if patterns or selection.given or selection.corpus or gradients:
            raise click.UsageError(
                "--dialects lists every dialect, recurrence and integer LSTM: leave out what selects goldens"
            )
        _print_dialects(as_json=as_json)
        return
    from rnn_goldens.corpus import open_corpora

    opened, wanted = open_corpora(selection.corpus), {*selection.precisions}
    entries = selection.entries(opened, *patterns, gradients=gradients)
    if wanted:
        entries = [entry for entry in entries if entry.checked_in(wanted, gradients=gradients)]
    if as_json:
        echo_json(_as_builtins(opened, entries))
    else:
        _print_table(opened, entries)


def _print_dialects(*, as_json: bool) -> None:
    from rnn_goldens.golden.built_in_cells import DIALECTS
    from rnn_goldens.golden.recurrences import INTEGER_LSTMS, RECURRENCES

    by_name = (("recurrence", "recurrence", RECURRENCES), ("integer_lstm", "integer LSTM", INTEGER_LSTMS))
    if as_json:
        dialects = [
            {"dialect": name, "of": d.base, "options": dict(d.options), "meaning": d.meaning}
            for name, d in DIALECTS.items()
        ]
        kinds = ("inputs", "weights", "states", "outputs")
        recurrences = [
            {key: name, **{k: dict(getattr(r, k)) for k in kinds}, "meaning": r.meaning}
            for key, _, cells in by_name
            for name, r in cells.items()
        ]
        echo_json([*dialects, *recurrences])
        return
    _print_wrapped([[name, d.base, d.option, d.meaning] for name, d in DIALECTS.items()], _DIALECT_COLUMNS)
    echo(f"{counted(len(DIALECTS), 'dialect')}; select one by its name or its option: --cell=gru_reset_before")
    for _, one, cells in by_name:
        echo("")
        rows = [[name, ", ".join(r.inputs), ", ".join(r.outputs), r.meaning] for name, r in cells.items()]
        _print_wrapped(rows, (one, *_RECURRENCE_COLUMNS))
        echo(f"{counted(len(cells), one)}; select one by its name: --cell={next(iter(cells))}")


def _as_builtins(opened: "Corpora", entries: "Sequence[Entry]") -> list[dict[str, Any]]:
    """Return index entries as JSON has them, with the corpus and the paths of the files."""
    from msgspec import UNSET, to_builtins

    found: list[dict[str, Any]] = []
    for entry in entries:
        part = opened.of(entry.id)
        files = {kind: str(part.folder / file.path) for kind, file in entry.files.items()}
        identity = {"corpus": part.name, "version": part.version}
        listed = {**to_builtins(entry), **identity, "files": files}
        if entry.gradients is not UNSET:
            of_gradients = {kind: str(part.folder / file.path) for kind, file in entry.gradients.files.items()}
            listed["gradients"] |= {"files": of_gradients}
        found.append(listed)
    return found


def _print_table(opened: "Corpora", entries: "Sequence[Entry]") -> None:
    from rnn_goldens.golden.precision import PRECISIONS

    rows, with_gradients = [], any(entry.gradient_precisions for entry in entries)
    for entry in entries:
        names = [_SHORT[name] for name in entry.precisions] if sys.stdout.isatty() else entry.precisions
        precisions = "all" if set(entry.precisions) == set(PRECISIONS) else " ".join(names)
        mark = ["yes" if entry.gradient_precisions else ""] if with_gradients else []
        rows.append([visible(text) for text in (entry.id, entry.cell, " ".join(entry.features), precisions, *mark)])
    if len(rows) > _MANY:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            echo("   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    elif rows:
        _print_wrapped(rows)
    echo(f"{len(entries)} of {counted(len(opened.entries), 'golden')}, corpus {opened.label}")


def _print_wrapped(rows: list[list[str]], columns: Sequence[str] = _COLUMNS) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    console = Console(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else _ONE_LINE)
    fits = console.width >= max(len(row[0]) for row in rows) + 38  # the least width of the other columns
    widest = max(len(word) for row in rows for word in row[2].split() or [""])
    for name in columns[: len(rows[0])]:
        heading = "gradients" if name == "grad" and console.width >= _ONE_LINE else name
        least = {"features": widest, "grad": len("grad")}.get(heading) if fits else None
        table.add_column(heading, no_wrap=fits and name == columns[0], overflow="fold", min_width=least)
    for row in rows:
        table.add_row(*row)
    console.print(table)


@click.command()
@click.argument("golden_id", metavar="ID", shell_complete=partial(complete, "ids"))
@options("corpus", "json")
def show(golden_id: str, corpus: str | None, as_json: bool) -> None:
    """Show a golden: purpose, configuration, arrays, provenance."""
    import numpy as np

    from rnn_goldens import encoding
    from rnn_goldens.corpus import open_corpora
    from rnn_goldens.encoding.tree import inputs_tree

    opened = open_corpora(corpus)
    folder = opened.of(golden_id).folder
    entry = opened.entry(golden_id)
    golden = opened.load(golden_id)
    if entry.gradient_precisions:
        golden = opened.load(golden_id, entry.gradient_precisions[0], gradients=True)
    if as_json:
        echo_json(encoding.encode(golden)[".json"].decode("utf-8"))
        return
    for name, text in _facts(golden):
        echo(text, name=f"{name:<14}")
    for file in entry.all_files:
        echo(str(folder / file.path), name=f"{file.path.rpartition('.')[2]:<14}")
    groups = {
        "weights": golden.weights if golden.is_integer else golden.stored.weights,
        "inputs": inputs_tree(golden)["inputs"],
        "expected": golden.expected if golden.is_integer else golden.expected_of().values,
    }
    if golden.stored_states is not None:
        groups["expected states"] = golden.stored_states.values
    if golden.gradients is not None:
        groups |= {"cotangents": golden.gradients.cotangents, "gradients": golden.gradients.expected}
    for group, arrays in groups.items():
        echo("", name=f"\n{group}")
        for name, array in arrays.items():
            with np.printoptions(precision=17, floatmode="unique", linewidth=100, threshold=200):
                echo(f"  {name} {array.shape}\n{textwrap.indent(str(array), '    ')}")


def _facts(golden: "Golden") -> Iterator[tuple[str, str]]:
    yield "id", golden.id
    yield "title", golden.title
    yield "purpose", golden.purpose
    yield "documented in", golden.documented_in
    yield "cell", golden.cell
    parameters = [f"{name}={value}" for name, value in golden.config.items()]
    lines = "\n".join(wrapped(text, " " * 14) for text in parameters).lstrip()
    yield "config", lines if golden.is_integer else ", ".join(parameters)
    yield "features", ", ".join(golden.features) or "none"
    zeros = "none (h at its zero point, c zero)" if golden.is_integer else "none (zeros)"
    yield "initial state", "given" if golden.given_states else zeros
    yield "tolerance", _tolerance(golden)
    yield "precisions", ", ".join(golden.precisions)
    yield "provenance", ", ".join(f"{name} {value}" for name, value in golden.provenance.items() if name != "answer")
    yield "answer from", golden.provenance.get("answer", "not stated")
    if golden.gradients is not None:
        yield "gradients", f"{golden.gradients.purpose} In {', '.join(golden.gradients.precisions)}"
        yield "  tolerance", _tolerance_of_gradients(golden.gradients)


def _tolerance_of_gradients(gradients: "Gradients") -> str:
    from rnn_goldens.golden.precision import PRECISIONS
    from rnn_goldens.golden.tolerance import Exact

    if isinstance(gradients.tolerance, Exact):
        return f"exact: every partial sum fits {gradients.tolerance.bits} significant bits, in any order"
    listed = []
    for name in gradients.precisions:
        allowed = gradients.tolerance.allowed
        largest = max(float(allowed(n, a, PRECISIONS[name]).max()) for n, a in gradients.expected.items())
        listed.append(f"{largest:.2g} in {name}")
    return f"a bound on the rounding errors of any correct backward pass; at most {', '.join(listed)}"


def _tolerance(golden: "Golden") -> str:
    from rnn_goldens.golden.precision import PRECISIONS
    from rnn_goldens.golden.tolerance import Equal, Exact

    if isinstance(golden.tolerance, Equal):
        return golden.tolerance.in_words
    if isinstance(golden.tolerance, Exact):
        return f"zero: every partial sum fits {golden.tolerance.bits} significant bits, in any order"
    name, values = next(iter(golden.stored.expected.items()))
    allowed = {p: golden.tolerance.allowed(name, values, PRECISIONS[p]) for p in golden.precisions}
    listed = ", ".join(f"{array.min():.2g} to {array.max():.2g} in {p}" for p, array in allowed.items())
    return f"a bound on the rounding errors of any correct implementation; for {name} {listed}"


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--only", multiple=True, metavar="PATTERN", help="Of two corpora, compare only goldens whose id matches.")
@options("corpus", corpus="The corpus in which ids are looked up.")
def diff(a: str, b: str, only: tuple[str, ...], corpus: str | None) -> None:
    """Compare the content of two goldens or two corpora.

    A and B are golden files or ids, or corpus folders or versions. Provenance is not content: it may differ.
    """
    from rnn_goldens.corpus import differences as differ
    from rnn_goldens.corpus import open_corpus, packaged

    versions = packaged()
    left_out: list[str] = []
    if all(what in versions or Path(what).is_dir() for what in (a, b)):
        corpora = open_corpus(a), open_corpus(b)
        found = list(differ.corpus_differences(*corpora, only=only))
        left_out = differ.not_compared(*corpora, only=only)
    else:
        opened = open_corpus(corpus)
        found = differ.golden_differences(differ.load_any(a, opened), differ.load_any(b, opened))
    echo_lines([*found, *left_out])
    echo(f"{counted(len(found), 'difference')} between {a} and {b}" if found else f"{a} and {b} are equal in content")
    sys.exit(FINDING if found else 0)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="PATH...")
def validate(paths: tuple[Path, ...]) -> None:
    """Validate golden files, index files, or folders of them."""
    from rnn_goldens.corpus import INDEX
    from rnn_goldens.corpus.validation import files_in, findings, left_out_by, listed_by
    from rnn_goldens.encoding.files import LIST

    files = {file: path if path.is_dir() else None for path in paths for file in files_in(path)}
    if not files:
        raise click.UsageError(f"no .h5 or .json file in {', '.join(map(str, paths))}")
    failed = 0
    fine: set[Path] = set()
    unchecked: list[str] = []
    for file, below in sorted(files.items(), key=lambda found: found[0].name != INDEX):
        found = [] if file in fine else findings(file, below)
        fine |= listed_by(file) if file.name == INDEX and not found else set()
        failed += bool(found)
        if file.name == INDEX and (missing := left_out_by(file)):
            files_missing = counted(len(missing), "HDF5 file")
            unchecked.append(f"not checked: {files_missing} that the wheel does not carry: {file.parent / LIST}")
        echo_lines(found)
    echo(f"{counted(len(files), 'file')}: {len(files) - failed} valid, {failed} invalid")
    echo_lines(unchecked)
    sys.exit(FINDING if failed else 0)
