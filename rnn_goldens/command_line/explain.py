"""``explain``: a deviation beside what is right, or a golden step by step."""

import difflib
import sys
import textwrap
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_goldens.command_line.saying import say
from rnn_goldens.command_line.selecting import corpus_option
from rnn_goldens.command_line.with_command import WithCommand
from rnn_goldens.exit_codes import FINDING

if TYPE_CHECKING:
    from rnn_goldens.checkable.golden import Golden
    from rnn_goldens.corpus import Corpora
    from rnn_goldens.explaining.outputs_file import Outputs

_NEAREST = 5
_WIDTH = 80
_PAGE = "https://github.com/rnn-goldens/rnn-goldens/blob/main/docs/deviations.md"
"""Which goldens show each, and how sharply; no wheel carries it."""


@click.command(
    cls=WithCommand,
    usage="[OPTIONS] DEVIATION|ID [-- COMMAND [ARGUMENT]...]",
    option="--implementation",
)
@click.argument("name", metavar="DEVIATION|ID")
@click.option("--implementation", metavar="WHAT", help="What check takes: its numbers beside the golden's.")
@click.option(
    "--against",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Outputs beside the golden's: .json or .npz with out, and h_n and c_n if they are known.",
)
@click.option("--cell", metavar="NAME", help="The golden's own cell, whose module is imported for its equations.")
@click.option("--dtype", metavar="PRECISION", help="The precision of the golden (default: float32, if it has it).")
@click.option("--step", type=int, metavar="T", help="Only this time step.")
@click.option("--row", type=int, metavar="B", help="This batch row (default: 0, or where the first difference is).")
@click.option("--unit", type=int, metavar="U", help="Only this unit.")
@click.option("--layer", type=int, metavar="L", help="This layer (default: 0, or where the first difference is).")
@click.option("--reverse/--forward", default=None, help="This direction (default: forward, likewise).")
@click.option(
    "--list",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda ctx, _, asked: _list(ctx) if asked else None,
    help="List all deviations.",
)
@corpus_option
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

    DEVIATION is a name that a failure says: what is wrong beside what is right, both from the code, what it does to
    the simplest golden that shows it, and which goldens show it best.

    ID is a golden's: at each step what the gates get, the gates and the state. With an implementation, or outputs
    from a file, the reader's numbers stand beside them, and the first difference is marked.
    """
    from rnn_goldens.cells import name_cells
    from rnn_goldens.corpus import open_corpora

    opened = open_corpora(corpus)
    if _is_deviation(opened, name):
        given = {"implementation": implementation, "against": against, "cell": cell, "dtype": dtype, **choice}
        for option in (option for option, value in given.items() if value is not None):
            raise click.UsageError(f"--{option} is for a golden, and {name} is a deviation")
        say(_of_deviation(opened, name))
        return
    if implementation and against:
        raise click.UsageError("numbers come from an implementation or from a file (--against): give one of them")
    if cell:
        name_cells([cell])
    text, right = _of_golden(opened.load(name, dtype or _usual(opened, name)), implementation, against, choice)
    say(text)
    sys.exit(0 if right else FINDING)


def _list(ctx: click.Context) -> None:
    """Say all deviations, family by family, and end the command."""
    from rnn_goldens.deviations import FAMILIES, Deviation
    from rnn_goldens.deviations.backward import BACKWARD_FAMILIES

    families: Mapping[str, Sequence[Deviation]] = {**FAMILIES, **BACKWARD_FAMILIES}
    for family, members in families.items():
        say(f"\n{family}")
        for member in members:
            said = f"{member.name}: {member.sentence}"
            say(textwrap.fill(said, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))
    say(f"\n{_PAGE}")
    ctx.exit()


def _is_deviation(corpus: "Corpora", name: str) -> bool:
    """Of the two kinds; raises UnknownName, with the nearest names of both, if it is neither."""
    from rnn_goldens.deviations import DEVIATIONS
    from rnn_goldens.deviations.backward import BACKWARD_DEVIATIONS
    from rnn_goldens.errors import UnknownName

    deviations = [*(d.name for d in DEVIATIONS), *(d.name for d in BACKWARD_DEVIATIONS)]
    if name in deviations or corpus.holds(name):
        return name in deviations
    nearest = difflib.get_close_matches(name, [*corpus.ids, *deviations], n=_NEAREST, cutoff=0.4)
    plural = "nearest names (rnn-goldens list lists the goldens, rnn-goldens explain --list the deviations)"
    raise UnknownName("deviation or golden", name, nearest, plural=plural)


def _of_deviation(corpora: "Corpora", name: str) -> str:
    """Goldens of one's own have no kill matrix: then it is told of those of the package."""
    from rnn_goldens.corpus import OURS, open_corpus
    from rnn_goldens.corpus.shown import shown
    from rnn_goldens.deviations import deviation as named
    from rnn_goldens.explaining.deviation_text import deviation_text

    corpus = next((part for part in corpora.parts if part.name == OURS), None) or open_corpus()
    return deviation_text(named(name), corpus, shown(corpus).get(name))


def _of_golden(
    golden: "Golden", implementation: str | None, against: Path | None, choice: dict[str, int | None]
) -> tuple[str, bool]:
    """The text, and whether the reader's numbers are right."""
    from rnn_goldens.explaining.golden_text import Choice, golden_text
    from rnn_goldens.explaining.outputs_file import read_outputs

    outputs: Outputs | None = None
    if against is not None:
        outputs = read_outputs(against, golden)
    elif implementation is not None:
        outputs = _asked(implementation, golden)
    return golden_text(golden, Choice(**choice), outputs)  # type: ignore[arg-type] # --reverse is a flag


def _usual(corpus: "Corpora", golden_id: str) -> str:
    precisions = corpus.entry(golden_id).precisions
    return "float32" if "float32" in precisions else precisions[0]


def _asked(implementation: str, golden: "Golden") -> "Outputs":
    """What an implementation returns; ends the command with a message if that is nothing to compare."""
    from rnn_goldens.errors import ProgramFailed, Unsupported
    from rnn_goldens.implementations import close, outputs_of, resolve
    from rnn_goldens.judging.given import outputs_given
    from rnn_goldens.judging.verdict import verdict_on

    run = resolve(implementation)
    try:
        result = outputs_of(run(golden.question()))
        close(run)
    except Unsupported as error:
        raise click.ClickException(f"{implementation} refuses {golden.id} in {golden.dtype}: {error}") from None
    except ProgramFailed as error:
        raise click.ClickException(str(error)) from None
    except Exception as error:
        own = error.__traceback__ and error.__traceback__.tb_next  # where it was raised, and not that we called it
        where = "".join(traceback.format_exception(error.with_traceback(own)))
        raise click.ClickException(f"asked {golden.id} in {golden.dtype}, {implementation} raised\n{where}") from None
    given = outputs_given(golden, *result)
    verdict = verdict_on(given)
    if any(found.problem for found in verdict.differences.values()):
        raise click.ClickException(verdict.message.partition("\n")[0])
    return given.numbers
