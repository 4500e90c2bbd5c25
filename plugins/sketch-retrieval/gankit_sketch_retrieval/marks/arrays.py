"""Pictures of a .npz file: `images` with `labels`, or with `FILE.npz#train` `train` with `train_labels`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gankit import DataError

PLAIN = "images"  # the array that is meant without a name


def is_arrays(source: str) -> bool:
    """Whether a source is a .npz file, perhaps with the name of an array."""
    return source.partition("#")[0].lower().endswith(".npz")


def read_arrays(source: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The pictures, and what is known of each.

    Args:
        source: "FILE.npz": its array `images`, and all others of the same length as columns, named as in a
            labels.csv: `labels` becomes `label`, `fonts` `font`. "FILE.npz#train": its array `train`, and as columns
            those called `train_...`.

    Returns:
        `[n, height, width]` uint8, and column -> `[n]` strings.

    Raises:
        DataError: There is no such file or array, or it does not hold pictures.
    """
    name, _, key = source.partition("#")
    path, key = Path(name), key or PLAIN
    prefix = "" if key == PLAIN else f"{key}_"
    if not path.is_file():
        raise DataError(f"no such file: {path}", "check the path")
    try:
        with np.load(path, allow_pickle=False) as file:
            if key not in file.files:
                arrays = [name for name in file.files if f"{name}_labels" in file.files]
                known = f"it has {', '.join(file.files)}"
                hint = f"{known}; name one with {path.name}#{(arrays or file.files or ['train'])[0]}"
                raise DataError(f"{path} has no array {key!r}", hint)
            pictures = _grey(file[key], f"{path}, array {key!r},")
            columns = {}
            for other in file.files:
                if other != key and other.startswith(prefix):
                    values = file[other]
                    if values.shape == pictures.shape[:1]:
                        columns[other.removeprefix(prefix).removesuffix("s")] = values.astype(str)
    except DataError:
        raise
    except Exception as error:  # damaged archives and pickled objects raise nearly anything
        raise DataError(f"{path} cannot be read as arrays: {error}", "write it with numpy.savez_compressed") from error
    return pictures, columns


def _grey(values: np.ndarray, what: str) -> np.ndarray:
    """Any picture array as `[n, height, width]` uint8."""
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim == 4 and values.shape[3] == 3 and values.dtype == np.uint8:
        values = np.rint(values @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.uint8)
    if values.ndim != 3 or not values.size:
        raise DataError(
            f"{what} has shape {values.shape}", "pictures are [n, height, width], or [n, height, width, 3] in uint8"
        )
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * 255
    if values.dtype.kind == "f" and np.isfinite(values).all():
        low, high = float(values.min()), float(values.max())
        if low >= -1 and high <= 1:
            low = -1.0 if low < 0 else 0.0
            return np.rint((values - low) * (255 / (1 - low))).astype(np.uint8)
    raise DataError(f"{what} is {values.dtype}, and not all its values are in [0, 1]", "save it as uint8, 0 to 255")
