"""Any program as an implementation: one JSON message a line on its stdin, one a line on its stdout."""
