"""The losses: five phases of one game, each with an optimizer of its own.

In order: the discriminator learns to tell the encoder's normal neurons from N(0, I); the encoder learns to resist; the
GI neuron learns the response; encoder and decoder learn to reconstruct; and the manifold cost binds the normal neurons
of one fingerprint at different concentrations (Kadurin et al., Oncotarget 8, 2017, "The cornucopia of meaningful
leads"). To these we add one: what is asked of the decoder must be read back by the encoder.

Structures without responses stand beside those with them in every batch of the encoder, so that batch normalisation
sees one mixture in all phases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gankit import Phase, Stage, Turn, Watch
from gankit.losses import cross_entropy, per_example, squared_error
from gankit_aae_molecules.config import AAEConfig
from gankit_aae_molecules.response import Response


@dataclass(frozen=True)
class Batch:
    """What the encoder is shown: structures alone, then, if the stage has them, structures with responses.

    Attributes:
        bits: `[n, 166]` of 0 and 1.
        concentration: `[n, 1]`, standardised.
        parts: Names of the halves, one or two.
    """

    bits: Any
    concentration: Any
    parts: tuple[str, ...]

    def joined(self, name: str, bits: Any, concentration: Any) -> Batch:
        """The same with one part more."""
        return Batch(
            tf.concat([self.bits, bits], axis=0),
            tf.concat([self.concentration, concentration], axis=0),
            (*self.parts, name),
        )

    def split(self, x: Any) -> dict[str, Any]:
        """`[n, ...]` -> a part's name -> `[batch, ...]`."""
        return dict(zip(self.parts, tf.split(x, len(self.parts)), strict=True))


