"""A look at somebody's own images before a training: does each open, how large are they."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gankit.errors import DataError
from gankit.images.images import read_each, read_image
from gankit.support.progress import Bar
from gankit.support.values import human

MOST_LINES = 20  # of images that cannot be read


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes:
        sizes: Height and width in pixels, as a viewer shows it, of each image that can be read.
        unreadable: What is wrong with each of the others.

    Examples:
        >>> found = Survey({Path("a.png"): (20, 30)}, {Path("b.png"): "not a picture of a known format, or damaged"})
        >>> found.facts()["ok"], found.facts()["smallest_side"]
        (False, 20)
    """

    sizes: dict[Path, tuple[int, int]]
    unreadable: dict[Path, str]

    def facts(self) -> dict[str, Any]:
        """All of it as JSON, for `Recipe.check`."""
        return {
            "ok": not self.unreadable,
            "images": len(self.sizes),
            "smallest_side": min((min(size) for size in self.sizes.values()), default=None),
            "decoded_bytes": sum(3 * height * width for height, width in self.sizes.values()),
            "problems": [{"path": str(path), "what": what} for path, what in self.unreadable.items()],
        }

    def text(self) -> str:
        """The same as lines, for people."""
        lines = [f"{path}: {what}" for path, what in self.unreadable.items()]
        if len(lines) > MOST_LINES:
            lines[MOST_LINES:] = [f"and {len(lines) - MOST_LINES} more; --json lists them all"]
        lines.append(f"images         {len(self.sizes):,}")
        if self.sizes:
            by_area = sorted(self.sizes.values(), key=lambda size: size[0] * size[1])
            (low, least), (high, most) = by_area[0], by_area[-1]
            narrowest = min(self.sizes, key=lambda path: min(self.sizes[path]))
            lines += [
                f"sizes          {least} x {low} to {most} x {high} pixels",
                f"smallest side  {min(self.sizes[narrowest])} pixels: {narrowest}",
                f"decoded        {human(self.facts()['decoded_bytes'])}",
            ]
        return "\n".join(lines)


def survey_images(files: Sequence[Path]) -> Survey:
    """Decodes every image of a list.

    Args:
        files: As `gankit.images.list_images` gives them.

    Examples:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("L", (30, 20)).save(folder / "a.png")
        >>> _ = (folder / "b.png").write_text("no picture")
        >>> found = survey_images(sorted(folder.iterdir()))
        >>> found.facts()["images"], found.facts()["smallest_side"], list(found.unreadable.values())
        (1, 20, ['not a picture of a known format, or damaged'])
    """
    rest = iter([file.stat().st_size for file in files])
    with Bar(f"reading {len(files)} images", sum(file.stat().st_size for file in files), unit="bytes") as bar:
        found = dict(zip(files, read_each(files, _measure, lambda _: bar(next(rest))), strict=True))
    sizes = {file: size for file, size in found.items() if not isinstance(size, str)}
    return Survey(sizes, {file: what for file, what in found.items() if isinstance(what, str)})


def _measure(path: Path) -> tuple[int, int] | str:
    """Height and width, or why there are none."""
    try:
        height, width = read_image(path).shape[:2]
    except DataError as error:
        return error.message.removeprefix(f"cannot read {path}: ")
    return height, width
