"""Which implementations agree with a corpus, which refuse and which are wrong: ``conformance.json`` and its page."""
