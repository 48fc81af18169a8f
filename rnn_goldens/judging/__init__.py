"""Outputs of any library against a golden: how they differ, the verdict, its text, and the ways of calling."""
