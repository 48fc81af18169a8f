"""The exhaustive check: an implementation's activations at every argument, each certified on the fly."""
