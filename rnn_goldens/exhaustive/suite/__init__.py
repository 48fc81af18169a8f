"""The test that ``rnn-goldens check --exhaustive`` runs."""
