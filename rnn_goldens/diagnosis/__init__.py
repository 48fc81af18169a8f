"""Finds the known bugs (deviations) that explain failures."""
