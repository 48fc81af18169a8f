"""The test that ``rnn-goldens check`` runs, with settings that replace the settings of the user's project."""

from collections.abc import Iterator, Mapping
from typing import Any

COMMAND = "check-here"
"""The hidden command that runs a check in a child process: ``check-here FOLDER ALIVE``."""


def as_typed(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield plugin options as typed on a command line. Flags have the value ``True``; empty values are left out."""
    for name, value in options.items():
        option = f"--rnn-goldens-{name.replace('_', '-')}"
        if value is True:
            yield option
        elif value:
            yield f"{option}={','.join(value) if isinstance(value, tuple | list) else value}"
