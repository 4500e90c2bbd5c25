"""Marks of free licences that the model in the box was trained on, and those that it never saw, as one .npz file.

    python free_marks.py omniglot64.npz glyphs64.npz -o free.npz

`train` holds Omniglot's training alphabets (MIT, Brenden Lake) and every second code point of symbols from free fonts
(Noto, SIL OFL; Aegean, Akkadian, Aegyptus, Symbola, ... by George Douros, free for any use); `glyphs` the other code
points, with `glyphs_labels` and `glyphs_font`. Labels are not used in training.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import numpy as np


def main() -> None:
    """Reads both files and writes one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("omniglot", type=Path)
    parser.add_argument("glyphs", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    omniglot, glyphs = np.load(options.omniglot), np.load(options.glyphs)
    seen = np.array([zlib.crc32(label.encode()) % 2 == 0 for label in glyphs["labels"]])
    np.savez_compressed(
        options.output,
        train=np.concatenate([omniglot["train"], glyphs["images"][seen]]),
        glyphs=glyphs["images"][~seen],
        glyphs_labels=glyphs["labels"][~seen],
        glyphs_font=glyphs["fonts"][~seen],
    )


if __name__ == "__main__":
    main()
