"""Goldens that nobody wrote down: drawn, certified as they are drawn, made smaller where they fail, and kept."""
