"""What a golden is: shapes, precisions, tolerance, and the data that is stored. Knows nobody."""
