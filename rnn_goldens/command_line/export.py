"""``export``: writes goldens in other formats; ``protocol``: as messages that a program exchanges."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rnn_goldens.command_line.options import Selection, ids_argument, options, with_selection
from rnn_goldens.command_line.terminal import echo, wrapped
from rnn_goldens.errors import Unsupported, WrongUse
from rnn_goldens.export import FORMATS, HDF5, WITH_LAYOUT
from rnn_goldens.plurals import counted

if TYPE_CHECKING:
    from rnn_goldens.checkable_golden import Golden
    from rnn_goldens.corpus import Corpora
    from rnn_goldens.export.exported_golden import Exported

T = TypeVar("T")
Result = TypeVar("Result")

_INDENT = 11
_MOST_LISTED = 3


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
    for all precisions. c: a C99 header per golden, and rnn_goldens.h, which compares outputs with them. tflite: a
    folder per integer LSTM with model.tflite, and x and out as raw numbers. sonnx: cases with explicit inputs, and a
    page on the accuracy of each operator. webnn: a file per operator with all goldens of this export, as in the
    web-platform-tests.

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


@click.command(short_help="Print the messages that a program exchanges.")
@ids_argument("golden_ids", metavar="[ID]...")
@click.option("--requests", "requests_only", is_flag=True, help="Print only the requests, to pipe them into a program.")
@options("gradients", "embed", gradients="Messages that request gradients, of protocol 2.")
@with_selection
def protocol(
    *,
    golden_ids: tuple[str, ...],
    requests_only: bool,
    gradients: bool,
    embed: tuple[str, ...],
    selection: Selection,
) -> None:
    """Print the messages that a program exchanges with check, one per line.

    Each request is followed by its answer. The first answer, to hello, states what a program supports. The next
    answers are the correct outputs, or gradients, of each selected golden (default: documented/single-sequence) in each
    precision (default: float32).
    To try a program: rnn-goldens protocol --requests | ./my_rnn
    """
    from rnn_goldens.programs import messages

    default = () if golden_ids or any(selection.names.values()) else ("documented/single-sequence",)
    goldens = _goldens(selection, *golden_ids, *default, gradients=gradients, embed=embed)
    for request, answer in _exchanges(goldens, gradients=gradients):
        click.echo(messages.to_line(request), nl=False)
        if not requests_only:
            click.echo(messages.to_line(answer), nl=False)


def _exchanges(goldens: Sequence["Golden"], *, gradients: bool) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield requests with their answers: the hello, then one per golden."""
    from rnn_goldens.golden.built_in_cells import CELLS
    from rnn_goldens.programs import messages
    from rnn_goldens.schema import PROTOCOLS

    further = [cell for cell in dict.fromkeys(golden.cell for golden in goldens) if cell not in CELLS]
    version = PROTOCOLS[-1] if gradients or further else PROTOCOLS[0]
    yield messages.hello(), messages.correct_hello(version, further)
    for number, golden in enumerate(goldens, start=1):
        correct = messages.correct_gradients if gradients else messages.correct_outputs
        yield messages.request(golden, number, back=gradients), correct(golden, number)


def _goldens(selection: Selection, *ids: str, gradients: bool, embed: tuple[str, ...]) -> list["Golden"]:
    from rnn_goldens.corpus import open_corpora
    from rnn_goldens.golden.embedding import larger_sizes, require_known

    opened = open_corpora(selection.corpus)
    selected, precisions = selection.entries(opened, *ids), selection.precisions or ["float32"]
    sizes = larger_sizes(embed)
    require_known({entry.cell for entry in selected}, sizes)
    goldens = [
        opened.load(entry.id, name, gradients=gradients)
        for entry in selected
        # load raises the error for the precision that a single golden lacks
        for name in entry.checked_in(precisions, gradients=gradients) or (precisions if len(selected) == 1 else ())
    ]
    if not goldens:
        what = " with gradients" if gradients else ""
        raise WrongUse(f"no golden{what} is selected in {', '.join(precisions)}")
    larger, refused = where_supported(goldens, lambda golden: in_larger_sizes(golden, sizes), lambda golden: golden.id)
    lines = [f"{who} {'is' if who in refused else 'are'} refused: {why}" for who, why in by_reason(refused)]
    if not larger:
        raise WrongUse("\n".join(lines))
    for line in lines:
        echo(line, err=True)
    return larger


def in_larger_sizes(golden: "Golden", sizes: Sequence[tuple[str, int]]) -> "Golden":
    """Return a golden in those of some larger sizes that it has; raises Unsupported if it has none, or a larger one."""
    from rnn_goldens.golden.larger_golden import having

    own = having(golden, sizes)
    if sizes and not own:
        raise Unsupported(f"it has no {' or '.join(name for name, _ in sizes)} that could grow")
    return golden.embedded(**own)


def where_supported(
    items: Iterable[T], do: Callable[[T], Result], golden_id: Callable[[T], str] = str
) -> tuple[list[Result], dict[str, str]]:
    """Return the results of a function for the items that it does not refuse, and by golden why others were refused."""
    results, refused = list[Result](), dict[str, str]()
    for item in items:
        try:
            results.append(do(item))
        except Unsupported as why:
            refused[golden_id(item)] = str(why)
    return results, refused


def by_reason(refused: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield who was refused, and why: a golden, or a number of goldens and, after the reason, the first of them."""
    for why in dict.fromkeys(refused.values()):
        ids = [golden_id for golden_id, reason in refused.items() if reason == why]
        more = f" and {len(ids) - _MOST_LISTED} more" if len(ids) > _MOST_LISTED else ""
        several = f"{why}: {', '.join(ids[:_MOST_LISTED])}{more}"
        yield (ids[0], why) if len(ids) == 1 else (f"{len(ids)} goldens", several)
