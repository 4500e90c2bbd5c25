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
    loss: nn.LossName = Field("relativistic-paired", description="Loss that the two networks minimise.")
    penalty: str = Field("r1,r2", description="Penalties on the discriminator's gradient.")


class DCGAN(Recipe):
    name, summary, Config = "small-dcgan", "Pictures from noise by strided convolutions.", DCGANOptions
    ema, tiny = {"generator": 0.999}, {"size": 8, "latent": 8, "width": 4, "steps": 4}

    def data(self):
        pictures = open_pictures(self.config.data, size=self.config.size)
        facts, images = {"shape": pictures.train.images.shape[1:]}, PictureSource(pictures.train.images)
        return Data({"images": images}, {"pictures": pictures}, facts)

    def networks(self, data):
        from keras import Sequential, layers

        shape, latent, width, side = data.facts["shape"], self.config.latent, self.config.width, self.config.size // 8
        generator = [layers.Input((latent,)), layers.Dense(4 * width * side**2), layers.Reshape((side, side, -1))]
        for channels in (2 * width, width, shape[-1]):
            generator += [layers.BatchNormalization(momentum=0.9, synchronized=True), layers.ReLU()]
            generator += [layers.Conv2DTranspose(channels, 4, 2, padding="same")]
        discriminator = [layers.Input(shape)]
        for channels in (width, 2 * width, 4 * width):
            discriminator += [layers.Conv2D(channels, 4, 2, padding="same"), layers.LeakyReLU(0.2)]
        generator, discriminator = [*generator, layers.Activation("tanh")], [*discriminator, layers.Flatten()]
        return {"generator": Sequential(generator), "discriminator": Sequential([*discriminator, layers.Dense(1)])}

    def optimizers(self):
        return self.config.adam("discriminator", "generator")

    def stages(self, data):
        return [nn.adversarial_stage(self.config, nn.Players(latent=self.config.latent))]

    def draw(self, networks, count):
        noise = np.random.default_rng(0).normal(size=(count, self.config.latent)).astype("float32")
        return to_uint8(127.5 * (networks["generator"].predict(noise, batch_size=500, verbose=0) + 1))

    def evaluate(self, networks, data):
        found, untrained = data.held_out["pictures"], runs.build_networks(self, data)
        made, raw = (self.draw(given, len(found.test.images)) for given in (networks, untrained))
        judge = features.embedding("auto", data=found)  # a small classifier, or a network that knows photographs
        return metrics.score_pictures(found.train.images, found.test.images, made, judge, untrained=raw).evaluation()

    def sample(self, networks, data, out):
        picture_grid(self.draw(networks, 64), 8).save(out / "grid.png")
        return [out / "grid.png"]
