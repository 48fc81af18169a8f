"""The test that ``rnn-goldens check`` runs, with settings of its own so that those of a user's project stay out."""

from collections.abc import Iterator, Mapping
from typing import Any

COMMAND = "check-here"
"""The hidden command that checks in the process it runs in what a folder says: ``check-here FOLDER ALIVE``."""


def as_typed(options: Mapping[str, Any]) -> Iterator[str]:
    """Options of the plugin by name as they are typed; a flag is ``True``, and what is not set is left out."""
    for name, value in options.items():
        option = f"--rnn-goldens-{name.replace('_', '-')}"
        if value is True:
            yield option
        elif value:
            yield f"{option}={','.join(value) if isinstance(value, tuple | list) else value}"
