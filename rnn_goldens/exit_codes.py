"""Exit codes of the commands other than 0."""

FINDING = 1
WRONG_USE = 2
