"""Prints back-propagation through time for one golden, step by step; docs/numerics.md explains the output.

    python examples/backward.py

Everything is computed from the stored weights, inputs and cotangents, in integers, and compared with the golden.
"""

from typing import Any

import rnn_goldens

GOLDEN = "documented/single-sequence"

Vector = list[int]
Matrix = list[Vector]


def main() -> None:
    golden = rnn_goldens.load(GOLDEN, gradients=True)
    w_ih, w_hh = (whole(golden.weights[name]) for name in ("weight_ih_l0", "weight_hh_l0"))
    (xs,), (d_outs,) = whole(golden.x), whole(golden.cotangents["d_out"])
    print(f"golden  {golden.id}: h = relu(z), z = W_ih x + W_hh h, from h = 0")
    print(f"W_ih    {text(w_ih)}")
    print(f"W_hh    {text(w_hh)}")
    print(f"d_out   {text(d_outs)}, one row per step: L is the sum of the units of the last h")

    zs, hs = forward(w_ih, w_hh, xs)
    assert [hs[1:]] == whole(golden.out)
    d_xs, d_zs = backward(w_ih, w_hh, xs, zs, hs, d_outs)
    by_step = [outer(d_z, x) for d_z, x in zip(d_zs, xs, strict=True)]
    d_w_hh = total([outer(d_z, h) for d_z, h in zip(d_zs, hs[:-1], strict=True)])

    assert golden.gradients is not None
    expected = golden.gradients.expected
    print("\nequal to the stored gradients")
    for name, gradient in (("x", d_xs), ("weight_ih_l0", total(by_step)), ("weight_hh_l0", d_w_hh)):
        assert gradient == (whole(expected[name])[0] if name == "x" else whole(expected[name]))
        print(f"  {name:<13} {text(gradient)}")

    print("\nresults of typical mistakes")
    h_after = total([outer(d_z, h) for d_z, h in zip(d_zs, hs[1:], strict=True)])
    print(f"  dW_hh with the next h instead of the previous h  {text(h_after)}")
    print(f"  dW_ih of the last step only                      {text(by_step[-1])}")
    print(f"  dx of step 1 without the path through W_hh       {text(through(d_outs[0], w_ih))}")


def forward(w_ih: Matrix, w_hh: Matrix, xs: Matrix) -> tuple[Matrix, Matrix]:
    """Return z of every step, and h before the first step and after every step."""
    print("\nforward")
    zs: Matrix = []
    hs = [[0] * len(w_hh)]
    for t, x in enumerate(xs):
        of_x, of_h = times(w_ih, x), times(w_hh, hs[t])
        z = plus(of_x, of_h)
        h = [max(0, unit) for unit in z]
        print(f"  step {t + 1}  x {text(x)}  W_ih x {text(of_x)}  W_hh h {text(of_h)}  z {text(z)}  h {text(h)}")
        zs.append(z)
        hs.append(h)
    return zs, hs


def backward(w_ih: Matrix, w_hh: Matrix, xs: Matrix, zs: Matrix, hs: Matrix, d_outs: Matrix) -> tuple[Matrix, Matrix]:
    """Return the gradients of x and of z for every step."""
    print("\nbackward")
    d_xs, d_zs = ([[0] for _ in xs] for _ in range(2))
    from_later = [0] * len(w_hh)
    for t in reversed(range(len(xs))):
        d_h = plus(d_outs[t], from_later)
        of_both = f"{text(d_outs[t])} from d_out, {text(from_later)} from the next step"
        d_z = [g if unit > 0 else 0 for g, unit in zip(d_h, zs[t], strict=True)]
        d_xs[t], d_zs[t], from_later = through(d_z, w_ih), d_z, through(d_z, w_hh)
        print(f"  step {t + 1}  dh     {text(d_h)}: {of_both}")
        print(f"          dz     {text(d_z)}: z is {text(zs[t])}, where the slope of relu is 1")
        print(f"          dx     {text(d_xs[t])}: dz W_ih")
        print(f"          dW_ih  {text(outer(d_z, xs[t]))} added: dz times x {text(xs[t])}")
        print(f"          dW_hh  {text(outer(d_z, hs[t]))} added: dz times the previous h, {text(hs[t])}")
        print(f"          dh     {text(from_later)} for the previous step: dz W_hh")
    return d_xs, d_zs


def whole(array: Any) -> Any:  # noqa: ANN401 - an array of NumPy; nested lists
    """Return nested lists of ints; raises AssertionError if a number is not an integer."""
    integers = array.astype(int)
    assert (integers == array).all()
    return integers.tolist()


def times(matrix: Matrix, v: Vector) -> Vector:
    return [sum(a * b for a, b in zip(row, v, strict=True)) for row in matrix]


def through(g: Vector, matrix: Matrix) -> Vector:
    return [sum(a * b for a, b in zip(g, column, strict=True)) for column in zip(*matrix, strict=True)]


def outer(g: Vector, v: Vector) -> Matrix:
    return [[a * b for b in v] for a in g]


def plus(a: Vector, b: Vector) -> Vector:
    return [p + q for p, q in zip(a, b, strict=True)]


def total(matrices: list[Matrix]) -> Matrix:
    return [[sum(numbers) for numbers in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]


def text(numbers: Any) -> str:  # noqa: ANN401 - a vector or a matrix
    """Return a vector as [1 2], or a matrix row by row."""
    if isinstance(numbers[0], list):
        return " ".join(map(text, numbers))
    return f"[{' '.join(map(str, numbers))}]"


if __name__ == "__main__":
    main()
