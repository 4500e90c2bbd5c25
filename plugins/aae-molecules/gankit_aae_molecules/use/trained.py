"""A run opened for use: the model, and the compounds that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gankit.errors import UsageError
from gankit.runs import LoadedRun, Run
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.model import Model

CHECKED = 2000  # training compounds that tell how far apart known ones are


@dataclass(frozen=True)
class Trained:
    """A run and what it knows.

    Attributes:
        loaded: The run.
    """

    loaded: LoadedRun

    @classmethod
    def opened(cls, run: Run) -> Trained:
        """Opens a run of this recipe; the file that it was trained on is not needed.

        Raises:
            UsageError: It is a run of another recipe.
            CheckpointError: It has no usable checkpoint.
        """
        return cls(LoadedRun.of_recipe(run, "aae-molecules"))

    @property
    def facts(self) -> dict[str, Any]:
        """Of its data."""
        return self.loaded.facts

    @cached_property
    def model(self) -> Model:
        """Its networks as functions of arrays."""
        return Model(self.loaded.networks, self.facts)

    @property
    def names(self) -> list[str]:
        """Of the training compounds."""
        return list(self.facts["training"]["name"])

    @cached_property
    def blocks(self) -> frozenset[str]:
        """First blocks of their InChIKeys."""
        return frozenset(key[:14] for key in self.facts["training"]["inchikey"] if key)

    @cached_property
    def words(self) -> np.ndarray:
        """Their fingerprints, uint64 `[3, n]`."""
        text = "".join(self.facts["training"]["bits"])
        return np.ascontiguousarray(np.frombuffer(bytes.fromhex(text), "<u8").reshape(-1, tanimoto.WORDS).T)

    def nearest(self, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Similarity to the nearest training compound and its place in `names`, for each of `[n, 166]` bits."""
        counts = tanimoto.ones(self.words)
        found = [tanimoto.similarities(query, self.words, counts) for query in tanimoto.pack(bits).T]
        best = np.array([int(row.argmax()) for row in found], np.int64)
        return np.array([row[i] for row, i in zip(found, best, strict=True)], np.float32), best

    def log_conc(self, dose: np.ndarray) -> np.ndarray:
        """What the networks know of concentrations -> log10 of mol/l; NaN where the run knows none."""
        facts = self.facts["dose"]
        found = np.asarray(dose, np.float64).ravel() * facts["deviation"] + facts["mean"]
        return found if self.model.response.dosed else np.full_like(found, np.nan)

    @cached_property
    def applicable_from(self) -> float:
        """Similarity to another training compound that all but one in twenty of them reach."""
        n = self.words.shape[1]
        if n < 2:
            return 1.0
        counts = tanimoto.ones(self.words)
        chosen = np.random.default_rng(0).permutation(n)[:CHECKED]
        best = []
        for row in chosen:
            alike = tanimoto.similarities(self.words[:, row], self.words, counts)
            alike[row] = -1
            best.append(float(alike.max()))
        return float(np.quantile(best, 0.05))

    def checked(self, value: float | None) -> float:
        """A response that may be asked for; None asks for an effective one.

        Raises:
            UsageError: It is outside what the run was trained with; the hint says the range.
        """
        response = self.model.response
        if response.labelled:
            value = 0.9 if value is None else value
            if not 0 < value < 1:
                raise UsageError(f"{value:g} is no probability of the label active", "ask for one between 0 and 1")
            return value
        if value is None:
            value = 0.0 if response.dosed else response.high
            return float(np.clip(value, response.low, response.high))
        if not response.low <= value <= response.high:
            raise UsageError(
                f"a response of {value:g} was never seen in training",
                f"this run knows {response.unit} from {response.low:.4g} to {response.high:.4g}",
            )
        return value


def training_facts(compounds: Any, rows: np.ndarray) -> dict[str, list[str]]:
    """What a run keeps of its training compounds, as JSON.

    Args:
        compounds: `tables.responses.Compounds`.
        rows: Those that were trained on, integers.

    Returns:
        `name`, `smiles`, `inchikey`, and `bits`: the three words of each fingerprint, little-endian, as hexadecimal.
    """
    words = np.ascontiguousarray(tanimoto.pack(compounds.fingerprint[rows]).T).astype("<u8")
    return {
        "name": [compounds.name[i] for i in rows],
        "smiles": [compounds.smiles[i] for i in rows],
        "inchikey": [compounds.inchikey[i] for i in rows],
        "bits": [row.tobytes().hex() for row in words],
    }
