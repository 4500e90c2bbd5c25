"""CycleGAN: pictures of two kinds become each other, without pairs: `gankit run ./cyclegan.py:CycleGAN`."""

import numpy as np
from pydantic import Field

from gankit import Data, Evaluation, Phase, Recipe, Stage, nn
from gankit.images import Augmented, Flip, Jitter, open_unpaired, picture_grid, to_uint8
from gankit.images.features import embedding
from gankit.testing import tiny_pictures


class CycleGANOptions(nn.AdamOptions):
    data: str = Field("pictures", description="Folder with the folders A and B: pictures of one kind and of the other.")
    size: int = Field(64, ge=16, multiple_of=4, description="Side of the pictures, in pixels.")
    width: int = Field(32, ge=1, description="Channels at full size, twice and four times as many below it.")
    blocks: int = Field(6, ge=1, description="Residual blocks of a generator.")
    cycle: float = Field(10.0, ge=0, description="Weight of the difference after the way there and back.")
    identity: float = Field(5.0, ge=0, description="Weight of the change to pictures that are of the kind already.")
    pool: int = Field(50, ge=1, description="Earlier fakes of each kind that a discriminator is shown again.")
    steps: int = Field(4000, ge=2, description="Steps of training; the rate falls in the second half.")
    lr: float = Field(2e-4, gt=0, description="Learning rate of Adam.")


