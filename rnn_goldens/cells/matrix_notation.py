"""The notation of recurrences: primitives of matrices, besides those of ``notation``.

A value of a lane, which is one sequence and one head, is a matrix: a vector is one column, and a number is one row and
one column. Arithmetic broadcasts rows and columns as NumPy does. ``a @ b`` is the product of matrices or vectors, and
``a.mT`` is the transposed matrix.
"""

from rnn_goldens.cells.notation import Term


def outer(a: Term, b: Term) -> Term:
    """The outer product of two columns: a bᵀ."""
    return Term("outer", (a, b))


def kept(a: Term) -> Term:
    """The factor a, which a state keeps of itself.

    Other correct algorithms compute a product of such factors as exp(s_t - s_r), with s the running sum of the
    logarithms of a. The error analysis accounts for the rounding of these sums.
    """
    return Term("kept_factor", (a,))


def stacked(*parts: Term) -> Term:
    """The rows of several terms, from the first to the last."""
    return Term("stacked", parts)


def without_first_row(a: Term) -> Term:
    """The rows of a, except the first."""
    return Term("rows", (a,), (1,))


def first_row(a: Term) -> Term:
    """The first row of a."""
    return Term("rows", (a,), (0, 1))
