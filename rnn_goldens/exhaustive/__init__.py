"""The exhaustive check: an implementation's activations at every argument, with results certified during the check."""
