"""``python -m rnn_goldens``: the command line."""

from rnn_goldens.command_line import main

main()
