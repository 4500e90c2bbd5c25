"""Weights that others publish as PyTorch checkpoints or HDF5 are read as arrays, and hostile files are refused."""

import pickle
import struct
import time
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest
from weightfiles import FLOATS, GOOD, glob, legacy, state, tensor, text, tuple_, write_layers, zipped

from gankit.errors import DataError
from gankit.images.features import efficientnet_lite0, hdf5_file, vgg19
from gankit.support import torch_file


@pytest.mark.parametrize("container", [legacy, zipped])
def test_tensors_are_read_with_their_strides(tmp_path, container):
    path = tmp_path / "good.pth"
    path.write_bytes(container(GOOD))
    tensors = torch_file.read_tensors(path)
    assert list(tensors) == ["w", "last"]
    np.testing.assert_array_equal(tensors["w"], [[0, 2, 4], [1, 3, 5]])
    assert tensors["last"].shape == () and tensors["last"] == 5
    assert not tensors["w"].flags.writeable


def test_every_storage_type_and_a_parameter(tmp_path):
    path = tmp_path / "types.pth"
    names = {name.split()[1]: np.dtype(code) for name, code in torch_file._DTYPES.items()}
    parameter = glob("torch._utils._rebuild_parameter") + tuple_(tensor((1,), (1,), 1, key="p"), b"\x88", b"}") + b"R"
    entries = {name: tensor((2,), (1,), 2, key=name, kind=f"torch.{name}") for name in names}
    members = [(f"data/{name}", np.ones(2, dtype).tobytes()) for name, dtype in names.items()]
    path.write_bytes(zipped(state(p=parameter, **entries), [*members, ("data/p", FLOATS[3:4].tobytes())]))
    tensors = torch_file.read_tensors(path)
    assert tensors["p"] == [3]
    for name, dtype in names.items():
        assert tensors[name].dtype == dtype and (tensors[name] == 1).all()


def test_tensors_in_nested_lists_are_named_by_their_paths(tmp_path):
    path = tmp_path / "layers.pt"
    path.write_bytes(zipped(b"\x80\x02](" + tuple_(text("Dense"), GOOD[2:-1]) + b"e.", [("data/0", FLOATS.tobytes())]))
    tensors = torch_file.read_tensors(path)
    assert list(tensors) == ["0/1/w", "0/1/last"]
    np.testing.assert_array_equal(tensors["0/1/w"], [[0, 2, 4], [1, 3, 5]])


def reduce_(name, *arguments):
    return glob(name) + tuple_(*arguments) + b"R"


