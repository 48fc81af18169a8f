"""Implementations this package brings. A module is imported, and its framework with it, when it is named."""

BUILTIN = {
    "numpy": "rnn_goldens.implementations.numpy_cells:run",
    "torch": "rnn_goldens.implementations.torch.layers:run",
    "torch-cells": "rnn_goldens.implementations.torch.cells:run",
    "torch-compile": "rnn_goldens.implementations.torch.compiled:run",
    "onnxruntime": "rnn_goldens.implementations.onnx.session:run",
    "onnx-reference": "rnn_goldens.implementations.onnx.reference:run",
    "keras": "rnn_goldens.implementations.keras.layers:run",
    "keras-jax": "rnn_goldens.implementations.keras.on:jax",
    "keras-torch": "rnn_goldens.implementations.keras.on:torch",
    "keras-tensorflow": "rnn_goldens.implementations.keras.on:tensorflow",
    "flax": "rnn_goldens.implementations.flax.cells:run",
    "equinox": "rnn_goldens.implementations.equinox.cells:run",
    "openvino": "rnn_goldens.implementations.onnx.openvino:run",
    "paddle": "rnn_goldens.implementations.paddle.layers:run",
    "mindspore": "rnn_goldens.implementations.mindspore.layers:run",
    "mlx": "rnn_goldens.implementations.mlx.layers:run",
    "mnn": "rnn_goldens.implementations.onnx.mnn:run",
    "ncnn": "rnn_goldens.implementations.ncnn.layers:run",
    "executorch": "rnn_goldens.implementations.torch.executorch:run",
    "tflite": "rnn_goldens.implementations.keras.tflite:run",
}
"""By name, where it is."""

BACKWARD = {
    "numpy": "rnn_goldens.implementations.numpy_cells:gradients",
    "torch": "rnn_goldens.implementations.torch.gradients:of_layers",
    "torch-cells": "rnn_goldens.implementations.torch.gradients:of_cells",
    "torch-compile": "rnn_goldens.implementations.torch.compiled:gradients",
    "keras": "rnn_goldens.implementations.keras.gradients:of_layers",
    "keras-jax": "rnn_goldens.implementations.keras.on:jax_gradients",
    "keras-torch": "rnn_goldens.implementations.keras.on:torch_gradients",
    "keras-tensorflow": "rnn_goldens.implementations.keras.on:tensorflow_gradients",
    "flax": "rnn_goldens.implementations.flax.gradients:of_cells",
    "equinox": "rnn_goldens.implementations.equinox.cells:run",
    "paddle": "rnn_goldens.implementations.paddle.layers:gradients",
    "mindspore": "rnn_goldens.implementations.mindspore.layers:gradients",
    "mlx": "rnn_goldens.implementations.mlx.layers:gradients",
}
"""What gives their gradients, or outputs that can be differentiated; the others have none."""

EXTRAS = {
    "torch-cells": "torch",
    "torch-compile": "torch",
    "onnx-reference": "onnx",
    "keras-jax": "keras",
    "keras-torch": "keras",
}
"""The extra that installs what an implementation needs, where it is not called like the implementation."""

NEEDS = {
    "numpy": ("numpy",),
    "torch": ("torch",),
    "torch-cells": ("torch",),
    "torch-compile": ("torch",),
    "onnxruntime": ("onnx", "onnxruntime"),
    "onnx-reference": ("onnx", "numpy"),
    "keras": ("keras",),
    "keras-jax": ("keras", "jax"),
    "keras-torch": ("keras", "torch"),
    "keras-tensorflow": ("keras", "tensorflow"),
    "flax": ("flax", "jax"),
    "equinox": ("equinox", "jax"),
    "openvino": ("onnx", "openvino"),
    "paddle": ("paddle",),
    "mindspore": ("mindspore",),
    "mlx": ("mlx",),
    "mnn": ("onnx", "MNN"),
    "ncnn": ("ncnn",),
    "executorch": ("executorch", "torch"),
    "tflite": ("ai_edge_litert", "keras", "tensorflow"),
}
"""What is imported and decides its numbers; Keras has a backend besides."""
