"""The public golden: the data of one in a precision, that converts its weights and checks outputs."""
