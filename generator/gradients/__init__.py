"""Cotangents of a golden's outputs → certified gradients, with a tolerance that is derived over both passes."""
