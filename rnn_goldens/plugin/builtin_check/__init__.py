"""The test that ``rnn-goldens check`` runs, with its own settings so that those of the user's project do not apply."""

from collections.abc import Iterator, Mapping
from typing import Any

COMMAND = "check-here"
"""The hidden command that runs a check in its own process: ``check-here FOLDER ALIVE``."""


def as_typed(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield plugin options as typed on a command line; a flag is ``True``, and empty values are left out."""
    for name, value in options.items():
        option = f"--rnn-goldens-{name.replace('_', '-')}"
        if value is True:
            yield option
        elif value:
            yield f"{option}={','.join(value) if isinstance(value, tuple | list) else value}"
