"""Certifies recurrences: their graph, the error analysis of the step form and of chunked forms, and gradients."""
