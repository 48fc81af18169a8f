"""Bugs in a one-layer LSTM without an initial state, and in one direction or layer of an LSTM, are identified."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_spec("torch") is None, reason="the tests use LSTMs in torch")]

MINE = """
import torch
from torch import nn

class Products(torch.autograd.Function):  # x W', whose gradient dW is zero beyond some columns
    @staticmethod
    def forward(ctx, x, w, columns):
        ctx.save_for_backward(x, w)
        ctx.stop = columns
        return x @ w.T

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        dx, dw = g @ w, g.T @ x
        dw[:, ctx.stop:] = 0
        return dx, dw, None

class Masked(torch.autograd.Function):  # c, whose gradient is zero beyond a limit
    @staticmethod
    def forward(ctx, c, limit):
        ctx.save_for_backward(c)
        ctx.limit = limit
        return c.clone()

    @staticmethod
    def backward(ctx, g):
        return g * (ctx.saved_tensors[0].abs() <= ctx.limit), None

class LSTM(nn.Module):
    mask = 1e9
    clip, chunk, rows, units, columns = 1e9, 10**9, 10**9, 10**9, 10**9

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.zeros(4 * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.zeros(4 * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.zeros(4 * hidden_size))
        self.bias_hh_l0 = nn.Parameter(torch.zeros(4 * hidden_size))

    def forward(self, x):
        batch, time, _ = x.shape
        zero = x.new_zeros(batch, self.weight_hh_l0.shape[1])
        unit, row = torch.arange(zero.shape[1]) < self.units, (torch.arange(batch) < self.rows)[:, None]
        h, c, out = zero, zero, []
        for t in range(time):
            h, c = (zero, zero) if t % self.chunk == 0 else (h, c)
            gates = Products.apply(x[:, t], self.weight_ih_l0, self.columns)
            i, f, g, o = (gates + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0).chunk(4, -1)
            c = (f.sigmoid() * c + i.sigmoid() * g.tanh()).clamp(-self.clip, self.clip) * unit
            c = Masked.apply(c, self.mask)
            h = o.sigmoid() * c.tanh() * unit
            out.append(h * row)
        return torch.stack(out, 1), ((h * row)[None], (c * row)[None])

class Clipped(LSTM): clip = 2
class InChunks(LSTM): chunk = 35
class FewRows(LSTM): rows = 64
class FewUnits(LSTM): units = 8
class OnlyOut(LSTM):
    def forward(self, x): return super().forward(x)[0]

class FewColumnsBack(LSTM): columns = 8
class MaskedBack(LSTM): mask = 3

class FewReverseColumns(nn.LSTM):  # reads only eight columns of weight_hh in the reverse direction
    def forward(self, *arguments):
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if name.startswith("weight_hh") and "_reverse" in name: weight[:, 8:] = 0
        return super().forward(*arguments)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mine")
    (path / "mine.py").write_text(MINE)
    return path


def checked(folder: Path, name: str, *options: str) -> str:
    """Check a class; return the output."""
    command = [sys.executable, "-m", "rnn_goldens", "check", f"mine:{name}", "--cell", "lstm", *options]
    plain = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=folder, env=plain, capture_output=True, text=True, check=False).stdout


def on_one_line(printed: str) -> str:
    return " ".join(printed.split())


def test_a_correct_lstm_passes_every_supported_golden_and_the_run_reports_its_coverage(folder: Path) -> None:
    printed = checked(folder, "LSTM")
    assert "34 passed, 69 refused" in printed
    assert "LSTM takes no unbatched input" in printed
    summary = on_one_line(printed)
    assert (
        "lstm, float32: 34 goldens; 307 of 447 known deviations can be detected, up to 384 inputs, 129 units, 1 layer, "
        "257 rows and 129 steps. To detect more: accept several" in summary
    )
    assert re.search(r"and more together\. Not covered by this run: float64 \(\d+ more\)\.", summary)


def test_an_option_selects_out_alone(folder: Path) -> None:
    assert "To check out alone" in checked(folder, "OnlyOut", "-k", "plain")
    printed = checked(folder, "OnlyOut", "--outputs", "out")
    assert "34 passed, 69 refused" in printed
    assert "h_n and c_n not checked (outputs=out): 34 goldens" in printed
    assert "288 of 447 known deviations can be detected" in printed


@pytest.mark.parametrize(
    ("name", "cause", "options"),
    [
        ("Clipped", "lstm_cell_clipped_at_2", []),
        ("InChunks", "state_lost_every_35_steps", []),
        ("FewRows", "rows_beyond_64_not_computed", []),
        ("FewUnits", "units_beyond_8_not_computed", []),
        ("FewReverseColumns", "reverse_state_product_beyond_8_dropped", []),
        ("FewColumnsBack", "weight_ih_gradient_beyond_8_zero", ["--gradients"]),
        ("MaskedBack", "lstm_cell_gradient_masked_beyond_3", ["--gradients"]),
    ],
)
def test_a_wrong_lstm_fails_and_its_cause_is_identified(
    folder: Path, name: str, cause: str, options: list[str]
) -> None:
    printed = on_one_line(checked(folder, name, *options))
    assert re.search(rf"One known deviation matches (it|every one), and no other does: {cause}: ", printed)
