"""The pytest plugin. ``hooks`` is what pytest loads; the rest is imported when a test asks for a golden."""