@dataclass(frozen=True)
class Game:
    """The phases of a stage.

    Attributes:
        config: The recipe's.
        response: What the GI neuron stands for.
        latent: Normal neurons.
        doses: (lowest, highest) standardised log concentration, that structures alone are shown with.
        responses: Whether the stage has responses.
    """

    config: AAEConfig
    response: Response
    latent: int
    doses: tuple[float, float]
    responses: bool

    def stage(self, name: str, steps: int) -> Stage:
        """The stage."""
        weights, rate = self.config.weights, self.config.rate(steps)
        both = ("encoder", "decoder")
        phases = [
            Phase("discriminator", ("discriminator",), self.discriminate, lr=rate),
            Phase("encoder", ("encoder",), self.resist, {"normal": weights.adversarial}, lr=rate),
        ]
        if self.responses:
            phases.append(Phase("gi", ("encoder",), self.regress, {"response": weights.gi}, lr=rate))
        shares = {"concentration": weights.concentration} if self.response.dosed else {}
        phases.append(Phase("autoencoder", both, self.reconstruct, shares, lr=rate))
        if self.response.dosed and weights.manifold:
            phases.append(Phase("manifold", ("encoder",), self.bind, {"latent": weights.manifold}, lr=rate))
        if weights.control:
            shares = dict.fromkeys(("latent", "gi"), weights.control)
            phases.append(Phase("control", ("decoder",), self.obey, shares, lr=rate))
        if self.config.vae:
            phases.append(Phase("vae", ("vae_encoder", "vae_decoder"), self.vary, lr=rate))
        reads = ("molecules", "responses") if self.responses else ("molecules",)
        watch = Watch(self.look, generator="encoder", reads=("molecules",))
        return Stage(name, steps, tuple(phases), reads=reads, watch=watch)

    # -- what is encoded -----------------------------------------------------------------------------------------------

    def batch(self, turn: Turn, name: str, hide: bool = True) -> Batch:
        """The structures of a step, some bits hidden.

        Args:
            turn: The step.
            name: Of the noise.
            hide: Whether bits are hidden from the encoder.
        """
        bits, concentration = [self.molecules(turn)], [self.dose(turn, name)]
        parts: tuple[str, ...] = ("molecules",)
        if self.responses:
            bits.append(tf.cast(turn["fingerprint"], concentration[0].dtype))
            concentration.append(turn["concentration"])
            parts = (*parts, "responses")
        if hide and (share := self.config.dropout):
            masks = [turn.uniform(f"mask of {part}, {name}", bits[0].shape[1]) for part in parts]
            bits = [x * tf.cast(mask >= share, x.dtype) / (1 - share) for x, mask in zip(bits, masks, strict=True)]
        return Batch(tf.concat(bits, axis=0), tf.concat(concentration, axis=0), parts)

    def molecules(self, turn: Turn) -> Any:
        """The bits of structures without responses."""
        return tf.cast(turn["molecule"], turn.uniform("type", 1).dtype)

    def dose(self, turn: Turn, name: str) -> Any:
        """A concentration for each of them, as likely anywhere in the range of the responses."""
        low, high = self.doses
        return low + (high - low) * turn.uniform(f"concentration, {name}", 1)

    # -- losses --------------------------------------------------------------------------------------------------------

    def discriminate(self, turn: Turn) -> dict[str, Any]:
        """Normal noise is real, what the encoder makes of structures is not."""
        shown = self.batch(turn, "discriminator", hide=False)
        fake = shown.split(turn("encoder", shown.bits, shown.concentration)[0])["molecules"]
        return {
            "real": cross_entropy(turn("discriminator", turn.normal("prior", self.latent)), real=True),
            "fake": cross_entropy(turn("discriminator", fake), real=False),
        }

    def resist(self, turn: Turn) -> dict[str, Any]:
        """The encoder's side of it."""
        shown = self.batch(turn, "encoder", hide=False)
        fake = shown.split(turn("encoder", shown.bits, shown.concentration)[0])["molecules"]
        return {"normal": cross_entropy(turn("discriminator", fake), real=True)}

    def regress(self, turn: Turn) -> dict[str, Any]:
        """The GI neuron against the response: squared error, or of labels cross-entropy."""
        shown = self.batch(turn, "gi")
        gi = shown.split(turn("encoder", shown.bits, shown.concentration)[1])["responses"]
        if not self.response.labelled:
            return {"response": squared_error(gi, turn["response"])}
        logits = gi * self.response.spread + self.response.centre
        return {"response": per_example(tf.nn.sigmoid_cross_entropy_with_logits(turn["response"], logits))}

    def reconstruct(self, turn: Turn) -> dict[str, Any]:
        """Cross-entropy of the bits in nats a bit, squared error of the concentration; means over the parts."""
        shown = self.batch(turn, "autoencoder", hide=False)
        logits, concentration = turn("decoder", *turn("encoder", shown.bits, shown.concentration))
        bits = per_example(tf.nn.sigmoid_cross_entropy_with_logits(shown.bits, logits))
        dose = squared_error(concentration, shown.concentration)
        terms = {"bits": sum(shown.split(bits).values()) / len(shown.parts)}
        if self.response.dosed:
            terms["concentration"] = sum(shown.split(dose).values()) / len(shown.parts)
        return terms

    def bind(self, turn: Turn) -> dict[str, Any]:
        """Squared distance between the normal neurons of one fingerprint at two concentrations.

        The papers take 1 - cosine, which leaves the length free; for vectors of N(0, I) the two agree in direction.
        """
        bits = self.molecules(turn)
        doses = (self.dose(turn, "here"), self.dose(turn, "there"))
        here, there = (turn("encoder", bits, dose)[0] for dose in doses)
        return {"latent": squared_error(here, there)}

    def obey(self, turn: Turn) -> dict[str, Any]:
        """What the encoder reads of the bits that were decoded for a normal and a GI, against these.

        Trains the decoder alone: an encoder that moved, too, would agree with it on a code of their own.
        """
        normal, gi = turn.normal("asked", self.latent), turn.normal("asked gi", 1)
        logits, concentration = turn("decoder", normal, gi)
        shown = self.batch(turn, "control", hide=False).joined("generated", tf.sigmoid(logits), concentration)
        read, effect = (shown.split(x)["generated"] for x in turn("encoder", shown.bits, shown.concentration))
        return {"latent": squared_error(read, normal), "gi": squared_error(effect, gi)}

    def vary(self, turn: Turn) -> dict[str, Any]:
        """The negative evidence bound of a variational autoencoder, in nats a bit (Kingma & Welling 2014)."""
        shown, whole = self.batch(turn, "vae"), self.batch(turn, "vae", hide=False)
        mean, log_variance = turn("vae_encoder", shown.bits, shown.concentration)
        noise = [turn.normal(f"posterior of {part}", self.latent + 1) for part in shown.parts]
        z = mean + tf.exp(log_variance / 2) * tf.concat(noise, axis=0)
        logits, _ = turn("vae_decoder", z[:, : self.latent], z[:, self.latent :])
        bits = per_example(tf.nn.sigmoid_cross_entropy_with_logits(whole.bits, logits))
        divergence = tf.reduce_sum(tf.exp(log_variance) + tf.square(mean) - 1 - log_variance, axis=1) / 2
        parts = {"bits": bits, "divergence": divergence / whole.bits.shape[1]}
        return {name: sum(shown.split(term).values()) / len(shown.parts) for name, term in parts.items()}

    def look(self, turn: Turn) -> dict[str, Any]:
        """What the monitors see: normal noise and what the encoder makes."""
        prior = turn.normal("prior", self.latent)
        fake = turn("encoder", self.molecules(turn), self.dose(turn, "look"))[0]
        judged = {"real": turn("discriminator", prior), "fake": turn("discriminator", fake)}
        return {**judged, "examples": prior, "generated": fake}
