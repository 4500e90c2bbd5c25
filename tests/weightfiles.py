"""A small assembler of weight files: torch is not needed, and hostile ones can be written."""

import io
import pickle
import struct
import zipfile

import h5py
import numpy as np


def text(value):
    return b"X" + struct.pack("<i", len(value.encode())) + value.encode()


def number(value):
    data = pickle.encode_long(value)
    return b"\x8a" + bytes([len(data)]) + data


def tuple_(*parts):
    return b"(" + b"".join(parts) + b"t"


def glob(name):
    module, attribute = name.rsplit(".", 1)
    return f"c{module}\n{attribute}\n".encode()


def tensor(shape, strides, count, offset=0, key="0", kind="torch.FloatStorage"):
    storage = tuple_(text("storage"), glob(kind), text(key), text("cpu"), number(count), b"N") + b"Q"
    view = (storage, number(offset), tuple_(*map(number, shape)), tuple_(*map(number, strides)), b"\x89")
    return glob("torch._utils._rebuild_tensor_v2") + tuple_(*view, glob("collections.OrderedDict") + b")R") + b"R"


def state(**entries):
    items = b"".join(text(name) + value for name, value in entries.items())
    return b"\x80\x02" + glob("collections.OrderedDict") + b")R(" + items + b"u."


FLOATS = np.arange(6, dtype="<f4")
SIX = FLOATS.tobytes()
GOOD = state(w=tensor((2, 3), (1, 2), 6), last=tensor((), (), 6, offset=5))


def legacy(obj, storages=((b"0", SIX, 6),), little=True):
    facts = {"protocol_version": 1001, "little_endian": little, "type_sizes": {}}
    head = b"".join(pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, facts))
    tail = b"".join(struct.pack("<q", count) + data for _, data, count in storages)
    return head + obj + pickle.dumps([key.decode() for key, _, _ in storages], 2) + tail


def zipped(obj, members=(("data/0", SIX),), compression=zipfile.ZIP_STORED, root="archive/"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(f"{root}data.pkl", obj)
        for name, data in members:
            archive.writestr(name if name.startswith("..") else root + name, data)
    return buffer.getvalue()


def write_layers(path, layers, **options):
    """The layout of keras.applications: `block1_conv1/block1_conv1_W_1:0`."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, arrays in layers.items():
            group = file.create_group(name)
            names = [f"{name}_{part}_1:0" for part in "Wb"][: len(arrays)]
            group.attrs["weight_names"] = [n.encode() for n in names]
            for n, array in zip(names, arrays, strict=True):
                group.create_dataset(n, data=array, **options)
