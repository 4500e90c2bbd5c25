"""Repairing telescope pictures: seeing and noise taken away, and what that does to brightness and size.

    python benchmarks/telescope.py --sky SKY.npz --pictures FOLDER              # writes the training pictures
    gankit run srgan --data FOLDER --scale 1 --degradation telescope --stages pixel
    python benchmarks/telescope.py --sky SKY.npz --run latest

The sky is a file of `images` `[n, 64, 64, 3]` uint8 and `test` `[n]` bool. Test pictures are blurred by a Gaussian of
two pixels or Moffat's profile of the same half width, and get noise of 20 levels; every method sees the same ones.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from PIL import Image
from scipy import ndimage, signal
from skimage.restoration import wiener

SIGMA, NOISE, BETA = 2.0, 20.0, 3.0
REACH = 12


def profile(kind: str) -> np.ndarray:
    """`[25, 25]`, sum of 1."""
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    if kind == "gaussian":
        found = np.exp(-(x**2 + y**2) / (2 * SIGMA**2))
    else:
        core = SIGMA * np.sqrt(2 * np.log(2)) / np.sqrt(2 ** (1 / BETA) - 1)
        found = (1 + (x**2 + y**2) / core**2) ** -BETA
    return found / found.sum()


def seen(images: np.ndarray, kind: str, seed: int) -> np.ndarray:
    """What the telescope gives of the sky, `[n, 64, 64, 3]` uint8."""
    kernel = profile(kind)[None, :, :, None]
    wide = np.pad(images.astype(float), ((0, 0), (REACH, REACH), (REACH, REACH), (0, 0)), "symmetric")
    blurred = signal.fftconvolve(wide, kernel, mode="valid", axes=(1, 2))
    noisy = blurred + np.random.default_rng(seed).normal(0, NOISE, blurred.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def smoothed(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing."""
    return ndimage.gaussian_filter(image.astype(float), (sigma, sigma, 0))


def deconvolved(image: np.ndarray, kind: str, balance: float) -> np.ndarray:
    """Wiener's filter, colour by colour; the picture is mirrored at its edges."""
    wide = np.pad(image / 255.0, ((REACH, REACH), (REACH, REACH), (0, 0)), "symmetric")
    found = [wiener(wide[..., channel], profile(kind), balance) for channel in range(3)]
    return 255 * np.stack(found, axis=2)[REACH:-REACH, REACH:-REACH]


def figures(truth: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """PSNR in dB; relative errors of flux and of the mean square radius about the centre of brightness."""
    found = np.clip(found, 0, 255)
    error = ((truth - found) ** 2).mean(axis=(1, 2, 3))
    flux = [image.sum(axis=(1, 2, 3)) for image in (truth.astype(float), found)]
    radius = [np.array([second_moment(picture) for picture in image]) for image in (truth, found)]
    return {
        "PSNR": float(np.mean(10 * np.log10(255**2 / error))),
        "flux, median": float(np.median(flux[1] / flux[0] - 1)),
        "flux, spread": float(np.median(np.abs(flux[1] / flux[0] - 1))),
        "moment, median": float(np.nanmedian(radius[1] / radius[0] - 1)),
        "moment, spread": float(np.nanmedian(np.abs(radius[1] / radius[0] - 1))),
    }


def second_moment(picture: np.ndarray) -> float:
    """Mean square radius of what is brighter than the median, in square pixels; NaN where nothing is."""
    light = picture.mean(axis=2)
    light = np.clip(light - np.median(light), 0, None)
    if not light.sum():
        return float("nan")
    y, x = np.mgrid[: light.shape[0], : light.shape[1]]
    weights = light / light.sum()
    return float((weights * ((y - (weights * y).sum()) ** 2 + (x - (weights * x).sum()) ** 2)).sum())


def best(train: np.ndarray, kind: str, method: object, values: list[float]) -> float:
    """The parameter with the highest PSNR on training pictures."""
    low = seen(train, kind, 1)
    scores = {value: figures(train, np.stack([method(image, value) for image in low]))["PSNR"] for value in values}  # type: ignore[operator]
    return max(scores, key=scores.__getitem__)


@click.command()
@click.option("--sky", type=click.Path(path_type=Path), required=True)
@click.option("--pictures", type=click.Path(path_type=Path), help="Folder for the training pictures.")
@click.option("--run", help="Run whose network is judged.")
def main(sky: Path, pictures: Path | None, run: str | None) -> None:
    """Writes the training pictures, or judges."""
    with np.load(sky) as file:
        images, test = file["images"], file["test"]
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
        for i in np.flatnonzero(~test):
            Image.fromarray(images[i]).save(pictures / f"{i:04d}.png")
        return
    train, truth = images[~test][::8], images[test]
    print(f"{'':26}" + "".join(f"{name:>16}" for name in figures(truth[:1], truth[:1] + 1.0)))
    for kind in ("gaussian", "moffat"):
        low = seen(truth, kind, 0)
        width = best(train, kind, smoothed, [0.7, 1.0, 1.3, 1.6])
        balance = best(train, kind, lambda image, value, kind=kind: deconvolved(image, kind, value), [0.1, 0.3, 1, 3])
        methods = {
            "input": low.astype(float),
            f"smoothing ({width:g})": np.stack([smoothed(image, width) for image in low]),
            f"Wiener ({balance:g})": np.stack([deconvolved(image, kind, balance) for image in low]),
        }
        if run:
            from gankit_srgan import models

            network = models.opened(models.of_run(run))
            methods["ours"] = np.concatenate([255 * network(part[None].astype("float32") / 255) for part in low])
        for name, found in methods.items():
            print(f"{kind + ', ' + name:26}" + "".join(f"{value:16.3f}" for value in figures(truth, found).values()))


if __name__ == "__main__":
    main()
