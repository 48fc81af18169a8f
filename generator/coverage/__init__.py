"""What the corpus covers of everything a network can depend on."""