BOMB_KEY = b"\x80\x02})" + b"q\x00h\x00\x86" * 60 + b"K\x00s."  # a tuple whose hash takes 2**60 steps
LONG_NAME = b"\x80\x04)" + b"\x94h\x00\x86" + b"q\x00h\x00\x86" * 60 + text("x") + b"\x93."  # ... whose text does
DOUBLED = b"\x80\x02]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(60)) + b"."
HOSTILE = {
    "lists that hold each other twice": (zipped(DOUBLED), "no mapping"),
    "a list that holds itself": (zipped(b"\x80\x02]q\x00h\x00a."), "no mapping"),
    "os.system": (legacy(b"\x80\x02" + reduce_("os.system", text("touch OWNED")) + b"."), "os.system"),
    "posix.system in a tensor's place": (zipped(state(w=reduce_("posix.system", text("touch OWNED")))), "posix.system"),
    "builtins.eval": (zipped(b"\x80\x02" + reduce_("builtins.eval", text("1")) + b"."), "builtins.eval"),
    "nested getattr": (
        zipped(b"\x80\x02" + reduce_("builtins.getattr", glob("collections.OrderedDict"), text("x")) + b"."),
        "builtins.getattr",
    ),
    "dotted attribute": (zipped(b"\x80\x04" + text("torch._utils") + text("os.system") + b"\x93."), "torch._utils.os"),
    "python 2 name": (zipped(b"\x80\x02" + reduce_("__builtin__.apply", text("x")) + b"."), "__builtin__.apply"),
    "inst opcode": (zipped(b"\x80\x02(ios\nsystem\n."), "opcode INST"),
    "extension registry": (zipped(b"\x80\x02\x82\x01."), "opcode EXT1"),
    "newobj": (zipped(b"\x80\x02" + glob("collections.OrderedDict") + b")\x81."), "opcode NEWOBJ"),
    "build sets attributes": (zipped(b"\x80\x02" + glob("torch._utils._rebuild_tensor_v2") + b"}b."), "attributes"),
    "a string that is called": (zipped(b"\x80\x02" + text("collections OrderedDict") + b")R."), "no function"),
    "huge storage, legacy": (
        legacy(state(w=tensor((1 << 40,), (1,), 1 << 40)), [(b"0", b"", 1 << 40)]),
        "more elements than the file holds",
    ),
    "huge storage, zip": (zipped(state(w=tensor((1 << 40,), (1,), 1 << 40))), "more bytes than the file holds"),
    "count differs": (legacy(GOOD, [(b"0", FLOATS.tobytes(), 1 << 60)]), "claims more"),
    "negative count": (zipped(state(w=tensor((1,), (1,), -1))), "elements"),
    "view behind its storage": (zipped(state(w=tensor((2, 3), (3, 1), 6, offset=1))), "larger than its storage"),
    "expanded without end": (zipped(state(w=tensor((1 << 40,), (0,), 6))), "larger than its storage"),
    "negative stride": (zipped(state(w=tensor((2,), (-1,), 6, offset=3))), "impossible shape"),
    "negative offset": (zipped(state(w=tensor((2,), (1,), 6, offset=-1))), "impossible shape"),
    "shape that wraps around": (zipped(state(w=tensor((1 << 62, 4), (0, 0), 6))), "impossible shape"),
    "storage in two ways": (zipped(state(a=tensor((1,), (1,), 6), b=tensor((1,), (1,), 5))), "two ways"),
    "path in a storage key": (
        zipped(state(w=tensor((6,), (1,), 6, key="../../secret")), [("data/../../secret", FLOATS.tobytes())]),
        "storage named",
    ),
    "member outside the archive": (zipped(GOOD, [("../../data/0", FLOATS.tobytes())]), "KeyError"),
    "compressed member": (zipped(GOOD, compression=zipfile.ZIP_DEFLATED), "compressed"),
    "expanding pickle": (zipped(b"\x80\x02" + b"N" * (1 << 23), compression=zipfile.ZIP_DEFLATED), "compressed"),
    "short member": (zipped(GOOD, [("data/0", b"\0\0\0\0")]), "damaged"),
    "hash bomb": (zipped(BOMB_KEY), "dictionary key"),
    "text bomb": (zipped(LONG_NAME), "no string"),
    "memo index": (zipped(b"\x80\x02}r\xff\xff\xff\x7f."), "no mapping"),
    "endless opcodes": (zipped(b"\x80\x02" + b"N" * 3_000_000 + b"."), "too long"),
    "byte string of a petabyte": (zipped(b"\x80\x05\x96" + struct.pack("<Q", 1 << 50) + b"."), "damaged"),
    "truncated legacy": (legacy(GOOD)[:-5], "more elements than the file holds"),
    "truncated pickle": (legacy(GOOD)[:150], "damaged"),
    "truncated zip": (zipped(GOOD)[:-40], "damaged zip"),
    "big-endian": (legacy(GOOD, little=False), "little-endian"),
    "not a state_dict": (zipped(b"\x80\x02}" + text("epoch") + b"K\x03s."), "'epoch' is no tensor"),
    "text file": (b"weights\n" * 100, "damaged"),
    "ordinary pickle": (pickle.dumps({"a": 1}, 2), "magic"),
    "empty": (b"", "damaged"),
    "two pickles": (zipped(GOOD, [("data/0", FLOATS.tobytes()), ("x/data.pkl", GOOD)]), "one member data.pkl"),
    "underflow": (zipped(b"\x80\x02\x87."), "damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_checkpoint_is_refused_fast_and_small(tmp_path, monkeypatch, name):
    content, wanted = HOSTILE[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hostile.pth").write_bytes(content)
    tracemalloc.start()
    begin = time.perf_counter()
    try:
        with pytest.raises(DataError) as caught:
            torch_file.read_tensors("hostile.pth")
        took, peak = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert wanted in caught.value.message, caught.value.message
    # tracemalloc slows the longest of them, 400,000 opcodes, severalfold.
    assert took < 5 and peak < 100 << 20
    assert not (tmp_path / "OWNED").exists()


@pytest.mark.slow
def test_random_damage_gives_only_data_errors(tmp_path):
    """3,000 files with flipped bytes: each is read or refused with our error, never another one."""
    generator = np.random.default_rng(0)
    path = tmp_path / "fuzz.pth"
    for container in (legacy(GOOD), zipped(GOOD)):
        for _ in range(1500):
            data = bytearray(container)
            for place in generator.integers(0, len(data), generator.integers(1, 4)):
                data[place] = generator.integers(256)
            path.write_bytes(data)
            try:
                torch_file.read_tensors(path)
            except DataError:
                continue


def test_an_absent_file_is_a_data_error(tmp_path):
    for read in (torch_file.read_tensors, hdf5_file.read_layers, efficientnet_lite0.locate, vgg19.WEIGHTS.locate):
        with pytest.raises(DataError):
            read(tmp_path / "absent")


# --- HDF5 -----------------------------------------------------------------------------------------------------------


def test_layers_are_read_as_keras_writes_them(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="a"), keras.layers.ReLU(name="b")])
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(tmp_path / "w.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    layers = hdf5_file.read_layers(tmp_path / "w.h5")
    assert list(layers) == ["a", "b"] and layers["b"] == []
    for ours, theirs in zip(layers["a"], model.layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def _external_link(file, folder):
    write_layers(folder / "secret.h5", {"a": [FLOATS, FLOATS]})
    del file["a"]
    file["a"] = h5py.ExternalLink(str(folder / "secret.h5"), "/a")


def _soft_link(file, folder):
    file["other"] = FLOATS
    del file["a/a_W_1:0"]
    file["a/a_W_1:0"] = h5py.SoftLink("/other")


def _external_storage(file, folder):
    (folder / "secret").write_bytes(b"secret!!")
    del file["a/a_W_1:0"]
    file["a"].create_dataset("a_W_1:0", (2,), "<f4", external=[(str(folder / "secret"), 0, 8)])


def _virtual(file, folder):
    write_layers(folder / "secret.h5", {"a": [FLOATS, FLOATS]})
    layout = h5py.VirtualLayout((6,), "<f4")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "a/a_W_1:0", (6,))
    del file["a/a_W_1:0"]
    file["a"].create_virtual_dataset("a_W_1:0", layout)


def _unwritten(file, folder):
    del file["a/a_W_1:0"]
    file["a"].create_dataset("a_W_1:0", (1 << 40,), "<f4")


def _compressed(file, folder):
    del file["a/a_W_1:0"]
    file["a"].create_dataset("a_W_1:0", data=np.zeros(1 << 20), compression="gzip")


def _repeated(file, folder):
    file["large"] = np.zeros(100_000)
    names = [f"x{i}" for i in range(100)]
    for name in names:
        file["a"][name] = file["large"]
    file["a"].attrs["weight_names"] = names


def _objects(file, folder):
    del file["a/a_W_1:0"]
    file["a"].create_dataset("a_W_1:0", data=["text"], dtype=h5py.string_dtype())


def _rooted(file, folder):
    file["a"].attrs["weight_names"] = ["/a/a_W_1:0"]


def _group(file, folder):
    file["a"].attrs["weight_names"] = ["."]


def _no_layers(file, folder):
    del file.attrs["layer_names"]


def _numbers(file, folder):
    file.attrs["layer_names"] = np.arange(3)


HOSTILE_HDF5 = {
    _external_link: "ExternalLink",
    _soft_link: "SoftLink",
    _external_storage: "outside",
    _virtual: "outside",
    _unwritten: "more bytes",
    _compressed: "compressed",
    _repeated: "more bytes",
    _objects: "no plain numbers",
    _rooted: "plain name",
    _group: "plain name",
    _no_layers: "layer_names",
    _numbers: "no names",
}


@pytest.mark.parametrize("change", HOSTILE_HDF5, ids=lambda change: change.__name__[1:])
def test_hostile_hdf5_is_refused(tmp_path, change):
    path = tmp_path / "hostile.h5"
    write_layers(path, {"a": [FLOATS, FLOATS]})
    with h5py.File(path, "a") as file:
        change(file, tmp_path)
    with pytest.raises(DataError, match=HOSTILE_HDF5[change]):
        hdf5_file.read_layers(path)


def test_damaged_hdf5_is_refused(tmp_path):
    path = tmp_path / "damaged.h5"
    write_layers(path, {"a": [FLOATS, FLOATS]})
    whole = path.read_bytes()
    for content in (b"", b"text" * 100, whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError):
            hdf5_file.read_layers(path)