def convolution(x, channels, side, stride=1, up=False, norm=True):  # for both networks
    from keras import initializers, layers, ops

    if stride == 1:  # beyond its border, the picture goes on as in a mirror
        border = (side // 2, (side - 1) // 2)
        x = ops.pad(x, ((0, 0), border, border, (0, 0)), mode="reflect")
    kind, normal = layers.Conv2DTranspose if up else layers.Conv2D, initializers.RandomNormal(stddev=0.02)
    x = kind(channels, side, stride, "same" if stride > 1 else "valid", use_bias=not norm, kernel_initializer=normal)(x)
    return layers.GroupNormalization(groups=-1)(x) if norm else x  # each picture by itself


def generator(shape, width, blocks):  # two halvings, residual blocks, two doublings
    from keras import Input, Model, layers

    x = given = Input(shape)
    for channels, side, stride in ((width, 7, 1), (2 * width, 3, 2), (4 * width, 3, 2)):
        x = layers.ReLU()(convolution(x, channels, side, stride))
    for _ in range(blocks):
        change = layers.ReLU()(convolution(x, 4 * width, 3))
        x = layers.Add()([x, convolution(change, 4 * width, 3)])
    for channels in (2 * width, width):
        x = layers.ReLU()(convolution(x, channels, 3, 2, up=True))
    return Model(given, layers.Activation("tanh")(convolution(x, shape[-1], 7, norm=False)))


def discriminator(shape, width):  # says of each part of a picture whether it is real
    from keras import Input, Model, layers

    x = given = Input(shape)
    for i, stride in enumerate((2, 2, 1)):
        x = layers.LeakyReLU(0.2)(convolution(x, width * 2**i, 4, stride, norm=i > 0))
    return Model(given, convolution(x, 1, 4, norm=False))


class CycleGAN(Recipe):
    name, summary, Config = "cyclegan", "Pictures of two kinds become each other, without pairs.", CycleGANOptions
    paper = "Zhu et al. 2017, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks"
    tiny = {"size": 16, "width": 2, "blocks": 1, "pool": 6, "steps": 4}

    @classmethod
    def tiny_data(cls, folder):
        return {"data": str(tiny_pictures(folder, "A", "B", count=20))}

    def data(self):
        found = open_unpaired(self.config.data, size=self.config.size)  # the fields "a" and "b", in [-1, 1]
        changes = Jitter(self.config.size * 286 // 256), Flip()
        return Data({kind: Augmented(x, *changes) for kind, x in found.train.items()}, found.held_out, found.facts)

    def networks(self, data):
        shape, width = (*data.facts["size"], data.facts["channels"]), self.config.width
        generators = {f"to_{kind}": generator(shape, width, self.config.blocks) for kind in "ab"}
        return {**generators, **{f"judge_{kind}": discriminator(shape, 2 * width) for kind in "ab"}}

    def optimizers(self):
        return self.config.adam("judges", "generators")

    # --8<-- [start:losses]
    def stages(self, data):
        options, shape = self.config, (*data.facts["size"], data.facts["channels"])
        pools = {kind: nn.ImagePool(shape, options.pool, f"pool {kind}") for kind in "ab"}

        def fakes(turn):
            return {there: turn(f"to_{there}", turn[here]) for here, there in ("ab", "ba")}

        def tell_apart(turn):
            terms = {}
            for kind, pool in pools.items():
                fake = pool.exchange(turn, turn.shared[kind])
                terms[f"real {kind}"] = nn.squared_error(turn(f"judge_{kind}", turn[kind]), 1.0)
                terms[f"fake {kind}"] = nn.squared_error(turn(f"judge_{kind}", fake), 0.0)
            return terms

        def translate(turn):
            terms = {"fake": 0.0, "cycle": 0.0, "identity": 0.0}
            for here, there in ("ab", "ba"):
                terms["fake"] += nn.squared_error(turn(f"judge_{there}", turn.shared[there]), 1.0)
                terms["cycle"] += nn.absolute_error(turn(f"to_{here}", turn.shared[there]), turn[here])
                terms["identity"] += nn.absolute_error(turn(f"to_{here}", turn[here]), turn[here])
            return terms

        def remember(turn):
            a, b = (pool.update(turn, turn.shared[kind]) for kind, pool in pools.items())
            return {**a, **b}

        def rate(step):  # level in the first half, then down to 0
            return options.lr * min(1.0, 2 - 2 * step / options.steps)

        weights = {"cycle": options.cycle, "identity": options.identity}
        state = {**pools["a"].state, **pools["b"].state}
        phases = (
            Phase("judges", ("judge_a", "judge_b"), tell_apart, lr=rate),
            Phase("generators", ("to_a", "to_b"), translate, weights, lr=rate),
        )
        return [Stage("game", options.steps, phases, shared=fakes, state=state, update=remember)]

    # --8<-- [end:losses]
    def translated(self, networks, pictures):  # kind -> what becomes of the pictures of the other kind, uint8
        made = {b: networks[f"to_{b}"].predict(pictures[a] / np.float32(127.5) - 1, verbose=0) for a, b in ("ab", "ba")}
        return {kind: to_uint8(127.5 * (x + 1)) for kind, x in made.items()}

    def evaluate(self, networks, data):
        embed, test = embedding("efficientnet-lite0"), {kind: x.fields[kind] for kind, x in data.held_out.items()}
        mean, deviation = ({kind: f(x, axis=(0, 1, 2)) for kind, x in test.items()} for f in (np.mean, np.std))
        ways = {"ours": self.translated(networks, test), "unchanged": {}, "colours moved": {}}
        for here, there in ("ab", "ba"):
            moved = (test[here] - mean[here]) / deviation[here] * deviation[there] + mean[there]
            ways["unchanged"][there], ways["colours moved"][there] = test[here], to_uint8(moved)
        found = {way: {f"kid_{x}": embed.kid(test[x], made[x]).value for x in "ab"} for way, made in ways.items()}
        protocol = {"pictures": {kind: len(real) for kind, real in test.items()}, "features": embed.protocol}
        return Evaluation(found.pop("ours"), found, protocol, better={"kid_a": "lower", "kid_b": "lower"})

    def sample(self, networks, data, out):
        few = {kind: x.fields[kind][:8] for kind, x in data.held_out.items()}
        made = self.translated(networks, few)
        picture_grid([*few["a"], *made["b"], *few["b"], *made["a"]], 8).save(out / "both_ways.png")
        return [out / "both_ways.png"]
