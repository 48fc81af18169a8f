"""``export``: goldens in the formats that others read."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_goldens.command_line.saying import say
from rnn_goldens.command_line.selecting import corpus_option
from rnn_goldens.counted import counted
from rnn_goldens.export import FORMATS

if TYPE_CHECKING:
    from rnn_goldens.corpus import Corpora
    from rnn_goldens.export.exported import Exported


@click.command()
@click.argument("patterns", nargs=-1, metavar="ID-PATTERN...")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--to", required=True, type=click.Choice(FORMATS), help="The format.")
@click.option(
    "--dtype",
    metavar="PRECISION",
    help="The precision of the numbers (default: the widest of each golden; for onnx the widest up to float32).",
)
@click.option("--replace", is_flag=True, help="Let what is there under a golden's name be replaced.")
@corpus_option
def export(
    patterns: tuple[str, ...], folder: Path, to: str, dtype: str | None, replace: bool, corpus: str | None
) -> None:
    """Write goldens into FOLDER as others read them, all or none.

    onnx: a folder a golden, model.onnx and test_data_set_0/, as test runners of ONNX read them. npz, safetensors: a
    file a golden, weights, inputs, what is expected and its tolerance by name. c: a header a golden, for C99.

    A golden that the format can not hold, or that is not asked in the precision, is refused, and the others are
    written.
    """
    from rnn_goldens.corpus import open_corpora
    from rnn_goldens.export.formats import require
    from rnn_goldens.export.writing import write
    from rnn_goldens.golden.precision import precision_name

    opened = open_corpora(corpus)
    if not patterns or opened.holds(str(folder)):
        raise click.UsageError(
            "after the ids comes the folder to write: rnn-goldens export lstm/plain --to onnx FOLDER"
        )
    require(to)
    entries = opened.select(ids=patterns)
    goldens, refused = _encode(opened, [entry.id for entry in entries], to, dtype and precision_name(dtype))
    became = write(folder, goldens, replace=replace)
    for golden, what in zip(goldens, became, strict=True):
        say(f"{what:<11}{golden.golden_id}")
    for golden_id, why in refused.items():
        say(f"{'refused':<11}{golden_id}: {why}")
    unchanged = became.count("unchanged")
    counts = f"{len(became) - unchanged} written, {unchanged} unchanged"
    say(f"{counted(len(entries), 'golden')} to {folder}: {counts}{f', {len(refused)} refused' if refused else ''}")


def _encode(
    corpora: "Corpora", golden_ids: Sequence[str], to: str, dtype: str | None
) -> "tuple[list[Exported], dict[str, str]]":
    """The goldens in the format, and why others are not. Raises WrongUse if none is."""
    from rnn_goldens.errors import Unsupported, WrongUse
    from rnn_goldens.export.formats import encode, usual_precision

    made: list[Exported] = []
    refused: dict[str, str] = {}
    for golden_id in golden_ids:
        precisions = corpora.entry(golden_id).precisions
        try:
            wanted = dtype or usual_precision(to, precisions)
            if wanted not in precisions:
                raise Unsupported(f"it is not asked in {wanted}, but in {', '.join(precisions)}")
            made.append(encode(corpora.load(golden_id, wanted), to))
        except Unsupported as why:
            refused[golden_id] = str(why)
    if not made:
        listed = "\n".join(f"{golden_id} can not be exported to {to}: {why}" for golden_id, why in refused.items())
        raise WrongUse(listed)
    return made, refused
