"""The test that ``rnn-goldens check`` runs, with settings of its own so that those of a user's project stay out."""
