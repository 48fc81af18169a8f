"""The results of a run as one self-contained HTML page: causes first, filters, a picture of each failure."""
