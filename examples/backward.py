"""Back-propagation through time, number by number, for one golden; docs/backward.md walks through the output.

    python examples/backward.py

Everything is computed here from the stored weights, inputs and cotangents, in whole numbers, and held against what the
golden says.
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
    print(f"W_ih    {said(w_ih)}")
    print(f"W_hh    {said(w_hh)}")
    print(f"d_out   {said(d_outs)}, a row a step: L is the sum of the units of the last h")

    zs, hs = forth(w_ih, w_hh, xs)
    assert [hs[1:]] == whole(golden.out)
    d_xs, d_zs = back(w_ih, w_hh, xs, zs, hs, d_outs)
    by_step = [outer(d_z, x) for d_z, x in zip(d_zs, xs, strict=True)]
    d_w_hh = total([outer(d_z, h) for d_z, h in zip(d_zs, hs[:-1], strict=True)])

    assert golden.gradients is not None
    expected = golden.gradients.expected
    print("\nstored, and the same")
    for name, found in (("x", d_xs), ("weight_ih_l0", total(by_step)), ("weight_hh_l0", d_w_hh)):
        assert found == (whole(expected[name])[0] if name == "x" else whole(expected[name]))
        print(f"  {name:<13} {said(found)}")

    print("\nwhat slips would give")
    h_after = total([outer(d_z, h) for d_z, h in zip(d_zs, hs[1:], strict=True)])
    print(f"  dW_hh with the h after in the place of the h before  {said(h_after)}")
    print(f"  dW_ih of the last step alone                         {said(by_step[-1])}")
    print(f"  dx of step 1 with W_hh left out on the way back      {said(through(d_outs[0], w_ih))}")


def forth(w_ih: Matrix, w_hh: Matrix, xs: Matrix) -> tuple[Matrix, Matrix]:
    """Z of every step; and h before the first step, and after every one."""
    print("\nforth")
    zs: Matrix = []
    hs = [[0] * len(w_hh)]
    for t, x in enumerate(xs):
        of_x, of_h = times(w_ih, x), times(w_hh, hs[t])
        z = plus(of_x, of_h)
        h = [max(0, unit) for unit in z]
        print(f"  step {t + 1}  x {said(x)}  W_ih x {said(of_x)}  W_hh h {said(of_h)}  z {said(z)}  h {said(h)}")
        zs.append(z)
        hs.append(h)
    return zs, hs


def back(w_ih: Matrix, w_hh: Matrix, xs: Matrix, zs: Matrix, hs: Matrix, d_outs: Matrix) -> tuple[Matrix, Matrix]:
    """Gradients by x and by z, of every step."""
    print("\nback")
    d_xs, d_zs = ([[0] for _ in xs] for _ in range(2))
    from_later = [0] * len(w_hh)
    for t in reversed(range(len(xs))):
        d_h = plus(d_outs[t], from_later)
        of_both = f"{said(d_outs[t])} from d_out, {said(from_later)} from the step after"
        d_z = [g if unit > 0 else 0 for g, unit in zip(d_h, zs[t], strict=True)]
        d_xs[t], d_zs[t], from_later = through(d_z, w_ih), d_z, through(d_z, w_hh)
        print(f"  step {t + 1}  dh     {said(d_h)}: {of_both}")
        print(f"          dz     {said(d_z)}: z is {said(zs[t])}, where the slope of relu is 1")
        print(f"          dx     {said(d_xs[t])}: dz W_ih")
        print(f"          dW_ih  {said(outer(d_z, xs[t]))} more: dz times x {said(xs[t])}")
        print(f"          dW_hh  {said(outer(d_z, hs[t]))} more: dz times the h before, {said(hs[t])}")
        print(f"          dh     {said(from_later)} for the step before: dz W_hh")
    return d_xs, d_zs


def whole(array: Any) -> Any:  # noqa: ANN401 - an array of NumPy, and lists in lists
    """Nested lists of ints; raises AssertionError if a number is none."""
    found = array.astype(int)
    assert (found == array).all()
    return found.tolist()


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


def said(numbers: Any) -> str:  # noqa: ANN401 - a vector or a matrix
    """Vectors as [1 2], matrices row by row."""
    if isinstance(numbers[0], list):
        return " ".join(map(said, numbers))
    return f"[{' '.join(map(str, numbers))}]"


if __name__ == "__main__":
    main()
