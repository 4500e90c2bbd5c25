"""Words in handwriting fonts as one .npz file, to train a model that finds words in manuscripts.

    python words.py FONT.ttf ... --words /usr/share/dict/words -o words.npz

`train` holds words in all fonts but those that `--hold-out` names, `test` other words, each in every one of these, with
`test_labels`: a word is looked for in the hands of the others. What a font lacks a letter for is not drawn in it.

Debian has fonts of free licences that look written (fonts-breip, -dancingscript, -dkg-handwriting, -ecolier-court,
-femkeklaver, -havana, -isabella, -joscelyn, -kaushanscript, -kristi, -levien-typoscript, -rufscript, -sjfonts), and
words (wamerican-small).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

HEIGHT, WIDTH = 64, 320  # of a picture
LETTERS = (2, 12)
CAPITALS, NUMBERS = 0.25, 0.05  # shares of the words


def main() -> None:
    """Draws words and writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fonts", nargs="+", type=Path)
    parser.add_argument("--words", type=Path, required=True, help="A text file, one word a line.")
    parser.add_argument("--hold-out", nargs="*", default=[], help="Names of font files for `test`, without suffix.")
    parser.add_argument("--count", type=int, default=12_000, help="Pictures to train on.")
    parser.add_argument("--found", type=int, default=300, help="Words in `test`.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    words = [word for word in options.words.read_text("utf-8").split() if word.isalpha() and word.isascii()]
    words = rng.permutation([word for word in words if LETTERS[0] <= len(word) <= LETTERS[1]])
    seen, unseen = words[options.found :], words[: options.found]
    hands = [path for path in options.fonts if path.stem not in options.hold_out]
    others = [path for path in options.fonts if path.stem in options.hold_out]
    if not len(seen) or not hands:
        parser.error(
            f"{len(words)} words and {len(hands)} fonts are too few: more than {options.found} words, and a font"
        )
    train = []
    while len(train) < options.count:
        picture = drawn(spelled(rng.choice(seen), rng), hands[rng.integers(len(hands))])
        train += [] if picture is None else [picture]
    test = [(picture, word) for word in unseen for hand in others if (picture := drawn(word, hand)) is not None]
    arrays = {"train": np.stack(train)}
    if test:
        pictures, labels = zip(*test, strict=True)
        arrays |= {"test": np.stack(pictures), "test_labels": np.array(labels)}
    np.savez_compressed(options.output, **arrays)


def spelled(word: str, rng: np.random.Generator) -> str:
    """The word as it might stand in a text, or a number in its place."""
    kind = rng.random()
    if kind < NUMBERS:
        return str(rng.integers(1, 2000))
    return word.capitalize() if kind < NUMBERS + CAPITALS else word


def drawn(word: str, font: Path) -> np.ndarray | None:
    """A word, bright on dark, as large as a picture lets it be; None if the font lacks a letter."""
    if font not in _letters:
        _letters[font] = set(TTFont(font, lazy=True).getBestCmap())
        _faces[font] = ImageFont.truetype(str(font), 96)
    if not {ord(letter) for letter in word} <= _letters[font]:
        return None
    face = _faces[font]
    left, top, right, bottom = face.getbbox(word)
    if right <= left or bottom <= top:
        return None
    picture = Image.new("L", (right - left + 40, bottom - top + 40))
    ImageDraw.Draw(picture).text((20 - left, 20 - top), word, fill=255, font=face)
    picture = picture.crop(picture.getbbox())  # fonts of hands reach beyond the box that they declare
    factor = min(HEIGHT / picture.height, WIDTH / picture.width)
    size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
    out = Image.new("L", (WIDTH, HEIGHT))
    out.paste(picture.resize(size, Image.Resampling.LANCZOS))
    return np.asarray(out)


_letters: dict[Path, set[int]] = {}
_faces: dict[Path, ImageFont.FreeTypeFont] = {}

if __name__ == "__main__":
    main()
