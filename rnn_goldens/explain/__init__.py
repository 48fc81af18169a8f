"""Explains a deviation with its code beside the correct code, and a golden step by step beside the user's numbers."""
