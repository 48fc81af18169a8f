"""Measurements of goldens of recurrences: how near correct implementations come to the tolerance."""
