"""The recipe `srgan`: configuration, data and stages. Imports no TensorFlow; networks and losses live beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from gankit import Data, Evaluation, Monitor, Phase, Recipe, RecipeConfig, Section, Selection, Stage, Terms, Turn
from gankit_srgan.degradation.options import Damage, Preset, degradation

STAGES = ("pixel", "adversarial")
SHAPES = {
    "compact": {"blocks": 6, "width": 48},
    "fast": {"blocks": 3, "width": 24},
    "unet": {"blocks": 3, "width": 32},
    "paper": {},
}


class Pixel(Section):
    """The first stage: the generator alone, pixel by pixel."""

    steps: int | None = Field(
        None, ge=1, description="Steps; 20,000 for the small generators, 1,000,000 for the paper's."
    )
    loss: Literal["auto", "l1", "mse"] = Field(
        "auto", description="Loss of pixels; auto: l1 for the small generators, mse for the paper's."
    )
    optimizer: Literal["auto", "muon", "adam"] = Field(
        "auto", description="Optimizer; auto: muon, or adam for the paper's generator."
    )
    lr: float | None = Field(
        None,
        gt=0,
        description="Learning rate; 3e-3 with muon and 1e-3 with adam, falling along a cosine; 1e-4 for the paper's.",
    )


class Adversarial(Section):
    """The second stage: generator against discriminator, with a perceptual loss."""

    steps: int | None = Field(None, ge=1, description="Steps; 4,000 for the small generators, 200,000 for the paper's.")
    lr: float = Field(1e-4, gt=0, description="Learning rate; a tenth of it in the second half, as in the paper.")
    loss: Literal["non-saturating", "relativistic", "relativistic-paired", "hinge", "least-squares"] = Field(
        "non-saturating", description="Loss that the two networks play with; the paper's is non-saturating."
    )
    discriminator: Literal["paper", "patch", "unet"] = Field(
        "paper", description="Discriminator: one verdict on a crop as in the paper, or one on each patch or pixel."
    )
    optimizer: Literal["adam", "muon"] = Field("adam", description="Optimizer of both networks.")
    r1: float = Field(
        0.0, ge=0, description="Weight of the discriminator's squared gradient on photographs; not for paper."
    )
    r1_every: int = Field(4, ge=1, description="Steps between updates by r1, whose weight grows in proportion.")
    discriminator_lr: float | None = Field(None, gt=0, description="Learning rate of the discriminator, if another.")
    content: float = Field(1.0, ge=0, description="Weight of the distance of features.")
    texture: float = Field(0.0, ge=0, description="Weight of EnhanceNet's distance of textures.")
    adversarial: float = Field(5e-3, ge=0, description="Weight of the game; 1e-3 beside VGG19's content.")
    pixel: float = Field(1.0, ge=0, description="Weight of the absolute error of pixels; 0 in the paper.")
    lattice: float = Field(15.0, ge=0, description="Weight of patterns that repeat with the grid; 0 in the paper.")


class SRGANConfig(RecipeConfig):
    """Options of `gankit run srgan`."""

    data: str = Field("photos", description="A folder of photographs, or a dataset's name.")
    pairs: tuple[str, str] | None = Field(
        None, description="Folders of small and of large photographs that belong together, LR/ HR/; instead of data."
    )
    held_out: int | None = Field(None, ge=1, description="Images of a folder to hold out for evaluation.")
    skip_bad: bool = Field(False, description="Leave out photographs that cannot be read or are too small.")
    scale: int = Field(4, ge=1, le=4, description="Factor of enlargement; 1 restores damaged pictures.")
    degradation: Preset = Field("clean", description="What the small pictures suffer beside being reduced.")
    damage: Damage = Field(default_factory=Damage)
    patterns: float = Field(
        0.0, ge=0, le=1, description="Share of crops out of drawn neutral patterns: checkers, dither, halftone, text."
    )
    stages: str = Field("pixel,adversarial", description="Stages to train: one or both.")
    generator: Literal["auto", "compact", "fast", "unet", "paper"] = Field(
        "auto",
        description="Generator; auto: paper with a GPU, else compact, or unet for damaged pictures.",
    )
    blocks: int | None = Field(None, ge=1, description="Depth of the generator; 6 for compact, 3 for fast and unet.")
    width: int | None = Field(
        None, ge=1, description="Channels of the generator; 48 for compact, 24 for fast, 32 for unet."
    )
    discriminator_width: int | None = Field(
        None, ge=1, description="Channels that the discriminator begins with; 64 as in the paper, or 24."
    )
    crop: int | None = Field(None, ge=16, description="Side of a training crop in pixels; 96 as in the paper, or 64.")
    features: Literal["efficientnet-lite0", "vgg19"] = Field(
        "efficientnet-lite0", description="Feature network of the perceptual loss; vgg19 is the paper's."
    )
    feature_weights: str | None = Field(None, description="File with the feature network's weights.")
    sizes: str = Field("1", description="Factors at which each photograph enters the training, such as 1,0.5,0.25.")
    largest: int | None = Field(
        None, ge=16, description="Longest side of a photograph in pixels; longer ones are reduced to it first."
    )
    sampling: Literal["detail", "area", "image"] = Field(
        "detail",
        description="What the number of crops is in proportion to; image takes as many from each photograph and size.",
    )
    cache_mb: int = Field(
        8000, ge=1, description="Most memory for decoded photographs, in MB; beyond it they are kept on disk."
    )
    pixel: Pixel = Field(default_factory=Pixel)
    adversarial: Adversarial = Field(default_factory=Adversarial)

    @model_validator(mode="after")
    def _fitting_penalty(self) -> SRGANConfig:
        if self.adversarial.r1 and self.adversarial.discriminator == "paper":
            raise ValueError("adversarial.r1 needs a discriminator without batch normalisation: patch or unet")
        if self.adversarial.texture and self.features == "vgg19":
            raise ValueError("adversarial.texture needs finer maps than vgg19 has: take efficientnet-lite0")
        return self

    @model_validator(mode="before")
    @classmethod
    def _named_by_pairs(cls, given: Any) -> Any:
        # A record of what was trained on names the folder of the truth.
        pairs = given.get("pairs") if isinstance(given, Mapping) else None
        return {"data": pairs[-1], **given} if isinstance(pairs, list | tuple) and pairs else given

    @model_validator(mode="after")
    def _whole_pairs(self) -> SRGANConfig:
        if self.pairs and self.data != self.pairs[1]:
            raise ValueError("pairs and data both name photographs: give one of them")
        made = ("degradation", "damage", "patterns", "sizes", "largest") if self.pairs else ()
        fields = type(self).model_fields
        changed = [name for name in made if getattr(self, name) != fields[name].get_default(call_default_factory=True)]
        if changed:
            raise ValueError(f"pairs bring their own small pictures, so that {changed[0]} does not apply to them")
        return self

    @field_validator("stages")
    @classmethod
    def _known_stages(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",")]
        if not names or len(set(names)) != len(names) or not set(names) <= set(STAGES):
            raise ValueError(f"name one or both of {', '.join(STAGES)}")
        return ",".join(name for name in STAGES if name in names)

    @field_validator("sizes")
    @classmethod
    def _known_sizes(cls, value: str) -> str:
        factors = [float(factor) for factor in value.split(",")]
        if not all(0 < factor <= 1 for factor in factors):
            raise ValueError("each factor lies above 0 and at most at 1")
        return ",".join(f"{factor:g}" for factor in factors)

    @model_validator(mode="after")
    def _fitting_crop(self) -> SRGANConfig:
        if self.crop and (self.crop % (4 * self.scale) or self.crop % 16):
            raise ValueError(f"crop {self.crop} is not divisible by 16 and by 4 x the scale {self.scale}")
        if self.scale == 1 and not self.pairs and not degradation(self.degradation, self.damage).strikes:
            raise ValueError("scale 1 learns to repair damage, and there is none: name a degradation, web say")
        return self


class SRGAN(Recipe):
    """Photo-realistic enlargement of photographs.

    First the generator learns to reproduce pixels, which gives the highest PSNR; then it plays against a discriminator
    under a perceptual loss, which gives sharper texture at some cost in PSNR. Low resolution is made on the fly by
    MATLAB-compatible antialiased bicubic, or damaged besides; or it is the user's own.
    """

    name = "srgan"
    summary = "Enlarge photographs x2, x3 or x4, or repair them (SRResNet, then SRGAN)."
    paper = "Ledig et al., Photo-Realistic Single Image Super-Resolution Using a GAN, CVPR 2017, arXiv:1609.04802"
    Config = SRGANConfig
    ema = {"generator": 0.999}
    exports = {"generator": "low resolution, RGB in [0, 1] -> high resolution, to be clipped to [0, 1]"}
    tiny = {
        "blocks": 1,
        "width": 8,
        "crop": 32,
        "discriminator_width": 4,
        "pixel.steps": 4,
        "adversarial.steps": 4,
        "training.batch_size": 4,
    }

    @classmethod
    def commands(cls) -> Any:
        """`gankit srgan upscale` and its like."""
        from gankit_srgan.commands import group

        return group

    def check(self, source: str) -> tuple[dict[str, Any], str]:
        """Which photographs open, how large they are, and what of them a training would use."""
        from gankit_srgan.onnx_backend import has_gpu
        from gankit_srgan.survey import described

        config, crop = self.config, self._crop(self._generator(has_gpu()))  # found without TensorFlow's start
        return described(source, config.held_out, config.scale, self._reductions(crop), config.cache_mb)

    def data(self) -> Data:
        """Photographs to cut crops from, and some held out."""
        from gankit.images import ImageCrops, load_pixels
        from gankit_srgan.photos import Pairs, held_out, split
        from gankit_srgan.survey import Sieve, naming_skip_bad

        config, facts = self.config, self._facts()
        if config.pairs:
            from gankit_srgan.photo_pairs import open_photo_pairs

            chosen = (config.held_out, config.sampling, config.cache_mb, config.skip_bad)
            found = open_photo_pairs(config.pairs, config.scale, facts["crop"], *chosen)
            return replace(found, facts={**facts, **found.facts})
        reductions = self._reductions(facts["crop"])
        sieve = Sieve(reductions, config.scale)
        with naming_skip_bad(config.skip_bad):
            train, test = split(config.data, config.held_out, sieve if config.skip_bad else list)
            pixels, judged = load_pixels(train, reductions, config.cache_mb), held_out(test, config.scale)
        facts |= sieve.facts()
        # Thirty-two crops an image and epoch: an epoch of one crop would make the shuffle's unit too small.
        crops = ImageCrops(pixels, facts["crop"], repeat=32, by=config.sampling)
        pairs = Pairs(crops, config.scale, self._damage, config.patterns)
        return Data({"photos": pairs}, judged, facts)

    def test_data(self, source: str) -> Data:
        """Any folder of high-resolution images, all held out."""
        from gankit_srgan.photos import benchmark, pair_folders

        if self.config.pairs and (folders := pair_folders(source)):
            from gankit_srgan.photo_pairs import opened, whole

            pairs = opened(folders, self.config.scale, 1, skip_bad=False).pairs
            return Data(held_out=whole(pairs, self.config.scale), facts=self._facts())
        return Data(held_out=benchmark(source, self.config.scale), facts=self._facts())

    def _facts(self) -> dict[str, Any]:
        """What the defaults mean on this machine; stored, so that the run means it everywhere."""
        import tensorflow as tf

        generator = self._generator(bool(tf.config.list_physical_devices("GPU")))
        return {"generator": generator, "crop": self._crop(generator)}

    def _generator(self, gpu: bool) -> str:
        """What `generator` means."""
        if self.config.generator != "auto":
            return self.config.generator
        small = "unet" if self._damage.passes or self.config.scale == 1 else "compact"
        return "paper" if gpu else small

    def _crop(self, generator: str) -> int:
        # In a given time on a CPU, smaller crops gain more PSNR: more of them, from more places, fit into it.
        if generator == "unet":
            return self.config.crop or 32 * self.config.scale
        return self.config.crop or (96 if generator == "paper" or self.config.scale == 3 else 64)

    def _reductions(self, crop: int) -> Any:
        """The sizes at which photographs enter, for `gankit.images.load_pixels`."""
        from gankit.images import Reductions

        return Reductions(tuple(float(factor) for factor in self.config.sizes.split(",")), self.config.largest, crop)

    @property
    def _damage(self) -> Damage:
        return degradation(self.config.degradation, self.config.damage)

    def generator_options(self, name: str) -> dict[str, int]:
        """Depth and width of a generator, as its function in `gankit_srgan.networks` takes them."""
        return {key: getattr(self.config, key) or default for key, default in SHAPES[name].items()}

    @property
    def _stages(self) -> list[str]:
        return self.config.stages.split(",")

    def initial_weights(self, reference: str) -> dict[str, list[Any]]:
        """Those of a model in the box, or of a file that `gankit srgan pack` wrote."""
        from gankit_srgan import models

        scale = self.config.scale
        if self.config.training.init_partial and (reference, scale) not in models.shipped():
            # All of another factor's layers fit but the last.
            scale = max((factor for name, factor in models.shipped() if name == reference), default=scale)
        weights = models.find(reference, scale).weights
        return {"generator": [weights[key] for key in sorted(weights)]}

    def networks(self, data: Data) -> dict[str, Any]:
        """Generator, and for the adversarial stage discriminator and feature network."""
        from gankit_srgan import networks

        config, name = self.config, data.facts["generator"]
        generator = getattr(networks, name)(config.scale, **self.generator_options(name))
        built = {"generator": generator}
        if "adversarial" in self._stages:
            from gankit.images.features import feature_network

            built["discriminator"] = self._discriminator(data)
            built["features"] = feature_network(config.features, weights_file=config.feature_weights).model
        return built

    def _discriminator(self, data: Data) -> Any:
        from gankit_srgan import networks

        kind, width = self.config.adversarial.discriminator, self.config.discriminator_width
        if kind == "patch":
            return networks.patch_discriminator(width or 32)
        if kind == "unet":
            return networks.unet_discriminator(width or 16)
        width = width or (64 if data.facts["generator"] == "paper" else 24)
        return networks.discriminator(data.facts["crop"], width, 16 * width)

    def optimizers(self) -> dict[str, Any]:
        """Adam with the paper's beta1 = 0.9, and Muon for pixels; the rates come from the phases."""
        import keras

        from gankit.nn import Muon

        def made(kind: str) -> Any:
            return Muon(1e-4, momentum=0.9) if kind == "muon" else keras.optimizers.Adam(1e-4)

        game = {name: made(self.config.adversarial.optimizer) for name in ("generator", "discriminator")}
        return {"muon": made("muon"), "pixel": made("adam"), **game}

    def stages(self, data: Data) -> list[Stage]:
        """Pixel pre-training, then the adversarial stage (the paper's section 3.2)."""
        from gankit.images.features import content_distance
        from gankit.nn import ADVERSARIAL, absolute_error, per_example, squared_error, squared_gradient
        from gankit_srgan.lattice import jittered, lattice
        from gankit_srgan.texture import texture_distance

        config, paper = self.config, data.facts["generator"] == "paper"
        pixel, adversarial = config.pixel, config.adversarial
        pixel_steps = pixel.steps or (1_000_000 if paper else 20_000)
        muon = pixel.optimizer == "muon" or (pixel.optimizer == "auto" and not paper)
        pixel_lr = pixel.lr or (1e-4 if paper else 3e-3 if muon else 1e-3)
        pixel_loss = squared_error if "mse" in (pixel.loss, "mse" if paper else "") else absolute_error
        steps = adversarial.steps or (200_000 if paper else 4_000)

        def enlarged(turn: Turn) -> Terms:
            return {"sr": turn("generator", turn["lr"])}

        def reproduce(turn: Turn) -> Terms:
            return {"error": pixel_loss(turn("generator", turn["lr"]), turn["hr"])}

        game = ADVERSARIAL[adversarial.loss]

        def discriminate(turn: Turn) -> Terms:
            real, fake = turn("discriminator", turn["hr"]), turn("discriminator", turn.shared["sr"])
            return game.discriminator(real, fake, turn.global_mean)

        def penalise(turn: Turn) -> Terms:
            def verdict(pictures: Any) -> Any:
                return per_example(turn("discriminator", pictures))

            return {"r1": squared_gradient(verdict, turn["hr"])}

        def generate(turn: Turn) -> Terms:
            sr = turn.shared["sr"]
            near = jittered(turn, sr, turn["hr"])
            ours, truth = (_listed(turn("features", image)) for image in near)
            real = turn("discriminator", turn["hr"]) if game.relative else None
            judged = game.generator(real, turn("discriminator", sr), turn.global_mean)
            terms = {
                "content": content_distance(ours, truth),
                "adversarial": sum(judged.values()),
                "pixel": absolute_error(sr, turn["hr"]),
                "lattice": lattice(sr, turn["hr"], config.scale),
            }
            if adversarial.texture:
                terms["texture"] = texture_distance(ours, truth, near[0].shape[1])
            return terms

        def outputs(turn: Turn) -> Terms:
            sr = turn("generator", turn["lr"])
            return {"real": turn("discriminator", turn["hr"]), "fake": turn("discriminator", sr)}

        def pixel_rate(step: int) -> float:
            return pixel_lr if paper else 0.5 * pixel_lr * (1 + math.cos(math.pi * step / pixel_steps))

        def rate(step: int) -> float:
            return adversarial.lr if step < steps / 2 else adversarial.lr / 10

        def discriminator_rate(step: int) -> float:
            return rate(step) * (adversarial.discriminator_lr or adversarial.lr) / adversarial.lr

        weights = adversarial.model_dump(include={"content", "adversarial", "pixel", "lattice", "texture"})
        if not adversarial.texture:
            del weights["texture"]
        every = adversarial.r1_every
        penalty = Phase(
            *("penalty", ("discriminator",), penalise, {"r1": every * adversarial.r1}, "discriminator"),
            lr=discriminator_rate,
            every=every,
        )
        stages = {
            "pixel": Stage(
                "pixel",
                pixel_steps,
                (Phase("pixel", ("generator",), reproduce, optimizer="muon" if muon else "pixel", lr=pixel_rate),),
                selection=Selection("psnr_y", ("generator",), "higher", restore=False),
                probe=self._validation(perceptual=False),
            ),
            "adversarial": Stage(
                "adversarial",
                steps,
                (
                    Phase("discriminator", ("discriminator",), discriminate, lr=discriminator_rate),
                    *([penalty] if adversarial.r1 else []),
                    Phase("generator", ("generator",), generate, weights, lr=rate),
                ),
                shared=enlarged,
                monitor=Monitor(outputs, examples=64),
                selection=Selection("feature_distance", ("generator",), restore=False),
                probe=self._validation(perceptual=True),
            ),
        }
        return [stages[name] for name in self._stages]

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """PSNR, SSIM, feature distance and NIQE beside bicubic."""
        from gankit_srgan import evaluation
        from gankit_srgan.photos import separated

        photos, lows = separated(data.held_out)
        method = self._method(networks, data)
        return evaluation.evaluate({"ours": method}, photos, self.config.scale, self._tracks, lows)

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """Sheets of details of held-out photographs, one for each kind of damage."""
        from gankit_srgan import evaluation
        from gankit_srgan.photos import separated

        method, scale = self._method(networks, data), self.config.scale
        sheets = {track: out / ("details.png" if track == "clean" else f"{track}.png") for track in self._tracks}
        photos, lows = separated(data.held_out)
        return [evaluation.sheet(method, photos, scale, path, track=track, lows=lows) for track, path in sheets.items()]

    @property
    def _tracks(self) -> list[str]:
        """What the held-out photographs suffer: nothing, and what the training taught to repair."""
        from gankit_srgan.degradation.tracks import TRACKS

        if self.config.pairs:
            return ["clean"]
        clean = ["clean"] if self.config.scale > 1 else []  # a clean picture of its own size is the truth
        return [*clean, *(name for name in TRACKS if name != "clean")] if self._damage.passes else clean

    def _validation(self, perceptual: bool) -> Any:
        """What is seen of the held-out photographs while a stage trains: damage of the middle kind."""
        from gankit_srgan.validation import Validation

        tracks = self._tracks
        return Validation(self._method, self.config.scale, tracks[len(tracks) // 2], perceptual)

    def _method(self, networks: Mapping[str, Any], data: Data) -> Any:
        from gankit_srgan.enlarger import CELLS, in_cells
        from gankit_srgan.evaluation import enlarging

        cell = CELLS.get(data.facts["generator"], 1)
        return enlarging(in_cells(networks["generator"], cell, self.config.scale))


def _listed(maps: Any) -> list[Any]:
    return list(maps) if isinstance(maps, list | tuple) else [maps]
