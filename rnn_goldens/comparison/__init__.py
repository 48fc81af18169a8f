"""Compares outputs of any library with a golden: differences, the verdict, its text, and call patterns."""
