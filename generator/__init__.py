"""Scenario → certified golden → file. Needs python-flint, and ours torch: ``pip install 'rnn-goldens[generate]'``."""
