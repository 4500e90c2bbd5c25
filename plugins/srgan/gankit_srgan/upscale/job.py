"""One picture from file to file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from gankit.support import peak_mb
from gankit_srgan.enlarger import Enlarger
from gankit_srgan.upscale.comparison_page import write_page
from gankit_srgan.upscale.differences import Differences
from gankit_srgan.upscale.encoder import Output, encoded
from gankit_srgan.upscale.formats import FORMATS, what_is_lost
from gankit_srgan.upscale.metadata import carry
from gankit_srgan.upscale.pictures import Header, Picture, header, read
from gankit_srgan.upscale.planes import Ensemble, Painter
from gankit_srgan.upscale.targets import Job
from gankit_srgan.upscale.tiles import LARGEST, cuts, side, strips
from gankit_srgan.upscale.xmp import Mark

MB = 2**20
# What is there before a picture is: the interpreter, TensorFlow and a network (640 MB), the encoder, one tile as NumPy
# arrays. Measured on Linux.
STANDING = 860 * MB


@dataclass(frozen=True)
class Settings:
    """How pictures are enlarged.

    Attributes:
        tile: Side of the tiles in low-resolution pixels; 0 for none, None for what fits into `memory`.
        memory: MB that the process may take.
        ensemble: Whether the mean over the eight symmetries is taken.
        quality: Of JPEG and WebP, 1 to 100; None for the format's default.
        force: Whether existing files are replaced.
        provenance: Whether the XMP says that a model made the pixels.
        compare: Whether a page beside the result shows it beside bicubic interpolation.
    """

    tile: int | None = None
    memory: int = 1400
    ensemble: bool = False
    quality: int | None = None
    force: bool = False
    provenance: bool = True
    compare: bool = False


@dataclass(frozen=True)
class Task:
    """A picture of which the header has been read, and whose result its format can hold.

    Attributes:
        job: Input and output.
        header: Of the input.
        factor: Of the result.
        size: Width and height of the result.
        notes: What will be lost.
        bytes: That the result takes at most.
    """

    job: Job
    header: Header
    factor: float
    size: tuple[int, int]
    notes: list[str]
    bytes: int

    @property
    def pixels(self) -> int:
        """Of all pages of the input."""
        return self.header.width * self.header.height * len(self.pages)

    @property
    def pages(self) -> tuple[int, ...]:
        """Of the input, from 0."""
        return self.job.pages or (0,)


@dataclass(frozen=True)
class Enlarged:
    """What was done; `--json` prints it. Pages and frames are counted from 1."""

    input: str
    output: str
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    scale: float
    model: str
    tiles: int
    seconds: float
    peak_mb: int | None
    notes: tuple[str, ...]
    compare: str | None = None
    frames: tuple[int, ...] = (1,)


def prepare(job: Job, factor: float) -> Task:
    """Looks at a picture before the work.

    Args:
        job: Input and output.
        factor: Of the result.

    Raises:
        DataError: It cannot be read.
        UsageError: The output's format cannot hold the result.
    """
    head = header(job.source, job.pages[0] if job.pages else 0)
    width, height = (max(1, round(side * factor)) for side in (head.width, head.height))
    form = FORMATS[job.format]
    alpha = head.alpha and (form.alpha or not _opaque(head))
    notes = what_is_lost(job.target, job.format, width, height, alpha, head.bits)
    if job.pages is None and head.pages > 1:
        notes.append(f"only the first of its {head.pages} {head.parts} is enlarged; --frames all takes every one")
    pages = len(job.pages or (0,))
    if job.pages and pages == 1 and any(head.delays) and not head.page:
        notes.append("how long its frames are shown is left out; --format webp makes an animation")
    raw = pages * width * height * (head.colours + head.alpha) * min(head.bits, form.bits) // 8
    return Task(job, head, factor, (width, height), notes, int(raw * form.ratio))


def enlarge(
    enlarger: Enlarger, task: Task, settings: Settings, done: Callable[[int], None] = lambda pixels: None
) -> Enlarged:
    """Enlarges one picture.

    Args:
        enlarger: The network.
        task: From `prepare`.
        settings: How.
        done: Is told, now and then, how many pixels of the input have been finished since.

    Raises:
        GankitError: The picture cannot be read, or the result not written. Nothing is left behind.
    """
    began, before = time.monotonic(), peak_mb() or 0
    head, job, form = task.header, task.job, FORMATS[task.job.format]
    width, height = task.size
    network = Ensemble(enlarger) if settings.ensemble else enlarger
    picture = _decoded(head, form.alpha)
    painter = Painter(network, picture, min(head.bits, form.bits))
    tile = automatic_tile(enlarger, head, settings.memory) if settings.tile is None else settings.tile
    rows, columns = (cuts(size, tile, enlarger.radius, enlarger.cell) for size in (head.height, head.width))
    mark = Mark(network.name, f"{task.factor:g}", network.generative)
    carried, notes = carry(picture, job.format, width, height, mark if settings.provenance else None)
    output = Output(
        job.target,
        job.format,
        width,
        height,
        painter.channels,
        min(head.bits, form.bits),
        settings.quality,
        settings.force,
        pages=len(task.pages),
        delays=head.delays if len(task.pages) > 1 else (),
        loop=head.loop,
        **carried,
    )
    picture.colour = painter.colour  # with hidden pixels replaced: bicubic interpolation is shown at its best
    notes = [*picture.notes, *notes]
    differences = Differences(painter, picture, enlarger.scale) if settings.compare else None
    with encoded(output, head.width * enlarger.scale, head.height * enlarger.scale) as encoder:
        for strip in strips(differences or painter, rows, columns, enlarger.scale, done):
            encoder.write(strip)
        for page in task.pages[1:]:
            del picture, painter  # or two pages would be in memory
            picture = _decoded(replace(head, page=page), form.alpha)
            painter = Painter(network, picture, min(head.bits, form.bits))
            notes += picture.notes
            for strip in strips(painter, rows, columns, enlarger.scale, done):
                encoder.write(strip)
    compared = None
    if differences:  # of the first page
        compared = job.target.with_name(job.target.name + ".compare.html")
        write_page(compared, differences.picture, job.target, differences.map, network.name, task.factor)
    peak = peak_mb()
    if peak and peak > max(before, settings.memory):
        notes.append(f"it took {peak} MB, more than --memory {settings.memory}")
    return Enlarged(
        str(job.source),
        str(job.target),
        (head.width, head.height),
        (width, height),
        task.factor,
        network.name,
        len(rows) * len(columns) * len(task.pages),
        round(time.monotonic() - began, 2),
        peak,
        tuple(dict.fromkeys([*task.notes, *notes])),
        str(compared) if compared else None,
        tuple(page + 1 for page in task.pages),
    )


def _decoded(head: Header, alpha: bool) -> Picture:
    picture = read(head)
    if not alpha:
        picture.alpha = None  # opaque, as `prepare` has seen
    return picture


def automatic_tile(enlarger: Enlarger, head: Header, memory: int) -> int:
    """The side of the tiles for a memory in MB; the same for the same picture, whatever the machine does."""
    pixel = (head.colours + head.alpha) * head.bits // 8
    picture = 2 * head.width * head.height * pixel  # it is copied once, by the decoder or to fill hidden pixels
    strip = LARGEST * head.width * enlarger.scale**2 * pixel
    free = memory * MB - STANDING - picture - 2 * strip
    return side(free, enlarger.bytes_per_pixel, enlarger.radius)


def _opaque(head: Header) -> bool:
    """Whether a picture's alpha says nothing."""
    picture = read(head)
    return picture.alpha is not None and picture.alpha.min() == (1 << head.bits) - 1
