"""Words drawn to train on."""

import runpy
import sys
from pathlib import Path

import numpy as np
from gankit_sketch_retrieval.marks.files import read

SCRIPT = Path(__file__).parents[1] / "training" / "words.py"


def test_words_are_drawn_whole_in_every_hand(tmp_path, monkeypatch):
    import matplotlib

    fonts = Path(matplotlib.get_data_path(), "fonts", "ttf")
    names = ("DejaVuSans", "DejaVuSerif", "STIXGeneral")
    words = [first + second for first in "abcdefghij" for second in ("an", "the", "some", "thing")]
    (tmp_path / "words.txt").write_text(
        "\n".join([*words, "l'eau", "x", "unreasonablylong", "naïve"]), encoding="utf-8"
    )
    line = [*(str(fonts / f"{name}.ttf") for name in names), "--words", str(tmp_path / "words.txt")]
    line += ["--hold-out", *names[1:], "--count", "60", "--found", "10", "-o", str(tmp_path / "words.npz")]
    monkeypatch.setattr(sys, "argv", ["words.py", *line])
    runpy.run_path(str(SCRIPT), run_name="__main__")

    train, test = (read(f"{tmp_path}/words.npz#{name}", stretch=0.5, raw=128) for name in ("train", "test"))
    assert len(train) == 60 and len(test) == 20 and not train.left_out
    labels = test.labels.tolist()
    assert set(labels) <= set(words) and all(labels.count(word) == 2 for word in labels)
    with np.load(tmp_path / "words.npz") as file:
        drawn = file["test"]
    rows, columns = (drawn > 0).any(2), (drawn > 0).any(1)
    whole = (rows[:, 0] & rows[:, -1]) | (columns[:, 0] & columns[:, -1])
    assert whole.all()  # as large as the picture lets it be
    widths = {word: np.flatnonzero(columns[labels.index(word)])[-1] for word in labels}
    longest, shortest = max(widths, key=widths.get), min(widths, key=widths.get)
    assert longest.endswith(("thing", "some")) and not shortest.endswith(("thing", "some"))
