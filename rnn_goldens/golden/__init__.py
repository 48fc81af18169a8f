"""The data of a golden: shapes, precisions, tolerance, stored arrays. Imports no other folder of the package."""
