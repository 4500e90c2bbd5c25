"""Crops out of photographs too large for memory: how they are read, and what that costs.

    python benchmarks/reading.py FOLDER --work SCRATCH

A batch of random crops, by
    photograph   decoding the whole file for each crop
    tiles        decoding one of the 480 x 480 PNG tiles that the photographs were cut into beforehand
    cold         the prepared file, none of it in the operating system's cache
    warm         the prepared file, after it was read once
    memory       the same pixels in memory
and a batch of whole pictures of one size, as pairs and small pictures are read, by
    photograph   decoding and resizing each anew, with Pillow in a `FunctionSource`
    cold, warm, memory   as above
    jitter       from memory, enlarged by an eighth and cut at random
The ways alternate, and the ratios to `memory` are taken round by round, so that a change of the machine's speed meets
all of them; the processors' time tells more than the clock's where others are at work. Cold rounds say how much they
read from the disk; a virtual one may have a cache of its own. The prepared file and the tiles are made in SCRATCH and
left there.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from PIL import Image

from gankit.engine import FunctionSource
from gankit.engine.stream import batch_of
from gankit.images import (
    Augmented,
    Fit,
    ImageCrops,
    Jitter,
    PictureSource,
    Reductions,
    list_images,
    load_pixels,
    read_each,
    read_image,
)
from gankit.images.decoding import Plan

TILE = 480  # pixels; the usual size of sub-images in the field


def batches(source: Any, size: int, first: int) -> Iterable[Any]:
    """As the engine reads them."""
    zero = tf.zeros((), tf.int64)
    numbers = tf.data.Dataset.range(first, 2**60)
    return numbers.map(lambda g: batch_of({"x": source}, g, zero, size, size, 0), num_parallel_calls=2).prefetch(2)


def decoding(files: list[Path], size: int, crop: int, seed: int) -> Iterable[Any]:
    """A file for each crop, with as many decoders as there are processors."""

    def one(path: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_png(tf.io.read_file(path), 3)
        return tf.cast(tf.image.random_crop(image, (crop, crop, 3)), tf.float32) / 255

    paths = tf.data.Dataset.from_tensor_slices([str(path) for path in files]).shuffle(len(files), seed).repeat()
    return paths.map(one, num_parallel_calls=os.cpu_count()).batch(size).prefetch(2)


def cost(data: Iterable[Any], count: int, size: int) -> tuple[float, float]:
    """Seconds of the clock and of the processors a crop, over `count` batches; tracing is left out."""
    iterator = iter(data)
    next(iterator)
    began, busy = time.perf_counter(), time.process_time()
    for _ in range(count):
        next(iterator)
    return (time.perf_counter() - began) / (count * size), (time.process_time() - busy) / (count * size)


def cut(files: list[Path], folder: Path) -> list[Path]:
    """Tiles of all photographs as PNG files."""
    folder.mkdir(exist_ok=True)

    def tiles(item: tuple[int, Path]) -> list[Path]:
        number, path = item
        image, found = read_image(path), []
        for top in range(0, image.shape[0] - TILE + 1, TILE):
            for left in range(0, image.shape[1] - TILE + 1, TILE):
                target = folder / f"{number}-{top}-{left}.png"
                if not target.exists():
                    Image.fromarray(image[top : top + TILE, left : left + TILE]).save(target)
                found.append(target)
        return found

    return [path for found in read_each(list(enumerate(files)), tiles) for path in found]


def evict(path: Path) -> None:
    """Drops a file from the operating system's cache; no process may have it mapped."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_from_disk() -> int:
    """Bytes that this process has made the disk read."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("read_bytes")))


def whole_pictures(files: list[Path], side: int, count: int, size: int, rounds: int) -> dict[str, Any]:
    """Pictures a second, and what they cost the processors, in ms."""
    fit = Fit(side)

    def read(rows: np.ndarray) -> dict[str, np.ndarray]:
        return {"x": np.stack([fit(read_image(files[row])) for row in rows]).astype("float32") / 127.5 - 1}

    def prepared() -> PictureSource:
        return PictureSource(load_pixels(files, fit, 0).array(), "x")

    making, file = timed(prepared)
    path = Path(file.fields["x"].filename)
    del file
    memory = PictureSource(load_pixels(files, fit, 10**9).array(), "x")
    assert memory.fingerprint == prepared().fingerprint
    anew = FunctionSource(len(files), read, {"x": ((side, side, 3), "float32")})
    enlarged = Augmented(memory, Jitter(side * 9 // 8))
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds):
        first = 10**6 * number
        gc.collect()
        evict(path)
        found.setdefault("photograph", []).append(cost(batches(anew, size, first), max(1, count // 10), size))
        found.setdefault("cold", []).append(cost(batches(prepared(), size, first), count, size))
        found.setdefault("warm", []).append(cost(batches(prepared(), size, first), count, size))
        found.setdefault("memory", []).append(cost(batches(memory, size, first), count, size))
        found.setdefault("jitter", []).append(cost(batches(enlarged, size, first), count, size))
    return {
        "side": side,
        "seconds_to_prepare": round(making, 1),
        "pictures_per_second": {name: round(1 / statistics.median(w for w, _ in c)) for name, c in found.items()},
        "processor_ms_a_picture": {
            name: round(1e3 * statistics.median(p for _, p in c), 3) for name, c in found.items()
        },
    }


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    value = call()
    return time.perf_counter() - began, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photographs")
    parser.add_argument("--work", type=Path, required=True, help="where the prepared file and the tiles go")
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--side", type=int, default=256, help="of whole pictures")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--batches", type=int, default=40, help="a round; a tenth of it where files are decoded")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    os.environ["GANKIT_HOME"] = str(arguments.work)
    arguments.work.mkdir(exist_ok=True)
    files, size, crop, count = list_images(arguments.folder), arguments.batch_size, arguments.crop, arguments.batches
    sizes = Reductions(smallest=crop)

    def prepared() -> ImageCrops:
        return ImageCrops(load_pixels(files, sizes, 0), crop, repeat=1000)

    making, source = timed(prepared)
    finding, source = timed(prepared)
    held, memory = timed(lambda: ImageCrops(load_pixels(files, sizes, 10**9), crop, repeat=1000))
    assert memory.fingerprint == source.fingerprint
    del source
    cutting, tiles = timed(lambda: cut(files, arguments.work / "tiles"))
    (path,) = arguments.work.glob("prepared/*/pixels")
    found: dict[str, list[tuple[float, float]]] = {
        name: [] for name in ("photograph", "tiles", "cold", "warm", "memory")
    }
    read = []
    for number in range(arguments.rounds):
        found["photograph"].append(cost(decoding(files, size, crop, number), max(1, count // 10), size))
        found["tiles"].append(cost(decoding(tiles, size, crop, number), max(1, count // 10), size))
        source = prepared()
        gc.collect()
        evict(path)
        before = read_from_disk()
        found["cold"].append(cost(batches(source, size, 10**6 * number), count, size))
        read.append((read_from_disk() - before) / 1e6)
        path.read_bytes()
        found["warm"].append(cost(batches(source, size, 10**6 * number), count, size))
        del source
        found["memory"].append(cost(batches(memory, size, 10**6 * number), count, size))

    def over_memory(name: str, clock: int) -> dict[str, float]:
        ratios = sorted(a[clock] / b[clock] for a, b in zip(found[name], found["memory"], strict=True))
        return {"median": round(statistics.median(ratios), 2), "min": round(ratios[0], 2), "max": round(ratios[-1], 2)}

    megabytes = {
        "photographs": sum(file.stat().st_size for file in files) / 1e6,
        "tiles": sum(file.stat().st_size for file in tiles) / 1e6,
        "prepared": Plan.of(files, sizes).nbytes / 1e6,
    }
    seconds = {"prepare": making, "find": finding, "into_memory": held, "cut_tiles": cutting}
    result = {
        "photographs": len(files),
        "crops_per_second": {name: round(1 / statistics.median(w for w, _ in c)) for name, c in found.items()},
        "processor_ms_a_crop": {name: round(1e3 * statistics.median(p for _, p in c), 3) for name, c in found.items()},
        "clock_over_memory": {name: over_memory(name, 0) for name in found},
        "processor_over_memory": {name: over_memory(name, 1) for name in found},
        "megabytes_read_cold": round(statistics.median(read), 1),
        "megabytes": {name: round(value, 1) for name, value in megabytes.items()},
        "seconds_a_photograph": {name: round(value / len(files), 4) for name, value in seconds.items()},
    }
    os.environ["GANKIT_HOME"] = str(arguments.work / "whole")
    result["whole_pictures"] = whole_pictures(files, arguments.side, count, size, arguments.rounds)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
