"""Fuzzing: Hypothesis draws goldens, which are certified as they are drawn, shrunk if they fail, and stored."""
