"""Compares the verdicts of the archive, the npm package and the C header with Python's."""
