r"""Details that a person can judge: low resolution, bicubic, our models, truth; with PSNR on luma of the detail.

    python benchmarks/crops.py --photographs CC_photos --out RESULTS

The pictures come with scikit-image and scikit-learn. --photographs adds a large photograph: the one of the folder that
the training of the models in the box held out. None of these models was trained on any of them. RESULTS gets
crops.png. With --run pixel=RUN, repeated, it shows runs of yours instead of the models in the box.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage
import sklearn
from gankit_srgan import models
from gankit_srgan.degradation.tracks import TRACKS, reduced
from gankit_srgan.evaluation import Method, enlarging, luma_psnr

from gankit.images import imresize, picture_grid, read_image

SCALE = 4
BOX = ("fast", "compact")
SIDE = 144  # pixels a side of a detail
SKIMAGE, SKLEARN = Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images"
DETAILS = (  # what it shows, file, top left corner
    ("face", SKIMAGE / "astronaut.png", (20, 130)),
    ("foliage", SKLEARN / "china.jpg", (240, 0)),
    ("building", SKLEARN / "china.jpg", (60, 120)),
    ("text", SKIMAGE / "page.png", (0, 0)),
    ("fur", SKIMAGE / "chelsea.png", (60, 130)),
)
LARGE = ("large photograph", "friends_by_Aitzol_Berasategi.jpg", (800, 700))


def row(path: Path, corner: tuple[int, int], methods: dict[str, Method], track: str) -> dict[str, np.ndarray]:
    """Panels of one detail, by label; the methods see the whole picture."""
    truth = read_image(path)
    truth = truth[: truth.shape[0] // SCALE * SCALE, : truth.shape[1] // SCALE * SCALE]
    low = reduced(truth, SCALE, TRACKS[track], path.name)
    box = tuple(slice(start, start + SIDE) for start in corner)
    results = {"bicubic": imresize(low, *truth.shape[:2]), **{name: method(low) for name, method in methods.items()}}
    panels = {"low resolution": low.repeat(SCALE, 0).repeat(SCALE, 1)[box]}
    for name, image in results.items():
        panels[f"{name}  {luma_psnr(truth[box], image[box]):.2f} dB"] = image[box]
    return {**panels, "truth": truth[box]}


def main() -> None:
    """Draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, help="folder of the photographs behind the models in the box")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder of the result")
    parser.add_argument("--model", action="append", default=[], help="a model in the box, or a file; repeatable")
    parser.add_argument("--run", action="append", default=[], metavar="NAME=RUN", help="a run, instead of the box")
    parser.add_argument("--track", choices=TRACKS, default="clean", help="what the small pictures suffer")
    options = parser.parse_args()
    chosen = options.model or (() if options.run else BOX)
    methods = {Path(name).stem: enlarging(models.opened(models.find(name, SCALE))) for name in chosen}
    for text in options.run:
        name, _, run = text.partition("=")
        methods[name] = enlarging(models.opened(models.of_run(run)))
    details = list(DETAILS)
    if options.photographs:
        details.append((LARGE[0], options.photographs / LARGE[1], LARGE[2]))
    panels: list[np.ndarray] = []
    labels: list[str] = []
    for what, path, corner in details:
        found = row(path, corner, methods, options.track)
        panels += found.values()
        labels += [f"{what}: {label}" if label == "low resolution" else label for label in found]
    options.out.mkdir(parents=True, exist_ok=True)
    picture_grid(panels, 3 + len(methods), gap=4, labels=labels).save(options.out / "crops.png", optimize=True)
    print(options.out / "crops.png")


if __name__ == "__main__":
    main()
