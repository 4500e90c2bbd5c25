"""OpenCV's module dnn_superres, with the model files its documentation names.

Only EDSR and FSRCNN are in a Python package (`imgtools-m8` 0.0.2); any other file of OpenCV's own, such as ESPCN_x4.pb
or LapSRN_x4.pb, is used if it lies in the folder of the peers.

These networks gain more over interpolation on pictures that OpenCV shrank without antialiasing than on the antialiased
ones of the papers, which every method is given here: their figures are below those of the papers they are named after.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from peers.method import SCALE, Found, Method, Missing, Place, timed

FILES = {"FSRCNN": f"FSRCNN_x{SCALE}.pb", "ESPCN": f"ESPCN_x{SCALE}.pb", "LapSRN": f"LapSRN_x{SCALE}.pb"}
FILES["EDSR"] = f"EDSR_x{SCALE}.pb"
PACKAGED = ("FSRCNN", "EDSR")


def turn(pixels: np.ndarray) -> np.ndarray:
    """RGB <-> BGR, OpenCV's order."""
    return np.ascontiguousarray(pixels[:, :, ::-1])


def file_of(model: str, folder: Path) -> Path | None:
    """Where the model's file lies."""
    places = (folder, folder / "imgtools_m8" / "models")
    return next((place / FILES[model] for place in places if (place / FILES[model]).is_file()), None)


def methods(place: Place) -> Found:
    """One method a model file. FSRCNN and ESPCN work on luma alone, with bicubic colour."""
    try:
        import cv2
        from cv2 import dnn_superres
    except ImportError as error:
        how = f"pip install --no-deps --target {place.folder} opencv-contrib-python-headless"
        return [Missing("OpenCV", str(error), how)]
    cv2.setNumThreads(place.threads)
    found: Found = []
    for model in FILES:
        path = file_of(model, place.folder)
        if path is None:
            package = f"pip install --no-deps --target {place.folder} imgtools-m8==0.0.2"
            how = (
                package if model in PACKAGED else f"put OpenCV's own file into {place.folder} (no known package has it)"
            )
            found.append(Missing(f"OpenCV {model}", f"{FILES[model]} was not found", how))
            continue
        network = dnn_superres.DnnSuperResImpl_create()
        try:
            network.readModel(str(path))
        except cv2.error as error:
            how = "pip install another version of opencv-contrib-python-headless"
            found.append(Missing(f"OpenCV {model}", f"{path} cannot be loaded: {error}", how))
            continue
        network.setModel(model.lower(), SCALE)
        facts = {"OpenCV": cv2.__version__, "file": path.name, "threads": cv2.getNumThreads()}
        found.append(Method(f"OpenCV {model}", "OpenCV", timed(network.upsample, turn, turn), facts))
    return found
