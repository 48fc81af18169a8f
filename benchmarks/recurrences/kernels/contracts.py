"""What an implementation in a half precision computes in float32, and what it rounds: three contracts."""

CONTRACTS = ("float32-inside", "operands-stored", "all-stored")
"""Outputs are rounded once; the operands of products of matrices, too; the states that are carried, too.

All other values are float32: accumulators, sums of logarithms, and states by the first two contracts.
"""

INSIDE, OPERANDS, ALL_STORED = CONTRACTS

TF32 = "tf32"
"""The contract of float32 in which the operands of products of matrices are rounded to 11 bits."""

HALF = ("bfloat16", "float16")
"""The precisions that contracts are about: float32 and float64 compute everything in their own type."""
