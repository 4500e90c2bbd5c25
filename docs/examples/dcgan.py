"""DCGAN, pictures from noise: `gankit run ./dcgan.py:DCGAN --data FOLDER`."""

import numpy as np
from pydantic import Field

from gankit import Data, Recipe, nn, runs
from gankit.images import PictureSource, features, metrics, open_pictures, picture_grid, to_uint8


class DCGANOptions(nn.AdversarialOptions):
    data: str = Field("digits", description="Folder of pictures, or a dataset's name.")
    size: int = Field(32, ge=8, multiple_of=8, description="Side of the pictures, in pixels.")
    latent: int = Field(64, ge=1, description="Numbers of noise that make a picture.")
    width: int = Field(32, ge=1, description="Channels at half the size, doubled at each halving.")


class DCGAN(Recipe):
    name, summary, Config = "small-dcgan", "Pictures from noise by strided convolutions.", DCGANOptions
    ema, tiny = {"generator": 0.999}, {"size": 8, "latent": 8, "width": 4, "steps": 4}

    def data(self):
        found = open_pictures(self.config.data, size=self.config.size)
        train = PictureSource(found.train.images)  # the field "image", in [-1, 1]
        return Data({"pictures": train}, {"set": found}, {"shape": found.train.images.shape[1:]})

    def networks(self, data):
        from keras import Sequential, layers

        shape, width, side = data.facts["shape"], self.config.width, self.config.size // 8
        generator = [layers.Input((self.config.latent,))]
        generator += [layers.Dense(side * side * 4 * width), layers.Reshape((side, side, 4 * width))]
        for channels in (2 * width, width, shape[-1]):
            generator += [layers.BatchNormalization(momentum=0.9, synchronized=True), layers.ReLU()]
            generator += [layers.Conv2DTranspose(channels, 4, 2, padding="same")]
        discriminator = [layers.Input(shape)]
        for channels in (width, 2 * width, 4 * width):
            discriminator += [nn.SpectralConv2D(channels, 4, 2, padding="same"), layers.LeakyReLU(0.2)]
        discriminator += [layers.Flatten(), layers.Dense(1)]
        generator += [layers.Activation("tanh")]
        return {"generator": Sequential(generator), "discriminator": Sequential(discriminator)}

    def optimizers(self):
        return self.config.adam("discriminator", "generator")

    def stages(self, data):
        return [nn.adversarial_stage(self.config, nn.Players(latent=self.config.latent))]

    def draw(self, networks, count):
        noise = np.random.default_rng(0).normal(size=(count, self.config.latent)).astype("float32")
        return to_uint8(127.5 * (networks["generator"].predict(noise, batch_size=500, verbose=0) + 1))

    def evaluate(self, networks, data):
        found, untrained = data.held_out["set"], runs.build_networks(self, data)
        made, raw = (self.draw(given, len(found.test.images)) for given in (networks, untrained))
        judge = features.embedding("auto", data=found)  # a small classifier, or a network that knows photographs
        return metrics.score_pictures(found.train.images, found.test.images, made, judge, untrained=raw).evaluation()

    def sample(self, networks, data, out):
        picture_grid(self.draw(networks, 64), 8).save(out / "grid.png")
        return [out / "grid.png"]
