"""What a run found, as one HTML page that needs nothing else: causes first, filters, a picture of each failure."""
