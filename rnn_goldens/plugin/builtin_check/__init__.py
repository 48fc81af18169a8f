"""The test that ``rnn-goldens check`` runs, with settings of its own so that those of a user's project stay out."""

COMMAND = "check-here"
"""The hidden command that checks in the process it runs in what a folder says: ``check-here FOLDER ALIVE``."""
