"""Cookbook: data of one's own, and data that are no pictures."""

import sys

import numpy as np
from gan import GAN, model
from pydantic import Field

from gankit import ArraySource, Data, nn
from gankit.engine import FunctionSource
from gankit.images import Augmented, Flip, Jitter, open_picture_table
from gankit.support import write_csv
from gankit.testing import tiny_pictures


class Series(GAN):
    """What is no picture is looked at as a table."""

    def sample(self, networks, data, out):
        rows = np.reshape(self.draw(networks, 20), (20, -1))
        table = [{str(i): float(x) for i, x in enumerate(row)} for row in rows]
        write_csv(out / "samples.csv", table)
        return [out / "samples.csv"]


# --8<-- [start:folders]
class FolderOptions(nn.AdversarialOptions):
    data: str = Field("pictures", description="Folder of pictures, with a table.")


class FolderGAN(GAN):
    name, Config = "cookbook-folders", FolderOptions

    def data(self):
        folder, columns = self.config.data, ["kind"]
        found = open_picture_table(folder, size=8, channels=1, labels=columns)
        pictures = Augmented(found.train["pictures"], Flip(), Jitter(9))
        test = found.held_out["pictures"].fields["image"]
        return Data({"pictures": pictures}, {"test": test}, found.facts)

    @classmethod
    def tiny_data(cls, folder):  # for `gankit check`
        tiny_pictures(folder, count=40, side=8)
        kinds = [{"file": f"{i}.png", "kind": "ab"[i % 2]} for i in range(40)]
        write_csv(folder / "kinds.csv", kinds)
        return {"data": str(folder)}


# --8<-- [end:folders]
# --8<-- [start:function]
class FunctionGAN(GAN):
    name = "cookbook-function"

    def data(self):
        data = super().data()
        pictures = data.train["digits"].fields["image"]  # uint8; it could be files

        def read(rows, index, seed):  # NumPy in, NumPy out
            moved = []
            for row, i in zip(rows, index, strict=True):
                move = np.random.default_rng([seed, i]).integers(-1, 2, size=2)
                moved.append(np.roll(pictures[row], move, axis=(0, 1)))
            return {"image": np.stack(moved) / np.float32(127.5) - 1}

        fields = {"image": ((8, 8, 1), "float32")}  # of one example
        source = FunctionSource(len(pictures), read, fields)
        return Data({"digits": source}, data.held_out)


# --8<-- [end:function]
# --8<-- [start:text]
LETTERS = " _abcdefghijklmnopqrstuvwxyz0123456789"
LONGEST = 12


class TextGAN(Series):
    """Names that could be modules of Python, letter by letter."""

    name = "cookbook-text"

    def data(self):
        names = sorted(name for name in sys.stdlib_module_names if name.islower())
        padded = [name.ljust(LONGEST) for name in names if len(name) <= LONGEST]
        tokens = np.array([[LETTERS.index(x) for x in name] for name in padded])
        test = np.arange(len(tokens)) % 5 == 0
        train = ArraySource(tokens=tokens[~test])  # [n, 12] int64
        return Data({"words": train}, {"test": np.eye(len(LETTERS))[tokens[test]]})

    def networks(self, data):
        from keras.layers import LSTM, Dense

        # A letter's embedding is a row of this matrix; a mixture of letters has the
        # mixture of their rows.
        embed = Dense(16, use_bias=False)
        made = LSTM(32, return_sequences=True), Dense(len(LETTERS))
        seen = embed, LSTM(32), Dense(1)
        return {
            "generator": model((LONGEST, 8), *made),
            "discriminator": model((LONGEST, len(LETTERS)), *seen),
        }

    def fakes(self, turn):
        from keras import ops

        logits = turn("generator", turn.normal("z", LONGEST, 8))
        uniform = turn.uniform("gumbel", LONGEST, len(LETTERS))
        gumbel = -ops.log(1e-9 - ops.log(uniform + 1e-9))
        return {"fake": ops.softmax((logits + gumbel) / turn.knobs["temperature"])}

    def tell_apart(self, turn):
        from keras import ops

        words = ops.one_hot(turn["tokens"], len(LETTERS))
        real, fake = turn("discriminator", words), turn.shared["fake"]
        return self.apart(real, turn("discriminator", fake))

    def stages(self, data):
        return [self.game(knobs={"temperature": lambda step: max(0.2, 0.999**step)})]

    def draw(self, networks, count):
        noise = self.noise(count, LONGEST, 8)
        logits = networks["generator"].predict(noise, verbose=0)
        gumbel = np.random.default_rng(1).gumbel(size=logits.shape)
        return np.eye(len(LETTERS))[(logits + gumbel).argmax(-1)]

    def sample(self, networks, data, out):
        found = self.draw(networks, 20).argmax(-1)
        words = ["".join(LETTERS[i] for i in word).strip() for word in found]
        write_csv(out / "words.csv", [{"word": word} for word in words])
        return [out / "words.csv"]


# --8<-- [end:text]
# --8<-- [start:sequences]
class WaveGAN(Series):
    name = "cookbook-sequences"

    def data(self):
        rng = np.random.default_rng(0)
        speed, start = rng.uniform(0.2, 0.6, (500, 1)), rng.uniform(0, 6, (500, 1))
        waves = np.sin(speed * np.arange(24) + start)[..., None]  # [500, 24, 1]
        return Data({"waves": ArraySource(wave=waves[:400])}, {"test": waves[400:]})

    def networks(self, data):
        from keras.layers import LSTM, Dense

        made = LSTM(32, return_sequences=True), Dense(1)
        return {
            "generator": model((24, 4), *made),  # fresh noise at each time
            "discriminator": model((24, 1), LSTM(32), Dense(1)),
        }

    def fakes(self, turn):
        return {"fake": turn("generator", turn.normal("z", 24, 4))}

    def tell_apart(self, turn):
        real, fake = turn["wave"], turn.shared["fake"]
        return self.apart(turn("discriminator", real), turn("discriminator", fake))

    def draw(self, networks, count):
        return networks["generator"].predict(self.noise(count, 24, 4), verbose=0)


# --8<-- [end:sequences]
# --8<-- [start:volumes]
class VolumeGAN(Series):
    """Balls somewhere in a cube of 8 x 8 x 8 voxels."""

    name = "cookbook-volumes"

    def data(self):
        centre = np.random.default_rng(0).uniform(2, 5, (500, 1, 1, 1, 3))
        voxels = np.stack(np.meshgrid(*[np.arange(8)] * 3), axis=-1)
        balls = np.linalg.norm(voxels - centre, axis=-1) < 2.5
        balls = balls[..., None].astype("float32")  # [500, 8, 8, 8, 1]
        return Data({"balls": ArraySource(ball=balls[:400])}, {"test": balls[400:]})

    def networks(self, data):
        from keras.layers import Conv3D, Conv3DTranspose, Dense, Flatten, Reshape

        enlarge = Conv3DTranspose(1, 4, 2, padding="same", activation="sigmoid")
        reduce = Conv3D(8, 4, 2, padding="same", activation="leaky_relu")
        made = Dense(256, "relu"), Reshape((4, 4, 4, 4)), enlarge
        return {
            "generator": model((8,), *made),
            "discriminator": model((8, 8, 8, 1), reduce, Flatten(), Dense(1)),
        }

    def tell_apart(self, turn):
        real, fake = turn["ball"], turn.shared["fake"]
        return self.apart(turn("discriminator", real), turn("discriminator", fake))

    def draw(self, networks, count):
        return networks["generator"].predict(self.noise(count), verbose=0)


# --8<-- [end:volumes]
