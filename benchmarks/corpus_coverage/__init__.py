"""Writes the page of the sizes, options and arguments that the corpus covers."""
