"""The data of a golden: shapes, precisions, tolerance, stored arrays. Imports no other room of the package."""
