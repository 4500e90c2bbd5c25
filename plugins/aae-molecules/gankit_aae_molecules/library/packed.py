"""A library packed for screening: fingerprints as words, SMILES and names beside them, made once for each file.

Working out fingerprints takes a second for a thousand molecules, comparing them a second for a hundred million. So the
first is done once, in several processes, piece by piece: a packing that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from gankit.errors import DataError
from gankit.support import Bar, Jobs, home, read_stored, whole, write_json
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.library.records import Record, records

log = logging.getLogger("gankit")

FORMAT = "gankit-molecules/1"
PIECE = 5000  # molecules of a part; what is lost at most when a packing is stopped
EVERY_PROCESSOR = Jobs(0)


@dataclass(frozen=True)
class Facts:
    """What is stored of a library beside its arrays.

    Attributes:
        n: How many molecules.
        read: Records of the file, of which those that cannot be used are left out.
        bad: The first of these, as text.
        source: The file's name.
    """

    n: int
    read: int
    bad: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Library:
    """Packed molecules.

    Attributes:
        folder: Where they lie.
        name: For people.
        facts: What is stored of it.
    """

    folder: Path
    name: str
    facts: Facts

    @property
    def n(self) -> int:
        """How many."""
        return self.facts.n

    @cached_property
    def words(self) -> np.ndarray:
        """uint64 `[3, n]`, see `tanimoto.pack`."""
        return self._array("words.npy", np.uint64, (tanimoto.WORDS, self.n))

    @cached_property
    def counts(self) -> np.ndarray:
        """`tanimoto.ones` of the words."""
        return tanimoto.ones(self.words)

    @cached_property
    def _offsets(self) -> np.ndarray:
        found = self._array("offsets.npy", np.int64, (self.n + 1,))
        if found[0] != 0 or (np.diff(found) < 0).any() or found[-1] != len(self._text):
            raise DataError(f"{self.folder / 'offsets.npy'} is damaged: it does not fit text.bin", self._hint)
        return found

    @cached_property
    def _text(self) -> Any:
        try:
            return np.memmap(self.folder / "text.bin", np.uint8, "r")
        except (OSError, ValueError) as error:
            raise DataError(f"{self.folder / 'text.bin'} cannot be read: {error}", self._hint) from error

    @property
    def _hint(self) -> str:
        return f"delete the folder {self.folder}, and the library is packed again"

    def _array(self, name: str, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
        return np.array(self._mapped(name, dtype, shape))

    def _mapped(self, name: str, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
        path = self.folder / name
        try:
            # Mapped first: a damaged header may claim more than any memory has.
            found = np.lib.format.open_memmap(path, mode="r")
        except Exception as error:  # NumPy reads the header as Python, and raises what Python does
            raise DataError(f"{path} cannot be read: {error}", self._hint) from error
        if found.dtype != dtype or found.shape != shape:
            raise DataError(f"{path} is damaged: it does not fit library.json", self._hint)
        return found

    def part(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """`words` and `counts` of some molecules; of the others nothing is read, unless all are in memory already."""
        if "words" in self.__dict__ or (start, stop) == (0, self.n):
            return self.words[:, start:stop], self.counts[start:stop]
        words = np.array(self._mapped("words.npy", np.uint64, (tanimoto.WORDS, self.n))[:, start:stop])
        return words, tanimoto.ones(words)

    def __reduce__(self) -> tuple[Any, ...]:
        """Other processes read the files themselves."""
        return Library, (self.folder, self.name, self.facts)

    def record(self, row: int) -> Record:
        """SMILES and name of a molecule, as the file has them."""
        start, stop = self._offsets[row : row + 2]
        smiles, _, name = bytes(self._text[start:stop]).decode("utf-8", "replace").partition("\t")
        return Record(smiles, name)


def open_library(path: Path | str, *, name: str = "", jobs: Jobs = EVERY_PROCESSOR) -> Library:
    """Opens a library, and packs it first if that has not been done.

    Args:
        path: SMILES with names (.smi), or a table with a column of SMILES; also compressed by gzip.
        name: For people; the file's name if it is left out.
        jobs: Where fingerprints are worked out.

    Returns:
        The library. It is kept in `$GANKIT_HOME/molecules` under a hash of the file's content and of the versions of
        RDKit and of the format.

    Raises:
        DataError: The file cannot be read, or holds no usable molecule; or there is no room to keep it.
    """
    from rdkit import rdBase

    path = Path(path)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise DataError(f"the library {path} cannot be read: {error.strerror}", "give a file of SMILES") from error
    digest.update(f"{FORMAT} {rdBase.rdkitVersion}".encode())
    folder = home() / "molecules" / digest.hexdigest()[:24]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not (folder / "library.json").is_file():
                _pack(path, folder, jobs)
    except OSError as error:
        raise DataError(f"{path.name} cannot be packed in {folder.parent}: {error}", "set GANKIT_HOME") from error
    hint = f"delete the folder {folder}, and the library is packed again"
    facts = read_stored(folder / "library.json", Facts, hint)
    if not 1 <= facts.n <= facts.read:
        raise DataError(f"{folder / 'library.json'} is damaged: {facts.n} molecules of {facts.read} records", hint)
    return Library(folder, name or path.name, facts)


def _pack(path: Path, folder: Path, jobs: Jobs) -> None:
    parts = folder.with_suffix(".parts")
    parts.mkdir(exist_ok=True)
    n = 0
    bad: list[str] = []
    try:
        with Bar(f"packing {path.name}", sum(1 for _ in records(path))) as bar:
            for part in _parts(path, parts, jobs):
                with np.load(part) as piece:
                    n += piece["words"].shape[1]
                    bar(int(piece["read"]))
                    bad += [str(text) for text in piece["bad"]][: 5 - len(bad)]
        read = bar.done
        if not n:
            said = f"; the first is {bad[0]!r}" if bad else ""
            raise DataError(f"{path.name} has no usable molecule among {read} records{said}", "give a file of SMILES")
    except DataError:  # there is nothing to go on with
        shutil.rmtree(parts)
        raise
    _join(sorted(parts.glob("*.npz")), folder, Facts(n, read, tuple(bad), path.name))
    shutil.rmtree(parts)
    log.info("packed %s: %s molecules of %s records", path.name, f"{n:,}", f"{read:,}")


def _parts(path: Path, parts: Path, jobs: Jobs) -> Iterator[Path]:
    """The parts in their order, each made if it is not there yet."""
    source = records(path)
    pieces = iter(lambda: list(itertools.islice(source, PIECE)), [])
    first = next(pieces, [])
    calls = ((piece, parts / f"{number:06d}.npz") for number, piece in enumerate(itertools.chain([first], pieces)))
    yield from (Jobs() if len(first) < PIECE else jobs).map(_part, calls, shared=[parts])


def _part(piece: Sequence[Record], part: Path) -> Path:
    if not part.exists():
        write_part(piece, part)
    return part


def write_part(piece: Sequence[Record], part: Path) -> None:
    """Fingerprints of some records, with the records that have one; whole or not at all."""
    from gankit_aae_molecules.chemistry.maccs import fingerprint
    from gankit_aae_molecules.chemistry.standard import BadMolecule

    rows, texts, bad = [], [], []
    for record in piece:
        try:
            rows.append(fingerprint(record.smiles))
            texts.append(f"{record.smiles}\t{record.name}".encode())
        except BadMolecule as error:
            bad.append(f"{record.smiles[:80]}: {error}")
    words = tanimoto.pack(np.stack(rows)) if rows else np.empty((tanimoto.WORDS, 0), np.uint64)
    with whole(part, durable=True) as aside, aside.open("wb") as file:
        np.savez(
            file,
            words=words,
            text=np.frombuffer(b"".join(texts), np.uint8),
            lengths=np.array([len(text) for text in texts], np.int64),
            read=len(piece),
            bad=np.array(bad[:5], np.str_),
        )


def _join(parts: Sequence[Path], folder: Path, facts: Facts) -> None:
    """One folder of all parts, whole or not at all."""
    partial = folder.with_suffix(".tmp")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    words, lengths = np.empty((tanimoto.WORDS, facts.n), np.uint64), np.zeros(facts.n + 1, np.int64)
    start = 0
    with (partial / "text.bin").open("wb") as text:
        for part in parts:
            with np.load(part) as piece:
                stop = start + piece["words"].shape[1]
                words[:, start:stop] = piece["words"]
                lengths[start + 1 : stop + 1] = piece["lengths"]
                text.write(piece["text"].tobytes())
                start = stop
    np.save(partial / "words.npy", words)
    np.save(partial / "offsets.npy", np.cumsum(lengths))
    write_json(partial / "library.json", asdict(facts))
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)
