"""A deviation with its code beside the right one; a golden step by step, with a reader's numbers beside it."""
