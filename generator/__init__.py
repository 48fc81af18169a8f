"""Scenario → certified golden → file. Needs torch and python-flint: ``pip install 'rnn-goldens[generate]'``."""
