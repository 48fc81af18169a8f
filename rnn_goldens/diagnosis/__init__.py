"""Which known ways of being wrong would explain what failed."""
