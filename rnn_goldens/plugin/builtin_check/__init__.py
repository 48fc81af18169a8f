"""The test that ``rnn-goldens check`` runs, with settings that replace the settings of the user's project."""

from rnn_goldens.plugin import as_typed

__all__ = ["COMMAND", "as_typed"]

COMMAND = "check-here"
"""The hidden command that runs a check in a child process: ``check-here FOLDER ALIVE``."""
