"""Arrays as a source: in memory, or mapped from a file."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import DataError

_ALIGNED = 64  # bytes: TensorFlow aborts the process when it meets a tensor at any other address
_PIECE = 1 << 24  # bytes that a fingerprint reads at a time


class ArraySource:
    """Rows of equally long arrays.

    An array that NumPy has mapped from a file (`np.load(path, mmap_mode="r")`, `np.memmap`), or a view of whole rows of
    one, stays there: a batch reads its own rows, and the operating system keeps them as long as memory is free.

    Args:
        **fields: Name -> `[n, ...]` array. Floating fields are delivered in Keras' floatx, others as they are.

    Attributes:
        fields: The arrays.
        n: Rows.

    Raises:
        DataError: There is no array, one has no rows, or they are of different lengths.

    Examples:
        >>> ArraySource(x=np.zeros((5, 2)), label=np.arange(5)).n
        5
    """

    def __init__(self, **fields: Any) -> None:
        self.fields = {
            name: value if isinstance(value, np.memmap) else np.asarray(value) for name, value in fields.items()
        }
        lengths = {name: len(value) if value.ndim else 0 for name, value in self.fields.items()}
        if not lengths or len(set(lengths.values())) != 1 or not next(iter(lengths.values())):
            said = ", ".join(f"{name} has {length:,}" for name, length in lengths.items()) or "there is none"
            raise DataError(
                f"a source needs arrays of one length greater than 0: {said}", "give as many rows of each, at least one"
            )
        self.n = next(iter(lengths.values()))

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over names, types, shapes and values."""
        digest = hashlib.sha256()
        for name, value in sorted(self.fields.items()):
            digest.update(f"{name} {value.dtype} {value.shape};".encode())
            rows = max(1, _PIECE * self.n // max(1, value.nbytes))
            for start in range(0, self.n, rows):
                digest.update(np.ascontiguousarray(value[start : start + rows]).tobytes())
        return digest.hexdigest()

    @cached_property
    def _tensors(self) -> dict[str, tuple[Any, int, int]]:
        """Of each field: a tensor, the place of row 0 in it, and the distance to the next row."""
        import keras
        import tensorflow as tf

        # Made eagerly, so that graphs hold references and not copies (a GraphDef may not exceed 2 GB).
        with tf.init_scope(), tf.device("CPU:0"):
            found = {}
            for name, value in self.fields.items():
                mapped = _mapped(value, name) if isinstance(value, np.memmap) else None
                floatx = keras.config.floatx() if value.dtype.kind == "f" else None
                found[name] = mapped or (tf.constant(value, floatx), 0, 1)
            return found

    def gather(self, rows: Any, index: Any, seed: int) -> dict[str, Any]:
        """`Source.gather`."""
        import keras
        import tensorflow as tf

        rows, found = tf.convert_to_tensor(rows), {}
        for name, (tensor, first, step) in self._tensors.items():
            value = tf.gather(tensor, rows if (first, step) == (0, 1) else first + step * rows)
            found[name] = tf.cast(value, keras.config.floatx()) if value.dtype.is_floating else value
        return found


def _mapped(value: np.memmap, name: str) -> tuple[Any, int, int] | None:
    """A mapped file as a tensor over the same pages, the place of the array's row 0 and the distance to row 1.

    Returns:
        None where TensorFlow cannot use the pages: the array is no view of whole rows, or of a foreign byte order.

    Raises:
        DataError: The file is gone, or shorter than it was.
    """
    import tensorflow as tf

    whole = value
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    size = value[0].nbytes
    if whole.filename is None or not size or not value[0].flags.c_contiguous:
        return None
    first, past = divmod(value.ctypes.data - whole.ctypes.data, size)
    step, odd = divmod(value.strides[0], size)
    if past or odd or whole.nbytes % size:
        return None
    try:
        # Copy on write: DLPack hands on no read-only memory, and nobody writes.
        pages = np.memmap(
            whole.filename, value.dtype, "c", whole.offset, shape=(whole.nbytes // size, *value.shape[1:])
        )
        if pages.ctypes.data % _ALIGNED:
            return None
        return tf.experimental.dlpack.from_dlpack(pages.__dlpack__()), first, step
    except BufferError:
        return None
    except (OSError, ValueError) as error:
        what = f"the file of field {name!r} is gone or has changed: {Path(whole.filename)}"
        raise DataError(what, "start again, and leave the file alone meanwhile") from error
