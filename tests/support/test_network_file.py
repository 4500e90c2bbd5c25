"""Networks in one file."""

import json

import numpy as np
import pytest
from growth import growth
from safetensors.numpy import save_file

from gankit.errors import CheckpointError, UsageError
from gankit.support import network_file, read_facts, read_network, write_network

TENSORS = {"000/kernel": np.array([[1.0, 2.5]], np.float32), "001/scale": np.array(0.1, np.float32)}


def test_a_network_comes_back(tmp_path):
    path = write_network(tmp_path / "n", TENSORS, "mine/1", {"width": 3})
    assert path.read_bytes() == write_network(tmp_path / "m", TENSORS, "mine/1", {"width": 3}).read_bytes()
    facts, tensors = read_network(path, "mine/1", "")
    assert facts == {"width": 3} == read_facts(path, "mine/1", "")
    assert {key: value.shape for key, value in tensors.items()} == {"000/kernel": (1, 2), "001/scale": ()}
    np.testing.assert_array_equal(tensors["000/kernel"], TENSORS["000/kernel"])
    assert tensors["001/scale"] == np.float32(np.float16(0.1)) and tensors["001/scale"].dtype == np.float32
    write_network(path, TENSORS, "mine/1", {}, bits=32)
    assert read_network(path, "mine/1", "")[1]["001/scale"] == np.float32(0.1)


def test_eight_bits_keep_each_output_to_half_a_step(tmp_path):
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 20, 30)) * 10.0 ** np.arange(-15, 15)
    kernel[..., 7] = 0
    tensors = {"kernel": kernel, "bias": rng.normal(size=30)}
    path = write_network(tmp_path / "n", tensors, "mine/1", {}, bits=8)
    assert path.stat().st_size < kernel.size + 1000
    found = read_network(path, "mine/1", "")[1]
    assert set(found) == set(tensors)
    assert (np.abs(found["kernel"] - kernel) <= np.abs(kernel).max((0, 1, 2)) / 254 * 1.001).all()
    np.testing.assert_array_equal(found["bias"], tensors["bias"].astype(np.float16))
    step = np.zeros(4, np.float32)
    for wrong in ({"a": np.zeros((2, 3), np.int8), "a/step": step}, {"a": np.zeros((4, 1), np.int8), "a/step": step}):
        save_file(wrong, path, {"gankit": '{"format": "mine/1"}'})
        with pytest.raises(CheckpointError, match="no steps that fit"):
            read_network(path, "mine/1", "")
    write_network(path, {"a/step": step}, "mine/1", {})
    assert read_network(path, "mine/1", "")[1]["a/step"].shape == (4,)


@pytest.mark.parametrize("facts", ["{", "[]", "null", json.dumps({"format": "other/1"}), "[" * 100_000])
def test_other_files_are_refused(tmp_path, facts):
    save_file(TENSORS, tmp_path / "n", {"gankit": facts})
    with pytest.raises(CheckpointError) as caught:
        read_facts(tmp_path / "n", "mine/1", "pack one")
    assert caught.value.hint == "pack one"


def test_damage_and_absence(tmp_path):
    path = write_network(tmp_path / "n", {"a": np.array([np.inf])}, "mine/1", {})
    with pytest.raises(CheckpointError, match="not finite"):
        read_network(path, "mine/1", "")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="cannot read"):
        read_network(path, "mine/1", "")
    with pytest.raises(UsageError, match="there is no file"):
        read_network(tmp_path / "none", "mine/1", "")


def test_headers_are_bounded(tmp_path, monkeypatch):
    path = tmp_path / "n"
    entries = ",".join(f'"{i:07d}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for i in range(300_000))
    header = f"{{{entries}}}".encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    took = growth(path, "from gankit.support import read_facts", "read_facts(path, 'mine/1', 'pack one')")
    assert "its header is too large" in took.said and took.mb < 20 and took.seconds < 1, took
    path.write_bytes((2**60).to_bytes(8, "little"))
    with pytest.raises(CheckpointError, match="header is too large"):
        read_facts(path, "mine/1", "pack one")
    save_file({str(i): np.zeros(1, np.float32) for i in range(20)}, path, {"gankit": '{"format": "mine/1"}'})
    monkeypatch.setattr(network_file, "TENSORS", 19)
    with pytest.raises(CheckpointError, match="20 tensors, more than 19"):
        read_network(path, "mine/1", "pack one")
