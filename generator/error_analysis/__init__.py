"""What rounding may do to a network, forward and backward: one graph, what is lost where, and what it does later."""
