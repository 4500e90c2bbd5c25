"""The losses: phases of one game (Kadurin et al., Oncotarget 8, 2017, "The cornucopia of meaningful leads").

In order: the discriminator learns to tell the encoder's normal neurons from N(0, I); the encoder learns to resist; the
GI neuron learns the response; encoder and decoder learn to reconstruct; and the manifold cost binds the normal neurons
of one fingerprint at different concentrations. To these we add one: what is asked of the decoder must be read back by
the encoder.

All but the discriminator's share one optimizer. With one each, Adam would scale every loss to the same step whatever
its weight, and the phases would undo each other's work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gankit import Monitor, Phase, Stage, Turn
from gankit.nn import cross_entropy, per_example, squared_error
from gankit_aae_molecules.config import AAEConfig
from gankit_aae_molecules.response import Response


@dataclass(frozen=True)
class Losses:
    """The losses of a stage.

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
        both, dosed = ("encoder", "decoder"), self.response.dosed

        def phase(name: str, trains: tuple[str, ...], loss: Any, **shares: float) -> Phase:
            return Phase(name, trains, loss, shares, optimizer="autoencoder", lr=rate)

        double = self.config.rate(steps, 2.0)
        phases = [
            Phase("discriminator", ("discriminator",), self.discriminate, lr=double, repeats=2),
            phase("encoder", ("encoder",), self.resist, normal=self.config.share("adversarial")),
        ]
        if self.responses:
            phases.append(phase("gi", ("encoder",), self.regress, response=self.config.share("gi")))
        shares = {"concentration": weights.concentration} if dosed else {}
        phases.append(phase("autoencoder", both, self.reconstruct, **shares))
        if dosed and weights.manifold:
            phases.append(phase("manifold", ("encoder",), self.bind, latent=weights.manifold))
        if control := self.config.share("control"):
            phases.append(phase("control", ("decoder",), self.obey, latent=control, gi=control))
        if self.config.vae:
            phases.append(Phase("vae", ("vae_encoder", "vae_decoder"), self.vary, lr=self.config.rate(steps)))
        reads = ("molecules", "responses") if self.responses else ("molecules",)
        monitor = Monitor(self.monitored, generator="encoder", reads=("molecules",))
        return Stage(name, steps, tuple(phases), reads=reads, monitor=monitor)

    # -- what is encoded -----------------------------------------------------------------------------------------------

    def molecules(self, turn: Turn) -> Any:
        """The bits of structures, with or without responses."""
        return tf.cast(turn["molecule"], turn.uniform("type", 1).dtype)

    def dose(self, turn: Turn, name: str) -> Any:
        """A concentration for each of them, as likely anywhere in the range of the responses."""
        low, high = self.doses
        return low + (high - low) * turn.uniform(f"concentration, {name}", 1)

    def studied(self, turn: Turn) -> tuple[Any, Any, Any]:
        """Fingerprints, concentrations and responses, made harder to learn by heart.

        Each is mixed with another one (mixup: Zhang et al., ICLR 2018, with shares of Beta(1, 1), the larger share its
        own), and some of the bits are hidden.
        """
        share = turn.uniform("share", 1)
        share = tf.maximum(share, 1 - share) if self.config.mixup else tf.ones_like(share)
        bits, concentration, response = (
            share * tf.cast(turn[name], share.dtype) + (1 - share) * tf.cast(turn[f"other_{name}"], share.dtype)
            for name in ("fingerprint", "concentration", "response")
        )
        hidden = self.config.dropout
        seen = tf.cast(turn.uniform("hidden bits", bits.shape[1]) >= hidden, bits.dtype)
        return bits * seen / (1 - hidden), concentration, response

    # -- losses --------------------------------------------------------------------------------------------------------

    def discriminate(self, turn: Turn) -> dict[str, Any]:
        """Normal noise is real, what the encoder makes of structures is not."""
        fake, _ = turn("encoder", self.molecules(turn), self.dose(turn, "discriminator"))
        return {
            "real": cross_entropy(turn("discriminator", turn.normal("prior", self.latent)), real=True),
            "fake": cross_entropy(turn("discriminator", fake), real=False),
        }

    def resist(self, turn: Turn) -> dict[str, Any]:
        """The encoder's side of it."""
        fake, _ = turn("encoder", self.molecules(turn), self.dose(turn, "encoder"))
        return {"normal": cross_entropy(turn("discriminator", fake), real=True)}

    def regress(self, turn: Turn) -> dict[str, Any]:
        """The GI neuron against the response: squared error, or of labels cross-entropy.

        The encoder runs on its moving statistics: those of mixed fingerprints are not those of whole ones.
        """
        bits, concentration, response = self.studied(turn)
        gi = turn("encoder", bits, concentration, training=False)[1]
        if not self.response.labelled:
            return {"response": squared_error(gi, response)}
        logits = gi * self.response.spread + self.response.centre
        return {"response": per_example(tf.nn.sigmoid_cross_entropy_with_logits(response, logits))}

    def reconstruct(self, turn: Turn) -> dict[str, Any]:
        """Cross-entropy of the bits in nats a bit, squared error of the concentration.

        The decoder is shown the GI neuron but does not move it: else it would carry structure, not effect.
        """
        bits, dose = self.molecules(turn), self.dose(turn, "autoencoder")
        normal, gi = turn("encoder", bits, dose)
        logits, concentration = turn("decoder", normal, tf.stop_gradient(gi))
        terms = {"bits": per_example(tf.nn.sigmoid_cross_entropy_with_logits(bits, logits))}
        if self.response.dosed:
            terms["concentration"] = squared_error(concentration, dose)
        return terms

    def bind(self, turn: Turn) -> dict[str, Any]:
        """Squared distance between the normal neurons of one fingerprint at two concentrations.

        The papers take 1 - cosine, which leaves the length free; for vectors of N(0, I) the two agree in direction.
        """
        bits = self.molecules(turn)
        here, there = (turn("encoder", bits, self.dose(turn, place))[0] for place in ("here", "there"))
        return {"latent": squared_error(here, there)}

    def obey(self, turn: Turn) -> dict[str, Any]:
        """What the encoder reads of the bits that were decoded for a normal and a GI, against these.

        Trains the decoder alone: an encoder that moved, too, would agree with it on a code of their own. The bits are
        those that a user is given, 0 or 1, with the gradient of their probabilities (Bengio et al. 2013, section 2).
        """
        normal, gi = turn.normal("asked", self.latent), turn.normal("asked gi", 1)
        logits, concentration = turn("decoder", normal, gi)
        concentration = tf.clip_by_value(concentration, *self.doses)  # as when it is used; 0 where it is no input
        chances = tf.sigmoid(logits)
        bits = chances + tf.stop_gradient(tf.cast(logits > 0, chances.dtype) - chances)
        read, effect = turn("encoder", bits, concentration, training=False)
        return {"latent": squared_error(read, normal), "gi": squared_error(effect, gi)}

    def vary(self, turn: Turn) -> dict[str, Any]:
        """The negative evidence bound of a variational autoencoder, in nats a bit (Kingma & Welling 2014)."""
        bits = self.molecules(turn)
        mean, log_variance = turn("vae_encoder", bits, self.dose(turn, "vae"))
        z = mean + tf.exp(log_variance / 2) * turn.normal("posterior", self.latent + 1)
        logits, _ = turn("vae_decoder", z[:, : self.latent], z[:, self.latent :])
        divergence = tf.reduce_sum(tf.exp(log_variance) + tf.square(mean) - 1 - log_variance, axis=1) / 2
        return {
            "bits": per_example(tf.nn.sigmoid_cross_entropy_with_logits(bits, logits)),
            "divergence": divergence / bits.shape[1],
        }

    def monitored(self, turn: Turn) -> dict[str, Any]:
        """What the monitors see: normal noise and what the encoder makes."""
        prior = turn.normal("prior", self.latent)
        fake = turn("encoder", self.molecules(turn), self.dose(turn, "look"))[0]
        logits = {"real": turn("discriminator", prior), "fake": turn("discriminator", fake)}
        return {**logits, "examples": prior, "generated": fake}
