# Golden vectors of recurrent networks, with a tolerance for each element: https://github.com/rnn-goldens/rnn-goldens
# RNN_GOLDENS_VECTORS=rnn-goldens-vectors-VERSION python -m pytest test/external/external_test_rnn_goldens.py
import json, os, pathlib, unittest
import numpy as np
import onnx
from onnx.numpy_helper import to_array
from tinygrad import Tensor
from tinygrad.nn import LSTMCell
from tinygrad.nn.onnx import OnnxRunner
from tinygrad.nn.state import safe_load

if "RNN_GOLDENS_VECTORS" not in os.environ: raise unittest.SkipTest("RNN_GOLDENS_VECTORS is not set")
VECTORS = pathlib.Path(os.environ["RNN_GOLDENS_VECTORS"])

# ops that OnnxRunner does not have: their goldens are skipped, and fail once OnnxRunner has the op
UNSUPPORTED = ("RNN", "LSTM", "GRU", "LinearAttention", "CausalConvWithState")

def check(name:str, got:np.ndarray, want:np.ndarray, tolerance:np.ndarray):
  assert got.shape == want.shape, f"{name} has shape {got.shape}, want {want.shape}"
  wrong = ~(np.abs(got.astype(np.float64) - want) <= tolerance)
  for i in np.argwhere(wrong)[:1].tolist():
    at = tuple(i)
    raise AssertionError(f"{name} is wrong in {wrong.sum()} of {wrong.size} elements, first at {i}: got {got[at]}, want {want[at]} ± {tolerance[at]}")

def tensors(case:pathlib.Path, kind:str) -> dict[str, np.ndarray]:
  protos = map(onnx.load_tensor, sorted(case.glob(f"test_data_set_0/{kind}_*.pb")))
  return {proto.name: to_array(proto) for proto in protos}

class TestOnnxRunner(unittest.TestCase):
  def run_golden(self, case:pathlib.Path):
    unsupported = [node.op_type for node in onnx.load(case/"model.onnx").graph.node if node.op_type in UNSUPPORTED]
    try: got = OnnxRunner(case/"model.onnx")(tensors(case, "input"))
    except NotImplementedError as e:
      if unsupported and str(e) == f"op='{unsupported[0]}' is not supported": self.skipTest(str(e))
      raise
    if unsupported: self.fail(f"{unsupported[0]} is supported now: remove it from UNSUPPORTED")
    tolerance = tensors(case, "tolerance")
    for name, want in tensors(case, "output").items(): check(name, got[name].numpy(), want, tolerance[name])

class TestLSTMCell(unittest.TestCase):
  def run_golden(self, path:pathlib.Path):
    golden = {name: t.numpy() for name, t in safe_load(path).items()}
    x, hidden, bias = golden["inputs/x"], golden["weights/weight_hh_l0"].shape[1], "weights/bias_ih_l0" in golden
    cell = LSTMCell(x.shape[-1], hidden, bias)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[:4 if bias else 2]: setattr(cell, name, Tensor(golden[f"weights/{name}_l0"]))
    hc = tuple(Tensor(golden[f"inputs/{name}"][0].reshape(-1, hidden)) for name in ("h0", "c0")) if "inputs/h0" in golden else None
    out = []
    for t in range(x.shape[-2]):
      hc = tuple(state.realize() for state in cell(Tensor(x[..., t, :].reshape(-1, x.shape[-1])), hc))
      out.append(hc[0].numpy())
    for name, got in {"out": np.stack(out, axis=1), "h_n": hc[0].numpy(), "c_n": hc[1].numpy()}.items():
      want, tolerance = golden[f"expected/{name}"], golden[f"tolerance/{name}"]
      check(name, got.reshape(want.shape), want, tolerance)

def add_tests(cls, kind:str, selected):
  for golden in json.loads((VECTORS/"index.json").read_text())["goldens"]:
    if "float32" in golden["files"].get(kind, {}) and selected(golden):
      path = VECTORS/golden["files"][kind]["float32"]
      setattr(cls, f"test_{golden['id']}", lambda self, path=path: self.run_golden(path))

def is_cell(golden) -> bool:
  return golden["cell"] == "lstm" and not {"multilayer", "bidirectional", "lengths"} & set(golden["features"])

add_tests(TestOnnxRunner, "onnx", lambda golden: True)
add_tests(TestLSTMCell, "safetensors", is_cell)

if __name__ == '__main__':
  unittest.main()
