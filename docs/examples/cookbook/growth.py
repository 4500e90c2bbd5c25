"""Cookbook: a network that grows, and values that change by step."""

import math
from dataclasses import replace

from gan import GAN, model

from gankit import Phase, Stage
from gankit.images import to_uint8


# --8<-- [start:growth]
class GrowingGAN(GAN):
    name = "cookbook-growing"

    def networks(self, data):
        from keras.layers import Conv2D, Conv2DTranspose, Dense, Flatten, Reshape

        enlarge = Conv2DTranspose(1, 4, 2, "same", activation="tanh")
        reduce = Conv2D(8, 4, 2, "same", activation="leaky_relu")
        head = Flatten(), Dense(64, "leaky_relu"), Dense(1)
        return {
            "body": model((8,), Dense(128, "relu"), Reshape((4, 4, 8))),
            "to_4": model((4, 4, 8), Conv2D(1, 1, activation="tanh")),
            "to_8": model((4, 4, 8), enlarge),
            "from_4": model((4, 4, 1), Conv2D(8, 1, activation="leaky_relu")),
            "from_8": model((8, 8, 1), reduce),
            "judge": model((4, 4, 8), *head),
        }

    def small(self, turn):  # what the first stage makes, and compares it with
        from keras import ops

        fake = turn("to_4", turn("body", turn.normal("z", 8)))
        return {"fake": fake, "real": ops.average_pool(turn["image"], 2)}

    def large(self, turn):  # and the second one
        from keras.layers import UpSampling2D

        body, new = turn("body", turn.normal("z", 8)), turn.knobs["new"]
        blurred = UpSampling2D()(turn("to_4", body))
        fake = new * turn("to_8", body) + (1 - new) * blurred
        return {"fake": fake, "real": turn["image"]}

    def judge(self, turn, pictures, kind):
        from keras import ops

        if pictures.shape[1] == 4:
            return turn("judge", turn("from_4", pictures))
        new = turn.knobs["new"]
        blurred = turn("from_4", ops.average_pool(pictures, 2))
        return turn("judge", new * turn("from_8", pictures) + (1 - new) * blurred)

    def tell_apart(self, turn):
        real, fake = (self.judge(turn, turn.shared[x], x) for x in ("real", "fake"))
        return self.apart(real, fake)

    def stages(self, data):
        def phases(*sides):
            seen = [f"from_{side}" for side in sides]
            made = [f"to_{side}" for side in sides]
            return (
                Phase("discriminator", ("judge", *seen), self.tell_apart),
                Phase("generator", ("body", *made), self.convince),
            )

        steps = self.config.steps
        fade = {"new": lambda step: min(1.0, 2 * step / steps)}  # 1 from half way on
        first = Stage("4 pixels", steps, phases(4), self.small, batch_size=32)
        second = Stage("8 pixels", steps, phases(4, 8), self.large, batch_size=8)
        return [first, replace(second, knobs=fade)]

    def draw(self, networks, count):
        body = networks["body"].predict(self.noise(count), verbose=0)
        return to_uint8(127.5 * (networks["to_8"].predict(body, verbose=0) + 1))


# --8<-- [end:growth]
# --8<-- [start:schedules]
class ScheduledGAN(GAN):
    name = "cookbook-schedules"

    def judge(self, turn, pictures, kind):  # sees noise, less and less of it
        noise = turn.normal(f"noise on {kind}", 8, 8, 1)
        return turn("discriminator", pictures + turn.knobs["noise"] * noise)

    def rate(self, step):  # warms up for 100 steps, then falls as a cosine does
        wave = 1 + math.cos(math.pi * step / self.config.steps)
        return 1e-3 * min(1.0, (step + 1) / 100) * wave / 2

    def phases(self):
        return tuple(replace(phase, lr=self.rate) for phase in super().phases())

    def stages(self, data):
        knobs = {"noise": lambda step: 0.1 * (1 - step / self.config.steps)}
        return [self.game(knobs=knobs)]


# --8<-- [end:schedules]
