"""NIQE here against basicsr's, image by image.

    pip install torch opencv-python-headless setuptools cython
    pip install --no-deps --no-build-isolation basicsr==1.4.2
    python benchmarks/niqe.py FOLDER --border 4

Both score the luma of the same RGB pixels, without `--border` pixels at every side. basicsr computes in float32, we in
float64, and rounding noise counts where a picture has flat areas (see gankit/metrics/niqe.py): a difference of a few
thousandths there is no mistake of either. Ends with 1 where the means differ by more than `--tolerance`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import statistics
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gankit.images.images import list_images, read_image
from gankit.images.metrics.image_quality import luma
from gankit.images.metrics.naturalness import niqe


def second_implementation() -> Callable[[np.ndarray, int], float]:
    """`calculate_niqe` of `[h, w, 3]` uint8 in RGB and a border.

    basicsr as a whole cannot be imported beside a recent torchvision, which its NIQE has no need of. So its packages
    are stood up empty, and only the modules that NIQE reads are loaded.
    """
    spec = importlib.util.find_spec("basicsr")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("error: basicsr is not installed\nhint: pip install --no-deps basicsr==1.4.2")
    root = Path(spec.submodule_search_locations[0])
    for package in ("basicsr", "basicsr.utils", "basicsr.metrics"):
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = [str(root.joinpath(*package.split(".")[1:]))]
    colour = importlib.import_module("basicsr.utils.color_util")
    sys.modules["basicsr.utils"].bgr2ycbcr = colour.bgr2ycbcr
    calculate = importlib.import_module("basicsr.metrics.niqe").calculate_niqe

    return lambda pixels, border: calculate(np.ascontiguousarray(pixels[:, :, ::-1]), border)  # it takes BGR


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photographs")
    parser.add_argument("--border", type=int, default=4, help="pixels removed at every side")
    parser.add_argument(
        "--tolerance", type=float, default=1e-3, help="relative difference of the means that is allowed"
    )
    parser.add_argument("--limit", type=int, help="the first images only")
    args = parser.parse_args()

    theirs = second_implementation()
    rows: list[tuple[float, float]] = []
    seconds = [0.0, 0.0]
    print(f"{'image':32} {'ours':>9} {'theirs':>9} {'difference':>11}")
    for path in list_images(args.folder)[: args.limit]:
        pixels = read_image(path)
        began = time.perf_counter()
        try:
            ours = niqe(luma(pixels), args.border)
        except ValueError as error:
            print(f"{path.name[:32]:32} {error}")
            continue
        between = time.perf_counter()
        rows.append((ours, theirs(pixels, args.border)))
        seconds = [seconds[0] + between - began, seconds[1] + time.perf_counter() - between]
        print(f"{path.name[:32]:32} {ours:9.5f} {rows[-1][1]:9.5f} {ours / rows[-1][1] - 1:+11.1e}")
    if not rows:
        raise SystemExit("error: no image could be scored")
    differences = [abs(a / b - 1) for a, b in rows]
    a, b = (statistics.fmean(column) for column in zip(*rows, strict=True))
    print(f"{f'mean of {len(rows)}':32} {a:9.5f} {b:9.5f} {a / b - 1:+11.1e}")
    print(f"{'seconds':32} {seconds[0]:9.1f} {seconds[1]:9.1f}")
    print(f"relative difference: median {statistics.median(differences):.1e}, largest {max(differences):.1e}")
    return int(abs(a / b - 1) > args.tolerance)


if __name__ == "__main__":
    sys.exit(main())
