"""Certifies gradients: computes them from cotangents, and derives their tolerance over both passes."""
