"""The coverage of the corpus: arguments of activations, sizes, options and kinds of implementations."""
