"""The results of a run as one self-contained HTML page: causes, then tables, filters and failures with pictures."""
