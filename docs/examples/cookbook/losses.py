"""Cookbook: several networks, several losses."""

from dataclasses import replace

import numpy as np
from gan import GAN, model
from pydantic import Field

from gankit import Phase, nn
from gankit.images import to_uint8


# --8<-- [start:several]
class TwoJudgesGAN(GAN):
    name = "cookbook-two-judges"
    sides = {"fine": 8, "coarse": 4}

    def networks(self, data):
        from keras.layers import Dense, Flatten

        def judge(side):
            seen = Flatten(), Dense(64, "leaky_relu"), Dense(1)
            return model((side, side, 1), *seen)

        judges = {name: judge(side) for name, side in self.sides.items()}
        return {"generator": super().networks(data)["generator"], **judges}

    def says(self, turn, name, pictures):
        from keras import ops

        seen = pictures if name == "fine" else ops.average_pool(pictures, 2)
        return turn(name, seen)

    def tell_apart(self, turn):
        terms = {}
        for name in self.sides:
            real = self.says(turn, name, turn["image"])
            fake = self.says(turn, name, turn.shared["fake"])
            terms[f"real {name}"] = nn.cross_entropy(real, True)
            terms[f"fake {name}"] = nn.cross_entropy(fake, False)
        return terms

    def convince(self, turn):
        fake = turn.shared["fake"]
        said = {name: self.says(turn, name, fake) for name in self.sides}
        return {name: nn.cross_entropy(fake, True) for name, fake in said.items()}

    def phases(self):
        return (
            Phase("discriminator", ("fine", "coarse"), self.tell_apart),  # both move
            Phase("generator", ("generator",), self.convince, {"coarse": 0.5}),
        )


# --8<-- [end:several]
# --8<-- [start:critic]
class CriticGAN(GAN):
    name = "cookbook-critic"

    def tell_apart(self, turn):
        def critic(x):
            return turn("discriminator", x)

        real, fake = turn["image"], turn.shared["fake"]
        return {
            "real": nn.per_example(-critic(real)),
            "fake": nn.per_example(critic(fake)),
            "slope": nn.wgan_gp(critic, real, fake, turn.uniform("line")),
        }

    def convince(self, turn):
        return {"fake": nn.per_example(-turn("discriminator", turn.shared["fake"]))}

    def phases(self):
        critic, generator = super().phases()
        return replace(critic, weights={"slope": 10.0}, repeats=5), generator


# --8<-- [end:critic]
# --8<-- [start:lazy]
class LazyGAN(GAN):
    name = "cookbook-lazy"

    def penalise(self, turn):
        slope = nn.squared_gradient(lambda x: turn("discriminator", x), turn["image"])
        return {"r1": slope}

    def phases(self):
        weights = {"r1": 16 * 5.0}  # 16 times the weight in every 16th step
        of = "discriminator"  # whose optimizer it shares
        lazy = Phase("penalty", (of,), self.penalise, weights, optimizer=of, every=16)
        return (lazy, *super().phases())


# --8<-- [end:lazy]
# --8<-- [start:penalties]
class R3Options(nn.AdversarialOptions):
    loss: nn.LossName = Field("relativistic-paired", description="Loss.")
    penalty: str = Field("r1,r2", description="Penalties.")


class R3GAN(GAN):
    name, Config = "cookbook-r3gan", R3Options

    def stages(self, data):
        return [nn.adversarial_stage(self.config, nn.Players(latent=8))]


# --8<-- [end:penalties]
# --8<-- [start:labels]
class LabelledGAN(GAN):
    name = "cookbook-labels"

    def networks(self, data):
        from keras import Input, Model, layers

        z, pictures, label = Input((8,)), Input((8, 8, 1)), Input((), dtype="int64")

        x = layers.Concatenate()([z, layers.Embedding(10, 8)(label)])
        x = layers.Dense(64, "tanh")(layers.Dense(64, "relu")(x))
        generator = Model([z, label], layers.Reshape((8, 8, 1))(x))

        x = layers.Dense(64, "leaky_relu")(layers.Flatten()(pictures))
        fits = layers.Dot(axes=1)([x, layers.Embedding(10, 64)(label)])
        says = layers.Add()([layers.Dense(1)(x), fits])
        discriminator = Model([pictures, label], says)
        return {"generator": generator, "discriminator": discriminator}

    def fakes(self, turn):
        return {"fake": turn("generator", turn.normal("z", 8), turn["label"])}

    def judge(self, turn, pictures, kind):
        return turn("discriminator", pictures, turn["label"])

    def draw(self, networks, count):
        given = [self.noise(count), np.arange(count) % 10]
        return to_uint8(127.5 * (networks["generator"].predict(given, verbose=0) + 1))


# --8<-- [end:labels]
# --8<-- [start:perceptual]
class PerceptualGAN(GAN):
    """An autoencoder whose pictures must look the same to another network."""

    name = "cookbook-perceptual"

    def networks(self, data):
        from keras.layers import Dense, Flatten, Reshape

        from gankit.images.features import feature_network

        copier = Flatten(), Dense(16, "relu"), Dense(64, "tanh"), Reshape((8, 8, 1))
        return {
            **super().networks(data),
            "generator": model((8, 8, 1), *copier),
            "looks": feature_network("efficientnet-lite0").model,  # trained by nobody
        }

    def fakes(self, turn):
        return {"fake": turn("generator", turn["image"])}

    def convince(self, turn):
        from keras import ops

        from gankit.images.features import feature_distance

        def seen(pictures):  # in colour, in [0, 1], and of 32 pixels
            large = ops.repeat(ops.repeat(pictures, 4, axis=1), 4, axis=2)
            return turn("looks", ops.repeat((large + 1) / 2, 3, axis=3))

        distance = feature_distance(seen(turn.shared["fake"]), seen(turn["image"]))
        return {**super().convince(turn), "looks": distance}

    def draw(self, networks, count):
        given = self.data().held_out["test"][:count] / np.float32(127.5) - 1
        return to_uint8(127.5 * (networks["generator"].predict(given, verbose=0) + 1))


# --8<-- [end:perceptual]
# --8<-- [start:batch]
class CrowdGAN(GAN):
    name = "cookbook-crowd"

    def networks(self, data):
        from keras.layers import Dense, Flatten

        crowd = nn.MinibatchStandardDeviation()  # how much the pictures differ
        seen = model((8, 8, 1), Flatten(), Dense(64, "leaky_relu"), crowd, Dense(1))
        return {**super().networks(data), "discriminator": seen}

    def convince(self, turn):
        fake = turn.shared["fake"]
        others = turn.gather(fake)  # those of all devices
        apart = nn.per_example(abs(fake[:, None] - others[None]))  # [batch]
        means = nn.feature_matching(turn["image"], fake, turn.global_mean)
        return {**super().convince(turn), "means": means, "apart": -apart}

    def phases(self):
        discriminator, generator = super().phases()
        return discriminator, replace(generator, weights={"means": 1.0, "apart": 0.1})


# --8<-- [end:batch]
# --8<-- [start:log]
class LoggingGAN(GAN):
    name = "cookbook-log"

    def tell_apart(self, turn):
        real = turn("discriminator", turn["image"])
        fake = turn("discriminator", turn.shared["fake"])
        turn.log("margin", real[:, 0] - fake[:, 0])  # one value an example, [batch]
        return self.apart(real, fake)


# --8<-- [end:log]
# --8<-- [start:accumulate]
class LargeBatchGAN(GAN):
    name = "cookbook-accumulate"

    def phases(self):
        return tuple(replace(phase, accumulate=4) for phase in super().phases())


# --8<-- [end:accumulate]
