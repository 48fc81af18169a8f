"""Reports how many goldens each implementation passes, refuses and gets wrong: ``conformance.json`` and its page."""
