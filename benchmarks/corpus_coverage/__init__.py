"""Counts the goldens of every size, option and argument of an activation."""
