"""The graphs made without TensorFlow, and exported networks, against Keras."""

import subprocess
import sys

import numpy as np
import pytest
from gankit_srgan.enlarger import in_cells
from gankit_srgan.model import Model

pytest.importorskip("onnx", reason="needs the extra gankit[onnx]")
pytest.importorskip("onnxruntime", reason="needs the extra gankit[onnx]")

from gankit_srgan import onnx_backend, onnx_graph
from gankit_srgan.onnx_backend import OnnxEnlarger, preferred, serialised

SIZES = [(1, 1, 1), (1, 1, 2), (2, 2, 1), (3, 3, 5), (1, 17, 12)]
CASES = [("compact", 2, 2, 16), ("compact", 3, 1, 8), ("compact", 4, 6, 48), ("fast", 2, 1, 8), ("fast", 4, 3, 24)]
CASES += [("unet", 4, 3, 32), ("unet", 1, 1, 8)]


def shaken(network):
    """Every variable away from the zeros that would hide it."""
    rng = np.random.default_rng(3)
    for v in network.variables:
        v.assign(rng.normal(0, 0.1 if len(v.shape) > 1 else 0.5, v.shape))
    return network


def model_of(network, generator, scale, **options):
    weights = {f"{i:03d}/{v.name}": np.asarray(v) for i, v in enumerate(network.variables)}
    return Model("test", generator, scale, options, 7, weights)


@pytest.mark.parametrize("generator, scale, blocks, width", CASES)
def test_the_graph_is_the_network(generator, scale, blocks, width):
    from gankit_srgan import networks

    network = shaken(getattr(networks, generator)(scale, blocks, width))
    rows = onnx_graph.TABLES[generator](blocks)
    assert onnx_graph.variables(rows) == [f"{layer.name}/{v.name}" for layer in network.layers for v in layer.variables]
    enlarger = OnnxEnlarger(model_of(network, generator, scale, blocks=blocks, width=width))
    assert (enlarger.name, enlarger.scale, enlarger.radius) == ("test", scale, 7)
    rng = np.random.default_rng(1)
    for size in SIZES:
        low = rng.random((*size, 3), np.float32)
        high = enlarger(low)
        assert high.dtype == np.float32 and high.shape == (size[0], size[1] * scale, size[2] * scale, 3)
        expected = in_cells(network, enlarger.cell, scale)(low)
        np.testing.assert_allclose(high, expected, atol=1e-4 * max(1, np.abs(high).max()))


def test_the_graph_is_valid_and_leaves_sizes_open():
    import onnx
    from gankit_srgan import networks

    proto = onnx.load_from_string(serialised(model_of(networks.fast(3, 1, 8), "fast", 3, blocks=1)))
    onnx.checker.check_model(proto, full_check=True)
    shapes = [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in proto.graph.input]
    assert shapes == [["batch", "low_resolution_height", "low_resolution_width", 3]]


def test_enlarging_needs_no_tensorflow(tmp_path):
    from gankit_srgan import networks

    network = shaken(networks.fast(2, 1, 8))
    low = np.random.default_rng(4).random((1, 4, 6, 3), np.float32)
    model_of(network, "fast", 2, blocks=1, width=8).save(tmp_path / "m.safetensors")
    np.save(tmp_path / "low.npy", low)
    code = (
        "import sys, numpy as np\nfrom pathlib import Path\n"
        "from gankit_srgan.model import Model\nfrom gankit_srgan.onnx_backend import OnnxEnlarger\n"
        f"here = Path({str(tmp_path)!r})\nenlarge = OnnxEnlarger(Model.read(here / 'm.safetensors'))\n"
        "np.save(here / 'high.npy', enlarge(np.load(here / 'low.npy')))\n"
        "assert not {'tensorflow', 'keras', 'tf2onnx'} & set(sys.modules), 'heavy'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # The file keeps half precision: 11 bits of each weight.
    np.testing.assert_allclose(np.load(tmp_path / "high.npy"), network(low), atol=5e-3)


def test_what_is_missing_is_named(monkeypatch):
    from gankit.errors import UsageError

    model = Model("test", "fast", 2, {"blocks": 1}, 7, {})
    assert preferred(model)
    assert not preferred(Model("test", "paper", 2, {}, 7, {}))
    monkeypatch.setattr(onnx_backend, "has_gpu", lambda: True)
    assert not preferred(model)  # TensorFlow uses it
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match="needs onnxruntime") as error:
        OnnxEnlarger(model)
    assert "gankit[onnx]" in error.value.hint
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not preferred(model)


@pytest.mark.slow
def test_the_papers_generator_is_converted(tmp_path):
    pytest.importorskip("tf2onnx", reason="needs the extra gankit[onnx]")
    import keras
    from gankit_srgan import networks

    network = networks.paper(2)
    rng = np.random.default_rng(6)
    for v in network.variables:  # statistics and slopes as after a training
        if v.name in ("moving_mean", "beta", "alpha"):
            v.assign(rng.normal(0, 0.2, v.shape))
        elif v.name in ("moving_variance", "gamma"):
            v.assign(rng.uniform(0.5, 1.5, v.shape))
    model = model_of(network, "paper", 2)
    keras.utils.set_random_seed(1)
    enlarger = OnnxEnlarger(model)
    for size in SIZES:
        low = rng.random((*size, 3), np.float32)
        expected = np.asarray(network(low, training=False))
        np.testing.assert_allclose(enlarger(low), expected, atol=1e-4 * max(1, np.abs(expected).max()))
