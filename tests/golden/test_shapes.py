import pytest
from torch import nn

from rnn_goldens.golden.shapes import CELLS, LAYOUTS, Config, out_shape, state_shape, weight_shapes
from rnn_goldens.implementations.torch.layers import layer

CONFIGS = [
    Config(input_size=5, hidden_size=2, bias=False),
    Config(input_size=3, hidden_size=4, num_layers=2, bidirectional=True),
]


@pytest.mark.parametrize("config", CONFIGS, ids=["plain", "deep both ways"])
@pytest.mark.parametrize("cell", CELLS)
def test_weight_names_shapes_and_order_are_those_of_torch(cell: str, config: Config) -> None:
    torch_shapes = [(name, tuple(p.shape)) for name, p in layer(cell, config).named_parameters()]
    assert list(weight_shapes(LAYOUTS[cell], config).items()) == torch_shapes


def test_output_and_state_shapes_follow_from_the_configuration() -> None:
    config = CONFIGS[1]
    assert out_shape(config, (7,), 6) == (7, 6, 8)
    assert state_shape(config, (7,)) == (4, 7, 4)
    assert out_shape(config, (), 6) == (6, 8)
    assert state_shape(config, ()) == (4, 4)


def test_a_configuration_is_the_keyword_arguments_of_a_torch_layer() -> None:
    network = nn.LSTM(**CONFIGS[1], batch_first=True)
    assert (network.input_size, network.hidden_size, network.num_layers) == (3, 4, 2)
    assert network.bidirectional
    assert network.bias
    assert "hidden_size" in CONFIGS[1]
    assert "dropout" not in CONFIGS[1]
    with pytest.raises(KeyError):
        CONFIGS[1]["num_directions"]
