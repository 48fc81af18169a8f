"""Layers and cells of ``torch.nn``, and classes shaped like them."""
