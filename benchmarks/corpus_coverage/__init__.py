"""What the corpus asks of everything that a network can depend on, as a page."""
