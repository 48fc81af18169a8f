"""Reports which implementations agree with a corpus, refuse or are wrong: ``conformance.json`` and its page."""
