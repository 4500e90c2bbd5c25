"""UpscalerJS' models under Node, each in a process of its own.

Under Node, TensorFlow.js runs its WebAssembly on one thread, and its other backend, tfjs-node, downloads a binary when
it is installed. Where that is there it is used; `peers.tfjs` runs the same weights in TensorFlow in any case.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from peers.method import SCALE, Failed, Found, Method, Missing, Place

PACKAGES = {"slim": "esrgan-slim", "medium": "esrgan-medium", "thick": "esrgan-thick"}
TFJS = "4.11.0"  # the models' own condition is ~4.11.0


def install(place: Place) -> str:
    """The line that installs all of it."""
    names = [f"@tensorflow/tfjs@{TFJS}", f"@tensorflow/tfjs-backend-wasm@{TFJS}"]
    return " ".join([f"npm install --prefix {place.folder}", *names, *(f"@upscalerjs/{p}" for p in PACKAGES.values())])


def model_file(place: Place, package: str) -> Path:
    """The network's description; its weights lie beside it."""
    return place.folder / "node_modules" / "@upscalerjs" / package / "models" / f"x{SCALE}" / "model.json"


class Process:
    """A Node process that holds one model. It starts at the first picture, and again after a crash."""

    def __init__(self, place: Place, package: str, facts: dict[str, Any]) -> None:
        self.place, self.package, self.facts = place, package, facts
        self.log = place.scratch / f"{package}.log"
        self.process: subprocess.Popen[str] | None = None

    def _answer(self) -> dict[str, Any]:
        assert self.process is not None and self.process.stdout is not None
        # What other lines a library prints are not ours.
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        code = self.process.wait()
        self.process = None
        last = self.log.read_text(errors="replace").strip().splitlines()[-8:]
        raise Failed(f"the Node process ended with code {code}: {' / '.join(last)}")

    def start(self) -> None:
        """Loads the model and notes how it runs."""
        script = Path(__file__).with_name("upscalerjs.mjs")
        arguments = [str(self.place.folder.resolve()), self.package, str(SCALE), str(self.place.threads)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["node", str(script), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.facts.update(self._answer())

    def run(self, low: np.ndarray) -> tuple[np.ndarray, float]:
        """`Method.run`."""
        if self.process is None:
            self.start()
        assert self.process is not None and self.process.stdin is not None
        height, width = low.shape[:2]
        given, made = (self.place.scratch / f"{self.package}.{end}" for end in ("in", "out"))
        given.write_bytes(low.tobytes())
        request = {"input": str(given), "height": height, "width": width, "output": str(made)}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            self.process.kill()  # WebAssembly's memory never shrinks: what failed for want of it would fail again
            self.process.wait()
            self.process = None
            raise Failed(answer["error"])
        pixels = np.fromfile(made, np.uint8).reshape(height * SCALE, width * SCALE, 3)
        return pixels, float(answer["seconds"])


def methods(place: Place) -> Found:
    """One method a model that npm has installed."""
    if shutil.which("node") is None:
        return [Missing("UpscalerJS", "Node is not installed", "install Node 18 or newer, then: " + install(place))]
    found: Found = []
    for size, package in PACKAGES.items():
        name = f"UpscalerJS {size} (Node)"
        if not model_file(place, package).is_file():
            found.append(Missing(name, f"@upscalerjs/{package} is not installed", install(place)))
            continue
        facts: dict[str, Any] = {}
        found.append(Method(name, "UpscalerJS, Node", Process(place, package, facts).run, facts))
    return found
