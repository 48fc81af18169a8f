"""The benchmark of the speed of certification."""

from benchmarks.certifying_speed import BASE, Speed, report, sizes, speed


def test_each_later_size_differs_from_the_first_in_one_dimension() -> None:
    first, *others = sizes()
    assert first == BASE
    assert all(sum(other[what] != BASE[what] for what in BASE) == 1 for other in others)


def test_the_times_of_one_size_are_measured() -> None:
    measured = speed("gru", {"time": 2, "hidden": 2, "layers": 1})
    assert 0 < measured.answer < measured.certified < measured.backward


def test_the_page_has_goldens_per_second() -> None:
    page = report([Speed("lstm", BASE, 192, answer=0.005, certified=0.02, backward=0.1)])
    assert "| lstm |   10 |      8 |      1 |  192 |               200 |        50.0 |             10.0 |\n" in page
