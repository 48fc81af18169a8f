"""The test that ``rnn-goldens check`` runs, with settings that replace the settings of the user's project."""
