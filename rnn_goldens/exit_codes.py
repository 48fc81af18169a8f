"""What the commands exit with, besides 0: good."""

FINDING = 1
WRONG_USE = 2
