"""Reads weights in the HDF5 layout of Keras 1 and 2, and of keras.applications, as arrays only.

The layout: the root (or its group `model_weights`) has an attribute `layer_names`; the group of that name has an
attribute `weight_names`, which names the datasets inside it. (Source: `keras/src/legacy/saving/legacy_h5_format.py`.)

HDF5 can point outside its file: by soft and external links, by external storage and by virtual datasets. A file of
someone else's could so pull any file of ours into a network. It can also claim a shape of terabytes that was never
written, and name filters that make the library load plugins. All of that is refused before a byte is read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import DataError

_MAX_NAMES = 4096
_MAX_NDIM = 8


def read_layers(path: str | os.PathLike[str]) -> dict[str, list[np.ndarray]]:
    """Reads every layer's weights as arrays; no model is built and no configuration is read.

    Args:
        path: An HDF5 weights file in the legacy Keras layout.

    Returns:
        Layer name -> its arrays in the saved order, for example `[kernel, bias]`; an empty list where a layer has no
        weights. Real floating types and integers, as saved.

    Raises:
        DataError: The file is absent, damaged, in another layout, or uses links, external or virtual storage,
            filters, objects, or shapes larger than the file.
    """
    import h5py

    path = Path(path)
    try:
        size = path.stat().st_size
        with h5py.File(path, "r") as file:
            root = file
            if "layer_names" not in root.attrs and "model_weights" in root:
                root = _child(root, "model_weights", h5py.Group)
            layers = {}
            for layer in _names(root, "layer_names"):
                group = _child(root, layer, h5py.Group)
                layers[layer] = [_child(group, name, h5py.Dataset) for name in _names(group, "weight_names")]
            # Summed over all, because many names may lead to one dataset.
            claimed = sum(_plain_bytes(dataset) for datasets in layers.values() for dataset in datasets)
            if claimed > size:
                raise DataError("the arrays claim more bytes than the file holds")
            return {layer: [dataset[()] for dataset in datasets] for layer, datasets in layers.items()}
    except DataError as error:
        raise DataError(f"{path}: {error.message}", error.hint) from None
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DataError(f"{path} is not a readable HDF5 weights file ({type(error).__name__})") from error


def _names(group: Any, attribute: str) -> list[str]:
    if attribute not in group.attrs:
        raise DataError(
            f"no attribute {attribute} in {group.name!a}: not in the legacy Keras layout",
            "the weights files of keras.applications (.h5) are in it; those of model.save_weights are not",
        )
    identifier = group.attrs.get_id(attribute)
    if identifier.dtype.kind not in "SO" and identifier.shape != (0,):  # Keras writes an empty list as float64 [0]
        raise DataError(f"the attribute {attribute} of {group.name!a} holds no names")
    if len(identifier.shape) != 1 or identifier.shape[0] > _MAX_NAMES:
        raise DataError(f"the attribute {attribute} of {group.name!a} is not a list of at most {_MAX_NAMES} names")
    values = group.attrs[attribute]
    names = [value.decode("utf-8") if isinstance(value, bytes) else value for value in values]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise DataError(f"the attribute {attribute} of {group.name!a} holds no names, or one twice")
    return names


def _child(group: Any, name: str, kind: type) -> Any:
    """The group or dataset at `name`, where every step of the way is a hard link."""
    import h5py

    found = group
    for part in name.split("/"):
        # "" would start at the root again and "." stay; neither occurs in a file that Keras wrote.
        if part in ("", ".", "..") or not isinstance(found, h5py.Group):
            raise DataError(f"{name!a} is not a plain name")
        link = found.get(part, getlink=True, default=None)
        if link is None:
            raise DataError(f"{name!a} is missing in {group.name!a}")
        if not isinstance(link, h5py.HardLink):
            raise DataError(f"{name!a} is a link ({type(link).__name__}); links are not followed")
        found = found[part]
    if not isinstance(found, kind):
        raise DataError(f"{name!a} is not a {kind.__name__.lower()}")
    return found


def _plain_bytes(dataset: Any) -> int:
    """The size of a dataset in bytes, once it is known to hold plain numbers inside the file itself."""
    plist = dataset.id.get_create_plist()
    if plist.get_external_count() or dataset.is_virtual:
        raise DataError(f"{dataset.name!a} is stored outside the file")
    if plist.get_nfilters():
        raise DataError(f"{dataset.name!a} is compressed or filtered", "write the weights again without compression")
    if dataset.shape is None or dataset.dtype.kind not in "fiu" or dataset.ndim > _MAX_NDIM:
        raise DataError(f"{dataset.name!a} holds no plain numbers")
    claimed = dataset.dtype.itemsize
    for length in dataset.shape:  # in Python's integers, which don't wrap around
        claimed *= length
    return claimed
