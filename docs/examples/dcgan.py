"""DCGAN, pictures from noise: `gankit run ./dcgan.py:DCGAN --data FOLDER`."""

import numpy as np
from pydantic import Field

from gankit import Data, Recipe
from gankit.images import PictureSource, open_pictures, picture_grid, to_uint8
from gankit.nn import AdversarialOptions


class DCGANOptions(AdversarialOptions):
    data: str = Field("digits", description="Folder of pictures, or a dataset's name.")
    size: int = Field(32, ge=8, multiple_of=8, description="Side of the pictures, in pixels.")
    latent: int = Field(64, ge=1, description="Numbers of noise that make a picture.")
    width: int = Field(32, ge=1, description="Channels at half the size; twice and four times as many below.")


class DCGAN(Recipe):
    name, summary, Config = "small-dcgan", "Pictures from noise by strided convolutions.", DCGANOptions
    ema, tiny = {"generator": 0.999}, {"size": 8, "latent": 8, "width": 4, "steps": 4}

    def data(self):
        found = open_pictures(self.config.data, size=self.config.size)
        images = PictureSource(found.train.images)  # in [-1, 1], as the field "image"
        return Data({"pictures": images}, {"set": found}, {"shape": found.train.images.shape[1:]})

    def networks(self, data):
        from keras import Sequential, layers

        from gankit.nn import SpectralConv2D

        shape, width, side = data.facts["shape"], self.config.width, self.config.size // 8
        made = [layers.Input((self.config.latent,)), layers.Dense(side * side * 4 * width)]
        made += [layers.Reshape((side, side, 4 * width))]
        for channels in (2 * width, width, shape[-1]):
            made += [layers.BatchNormalization(momentum=0.9, synchronized=True), layers.ReLU()]
            made += [layers.Conv2DTranspose(channels, 4, 2, padding="same")]
        judged = [layers.Input(shape)]
        for channels in (width, 2 * width, 4 * width):
            judged += [SpectralConv2D(channels, 4, 2, padding="same"), layers.LeakyReLU(0.2)]
        judged += [layers.Flatten(), layers.Dense(1)]
        return {"generator": Sequential([*made, layers.Activation("tanh")]), "discriminator": Sequential(judged)}

    def optimizers(self):
        return self.config.adam("discriminator", "generator")

    def stages(self, data):
        from gankit.nn import Players, adversarial_stage

        return [adversarial_stage(self.config, Players(latent=self.config.latent))]

    def draw(self, networks, count):
        noise = np.random.default_rng(0).normal(size=(count, self.config.latent)).astype("float32")
        return to_uint8(127.5 * (networks["generator"].predict(noise, batch_size=500, verbose=0) + 1))

    def evaluate(self, networks, data):
        from gankit.images.features import embedding
        from gankit.images.metrics import score_pictures
        from gankit.runs import build_networks

        found = data.held_out["set"]
        fake, untrained = (self.draw(nets, len(found.test.images)) for nets in (networks, build_networks(self, data)))
        judge = embedding("auto", data=found)
        return score_pictures(found.train.images, found.test.images, fake, judge, untrained=untrained).evaluation()

    def sample(self, networks, data, out):
        picture_grid(self.draw(networks, 64), 8).save(out / "grid.png")
        return [out / "grid.png"]
