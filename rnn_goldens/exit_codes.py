"""The nonzero exit codes of the commands."""

FINDING = 1
WRONG_USE = 2
