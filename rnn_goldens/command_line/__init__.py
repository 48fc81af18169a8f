"""The command line. Exit codes: 0 success, 1 a failure was found, 2 wrong use.

Commands import what they need when they run, so that ``--help`` is fast.
"""

import os
import shutil
import sys

import click

from rnn_goldens.command_line import check, explain, export, generate, listing, report
from rnn_goldens.command_line.terminal import WIDTH, Group, echo, escape_unencodable, wrapped
from rnn_goldens.errors import FINDING, WRONG_USE, CutShort, InvalidFile, RnnGoldensError


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="rnn-goldens")
def cli() -> None:
    """Golden data for recurrent neural networks: check any RNN, LSTM or GRU against it.

    To complete commands, options, ids and names in bash: eval "$(_RNN_GOLDENS_COMPLETE=bash_source rnn-goldens)"
    (zsh: zsh_source; fish: _RNN_GOLDENS_COMPLETE=fish_source rnn-goldens | source).
    """


for command in (
    listing.list_,
    listing.show,
    explain.explain,
    check.check,
    check.check_here,
    check.fuzz,
    export.protocol,
    listing.validate,
    listing.diff,
    export.export,
    generate.generate,
    report.report,
    report.defects,
):
    cli.add_command(command)


def _print_error(error: Exception) -> None:
    """Print an error, wrapped to the width of the terminal; without a terminal, lines are not wrapped."""
    lines = f"Error: {error}".splitlines()
    if sys.stderr.isatty():
        width = min(shutil.get_terminal_size().columns, WIDTH)
        indents = [line[: len(line) - len(line.lstrip())] for line in lines]
        lines = [wrapped(line.lstrip(), own, width=width) for line, own in zip(lines, indents, strict=True)]
    echo("\n".join(lines), err=True)


def main() -> None:
    """Run a command; print a message and set the exit code for errors of this package and of the file system."""
    escape_unencodable()
    try:
        cli(prog_name="rnn-goldens")  # click handles a closed pipe, as in "rnn-goldens list | head"
    except (InvalidFile, CutShort) as error:
        _print_error(error)
        sys.exit(FINDING)
    except RnnGoldensError as error:
        _print_error(error)
        sys.exit(WRONG_USE)
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        echo(f"Error: {where}{error.strerror or error}", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python fails again when it flushes stdout
        sys.exit(WRONG_USE)
