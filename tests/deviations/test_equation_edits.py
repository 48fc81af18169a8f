"""Edits of equations: formulas for named parts, paths without a derivative, and tables of deviations."""

import numpy as np
import pytest
from deviations.example_cases import EXAMPLES

from rnn_goldens.cells import BUILT_IN_CELLS, Array, Backward, Network
from rnn_goldens.cells.notation import Term, Weight, mix, tanh
from rnn_goldens.cells.step_program import Equations
from rnn_goldens.deviations.alteration import Alteration, in_equations
from rnn_goldens.deviations.backward.alterations import in_derivatives
from rnn_goldens.deviations.equation_edits import (
    detached,
    differentiated,
    edited,
    parts_of,
    uses,
    without_derivative,
    without_paths,
)
from rnn_goldens.deviations.table_rows import for_each, table

GRU = EXAMPLES["gru"][0].case


def same(a: list[Array], b: list[Array]) -> bool:
    return all(np.allclose(x, y, rtol=1e-13, atol=1e-13) for x, y in zip(a, b, strict=True))


def outputs(equations: Equations) -> list[Array]:
    return list(in_equations(gru=equations)(GRU))


def gradients(equations: Equations) -> list[Array]:
    out, h_n = Network().run(GRU)
    cotangents = {"d_out": np.cos(out), "d_h_n": np.sin(h_n)}
    wrong = in_derivatives(gru=equations)
    assert same(list(wrong.network().run(GRU)), [out, h_n]), "outputs are right"
    return list(wrong.gradients(GRU, cotangents).values())


RIGHT = BUILT_IN_CELLS["gru"].equations

DETACHED = {"r": lambda r: detached(r), "z": lambda z: detached(z), "n": lambda n: detached(n)}


def test_a_part_with_its_own_formula_changes_nothing() -> None:
    assert same(outputs(edited("gru", new_h=lambda z, h, n: mix(z, h, n))), outputs(RIGHT))
    assert same(outputs(edited("gru", n=lambda z_n: tanh(z_n), z=lambda z: z)), outputs(RIGHT))


def test_another_formula_is_used_wherever_the_part_is() -> None:
    def equations(x: Term, h: Term, w: object) -> tuple[Term, ...]:
        r, z, n = (parts_of(BUILT_IN_CELLS["gru"], x, h, w)[gate] for gate in "rzn")
        return (mix(1 - z, h, n) + 0 * r,)

    assert same(outputs(edited("gru", z=lambda z: 1 - z)), outputs(equations))


def test_formulas_of_several_parts_use_each_other_and_the_right_value_of_later_parts() -> None:
    doubled = edited("gru", n=lambda n: 2 * n, new_h=lambda n: n)
    assert same(outputs(doubled), outputs(edited("gru", new_h=lambda n: 2 * n)))
    assert same(outputs(edited("gru", n=lambda new_h: new_h, new_h=lambda n: n)), outputs(RIGHT))


def test_a_formula_of_another_part_is_an_error() -> None:
    with pytest.raises(KeyError, match="new_c"):
        outputs(edited("gru", new_c=lambda h: h))


def test_a_derivative_of_another_formula_leaves_outputs_right() -> None:
    assert same(gradients(differentiated("gru", n=lambda n: n)), gradients(RIGHT))
    assert not same(gradients(differentiated("gru", n=lambda z_n: z_n)), gradients(RIGHT))


def test_without_all_paths_to_a_gate_it_has_no_derivative() -> None:
    cell = BUILT_IN_CELLS["gru"]
    for gate, user in (("r", "n"), ("z", "new_h"), ("n", "new_h")):
        without = gradients(without_derivative(cell, gate))
        assert same(gradients(without_paths(cell, **{user: gate})), without)
        assert same(gradients(edited("gru", **{gate: DETACHED[gate]})), without)
        assert not same(gradients(RIGHT), without)


def test_a_path_through_another_part_stays() -> None:
    cell = BUILT_IN_CELLS["gru"]
    without = without_paths(cell, new_h="h")
    assert not same(gradients(without), gradients(RIGHT))
    assert not same(gradients(without), gradients(without_derivative(cell, "h")))
    everywhere = without_paths(cell, new_h="h", r="h", z="h", n="h")
    assert same(gradients(everywhere), gradients(without_derivative(cell, "h")))


@pytest.mark.parametrize("name", ["lstm", "lstm_clip", "lstm_hard_sigmoid"])
def test_parts_of_an_lstm_and_what_uses_them(name: str) -> None:
    cell = BUILT_IN_CELLS[name]
    weights = Weight(cell.layout, frozenset(cell.layout.present(bias=True)))
    parts = parts_of(cell, *(Term("input") for _ in range(3)), weights)
    assert set(parts) == {"x", "h", "c", "new_h", "new_c", *"ifgo", "z_i", "z_f", "z_g", "z_o"}
    assert set(uses(parts)) == {
        *((used, "new_c") for used in "fcig"),
        *((used, "new_h") for used in ("o", "new_c")),
        *((used, gate) for used in "xh" for gate in "ifgo"),
    }


def test_a_row_has_the_attributes_of_its_table_unless_it_has_its_own() -> None:
    wrong = in_equations(lstm=RIGHT, gru=RIGHT)
    first, second = table(named="{}_here", reports={"a_here": ("project#1",)}, cells=("lstm",), needs=("bias",))(
        a=("Does a.", wrong), b=("Does b.", wrong, {"cells": ("gru",), "needs": ()})
    )
    assert (first.name, first.sentence, first.cells, first.needs) == ("a_here", "Does a.", ("lstm",), ("bias",))
    assert (first.stands_for, second.stands_for) == (("project#1",), ())
    assert (second.name, second.cells, second.needs) == ("b_here", ("gru",), ())
    assert [set(one.alteration.equations) for one in (first, second)] == [{"lstm"}, {"gru"}]


def test_a_table_makes_wrong_passes_of_arguments_and_rows_of_values() -> None:
    made = table(lambda *names: Alteration(equations=dict.fromkeys(names, RIGHT)))(
        both=("Does both.", "lstm", "gru"),
        **for_each(
            (2, 3), ("at_{}", "Does it at {}.", lambda limit: Alteration(right=Backward if limit > 2 else Network))
        ),
    )
    assert [one.name for one in made] == ["both", "at_2", "at_3"]
    assert [one.sentence for one in made[1:]] == ["Does it at 2.", "Does it at 3."]
    assert set(made[0].alteration.equations) == {"lstm", "gru"}
    assert [one.is_backward for one in made] == [False, False, True]
