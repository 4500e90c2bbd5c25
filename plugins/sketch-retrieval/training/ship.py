"""Writes the encoder of a run in 16-bit numbers: the model in the box.

python ship.py RUN "Omniglot's training alphabets and symbols of free fonts" -o marks.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gankit_sketch_retrieval.features.encoder import Encoder

import gankit


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("trained_on")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    run = gankit.load(options.run)
    encoder = Encoder.of(run.recipe.config, run.networks)
    encoder.about = encoder.about.model_copy(update={"trained_on": options.trained_on})
    encoder.save(options.output, half=True)


if __name__ == "__main__":
    main()
