"""``export``: writes goldens in other formats."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_goldens.command_line.options import by_reason, in_larger_sizes, options, where_supported
from rnn_goldens.command_line.terminal import echo, wrapped
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.export import FORMATS, HDF5, WITH_LAYOUT
from rnn_goldens.plurals import counted

if TYPE_CHECKING:
    from rnn_goldens.corpus import Corpora
    from rnn_goldens.export.exported_golden import Exported

_INDENT = 11


@click.command(short_help="Write goldens in another format.")
@click.argument("patterns", nargs=-1, metavar="ID-PATTERN...")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--to", required=True, type=click.Choice(FORMATS), help="The format.")
@click.option(
    "--dtype",
    metavar="PRECISION",
    help="The precision of the numbers (default: the widest of each golden; for onnx the widest up to float32).",
)
@click.option("--like", default="", metavar="LIBRARY", help="For npz, safetensors: the layout of a library's kernels.")
@click.option("--replace", is_flag=True, help="Replace existing files and folders, each as a whole.")
@options("corpus", "embed")
def export(
    patterns: tuple[str, ...],
    folder: Path,
    to: str,
    dtype: str | None,
    like: str,
    replace: bool,
    corpus: str | None,
    embed: tuple[str, ...],
) -> None:
    """Write goldens into FOLDER in another format; on an error nothing is written.

    onnx: a folder per golden with model.onnx and test_data_set_0/, as ONNX test runners read them. npz, safetensors:
    a file per golden with weights, inputs, expected values and tolerances by name. hdf5: the .h5 files of the corpus,
    for all precisions. c: a C99 header per golden, and rnn_goldens.h, which compares outputs with them. sonnx: cases
    with explicit inputs, and a page on the accuracy of each operator. webnn: a file per operator with all goldens of
    this export, as in the web-platform-tests.

    A golden that the format cannot represent, or that does not list the precision, is refused; the others are written.
    """
    from rnn_goldens.corpus import open_corpora
    from rnn_goldens.export.exported_golden import files, require, write
    from rnn_goldens.golden.embedding import larger_sizes, require_known
    from rnn_goldens.golden.precision import precision_name

    opened = open_corpora(corpus)
    if not patterns or opened.holds(str(folder)):
        raise click.UsageError("the folder to write is missing: rnn-goldens export lstm/plain --to onnx FOLDER")
    if to == HDF5 and (dtype or embed):
        raise click.UsageError("--to hdf5 writes the files of the corpus: leave out --dtype and --embed")
    if like and to not in WITH_LAYOUT:
        raise click.UsageError(f"--like needs --to {' or '.join(WITH_LAYOUT)}")
    sizes = larger_sizes(embed)
    require(to)
    entries = opened.select(ids=patterns)
    require_known({entry.cell for entry in entries}, sizes)
    encoded, refused = _encode(
        opened, [entry.id for entry in entries], to, dtype and precision_name(dtype), sizes, like
    )
    exported = files(to, encoded)
    statuses = write(folder, exported.all, replace=replace)
    for one, what in zip(exported.all, statuses, strict=True):
        echo(f"{what:<11}{one.golden_id}")
    for who, why in by_reason(refused):
        text = f"{'refused':<{_INDENT}}{who}: {why}"
        echo(text if who in refused else wrapped(text, hanging=" " * _INDENT))
    goldens = len(exported.of_goldens)
    ones, unit = (statuses[:goldens], "") if goldens else (statuses, "files ")
    unchanged = ones.count("unchanged")
    counts = f"{len(ones) - unchanged} {unit}written, {unchanged} unchanged"
    echo(f"{counted(len(entries), 'golden')} to {folder}: {counts}{f', {len(refused)} refused' if refused else ''}")


def _encode(
    corpora: "Corpora",
    golden_ids: Sequence[str],
    to: str,
    dtype: str | None,
    sizes: Sequence[tuple[str, int]],
    like: str,
) -> "tuple[list[Exported], dict[str, str]]":
    """Return the encoded goldens, and the reasons for refused ones. Raises WrongUse if all are refused."""
    from rnn_goldens.export.exported_golden import encode, usual_precision

    def one(golden_id: str) -> "Exported":
        precisions = corpora.entry(golden_id).precisions
        wanted = dtype or usual_precision(to, precisions)
        if wanted not in precisions:
            raise Unsupported(f"it cannot be checked in {wanted}, only in {', '.join(precisions)}")
        golden = corpora.of(golden_id).load_all(golden_id) if to == HDF5 else corpora.load(golden_id, wanted)
        return encode(in_larger_sizes(golden, sizes), to, like)

    encoded, refused = where_supported(golden_ids, one)
    if not encoded:
        raise WrongUse("\n".join(f"{who} cannot be exported to {to}: {why}" for who, why in by_reason(refused)))
    return encoded, refused
