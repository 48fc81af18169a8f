"""Runs any program as an implementation, with one JSON message per line on its stdin and stdout."""
