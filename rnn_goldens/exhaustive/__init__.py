"""An implementation at every argument: each activation's whole range, certified as it is asked."""
