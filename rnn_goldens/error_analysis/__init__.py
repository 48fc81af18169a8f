"""Error analysis of both passes: one graph, the rounding error of each operation, and its effect on the results."""
