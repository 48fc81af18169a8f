"""``explain``: shows a deviation beside the correct code, or a golden step by step."""

import difflib
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_goldens.command_line.options import PATH, WithCommand, options
from rnn_goldens.command_line.terminal import echo, wrapped
from rnn_goldens.errors import FINDING, ProgramFailed, UnknownName, Unsupported

if TYPE_CHECKING:
    from rnn_goldens.checkable_golden import Golden
    from rnn_goldens.corpus import Corpora
    from rnn_goldens.explain.reader_outputs import Outputs

_NEAREST = 5


@click.command(
    cls=WithCommand,
    usage="[OPTIONS] DEVIATION|ID [-- COMMAND [ARGUMENT]...]",
    option="--implementation",
)
@click.argument("name", metavar="DEVIATION|ID")
@click.option("--implementation", metavar="WHAT", help="An implementation, as for check, to run and compare.")
@click.option(
    "--against",
    metavar="FILE",
    type=PATH,
    help="Outputs to show beside the golden's: .json or .npz with out and, optionally, h_n and c_n.",
)
@click.option("--cell", metavar="NAME", help="The golden's custom cell; its module is imported for the equations.")
@click.option(
    "--dtype", metavar="PRECISION", help="The precision of the golden (default: float32, else the first listed)."
)
@click.option("--step", type=int, metavar="T", help="Only this time step.")
@click.option("--row", type=int, metavar="B", help="This batch row (default: 0, or where the first difference is).")
@click.option("--unit", type=int, metavar="U", help="Only this unit.")
@click.option("--head", type=int, metavar="H", help="This head of a recurrence, as --row.")
@click.option("--layer", type=int, metavar="L", help="This layer (default: 0, or where the first difference is).")
@click.option(
    "--reverse/--forward", default=None, help="This direction (default: forward, or where the first difference is)."
)
@click.option(
    "--list",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda ctx, _, is_set: _list(ctx) if is_set else None,
    help="List all deviations.",
)
@options("corpus")
def explain(
    name: str,
    implementation: str | None,
    against: Path | None,
    cell: str | None,
    dtype: str | None,
    corpus: str | None,
    **choice: int | None,
) -> None:
    """Explain a deviation, or a golden step by step.

    For a DEVIATION, a name from a failure, shows the wrong code beside the correct code, its effect on the simplest
    golden that detects it, and the goldens that detect it with the largest margin.

    For the ID of a golden, shows the inputs of the gates, the gates and the state at each step; of a recurrence, the
    inputs, states and outputs of one head. With an implementation,
    or outputs from a file, your numbers are shown beside them, and the first difference is marked.
    """
    from rnn_goldens.cells import name_cells
    from rnn_goldens.corpus import OURS, open_corpora, open_corpus
    from rnn_goldens.corpus.kill_matrix import detections
    from rnn_goldens.deviations import deviation
    from rnn_goldens.explain.deviation_text import deviation_text
    from rnn_goldens.explain.golden_text import Choice, golden_text
    from rnn_goldens.explain.integer_text import integer_text
    from rnn_goldens.explain.reader_outputs import read_outputs
    from rnn_goldens.explain.recurrence_text import recurrence_text

    opened = open_corpora(corpus)
    if _is_deviation(opened, name):
        options = {"implementation": implementation, "against": against, "cell": cell, "dtype": dtype, **choice}
        for option in (option for option, value in options.items() if value is not None):
            raise click.UsageError(f"--{option} is for a golden, and {name} is a deviation")
        # Built-in goldens show it, because only their corpus has a kill matrix.
        corpus_of_ours = next((part for part in opened.parts if part.name == OURS), None) or open_corpus()
        echo(deviation_text(deviation(name), corpus_of_ours, detections(corpus_of_ours).get(name)))
        return
    if implementation and against:
        raise click.UsageError("--implementation and --against exclude each other: give one of them")
    if cell:
        name_cells([cell])
    usual = min(opened.entry(name).precisions, key=lambda precision: precision != "float32")  # else the first
    golden = opened.load(name, dtype or usual)
    outputs: Outputs | None = None
    if against is not None:
        outputs = read_outputs(against, golden)
    elif implementation is not None:
        outputs = _outputs_of(implementation, golden)
    as_text = integer_text if golden.is_integer else golden_text if golden.is_network else recurrence_text
    text, right = as_text(golden, Choice(**choice), outputs)  # type: ignore[arg-type] # --reverse is a flag
    echo(text)
    sys.exit(0 if right else FINDING)


def _list(ctx: click.Context) -> None:
    """Print all deviations by family, and exit."""
    from rnn_goldens.deviations.families import EVERY

    for family, members in EVERY.items():
        echo(f"\n{family}")
        for member in members:
            echo(wrapped(f"{member.name}: {member.sentence}", "  "))
    echo("\nhttps://github.com/rnn-goldens/rnn-goldens/blob/main/docs/deviations.md")
    ctx.exit()


def _is_deviation(corpus: "Corpora", name: str) -> bool:
    """Return whether a name is a deviation. Raises UnknownName if it is neither a deviation nor a golden."""
    from rnn_goldens.deviations.families import BY_NAME

    if name in BY_NAME or corpus.holds(name):
        return name in BY_NAME
    nearest = difflib.get_close_matches(name, [*corpus.ids, *BY_NAME], n=_NEAREST, cutoff=0.4)
    plural = "nearest names (rnn-goldens list lists the goldens, rnn-goldens explain --list the deviations)"
    raise UnknownName("deviation or golden", name, nearest, plural=plural)


def _outputs_of(implementation: str, golden: "Golden") -> "Outputs":
    """Return an implementation's outputs; ends the command with a message if they cannot be compared."""
    from rnn_goldens.comparison.actual import actual_outputs
    from rnn_goldens.comparison.verdict import verdict_on
    from rnn_goldens.implementations import close, outputs_of, resolve

    run = resolve(implementation)
    try:
        result = outputs_of(run(golden.for_implementation()), layout=golden.layout)
        close(run)
    except Unsupported as error:
        raise click.ClickException(f"{implementation} refuses {golden.id} in {golden.dtype}: {error}") from None
    except ProgramFailed as error:
        raise click.ClickException(str(error)) from None
    except Exception as error:
        own = error.__traceback__ and error.__traceback__.tb_next  # the traceback without our own call
        where = "".join(traceback.format_exception(error.with_traceback(own)))
        raise click.ClickException(f"{implementation} raised for {golden.id} in {golden.dtype}:\n{where}") from None
    actual = actual_outputs(golden, *result)
    verdict = verdict_on(actual)
    if any(found.problem for found in verdict.differences.values()):
        raise click.ClickException(verdict.message.partition("\n")[0])
    return actual.numbers
