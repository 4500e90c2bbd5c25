"""pix2pix: a picture becomes another, learned from pairs: `gankit run ./pix2pix.py:Pix2Pix --data FOLDER`."""

# --8<-- [start:options]
import numpy as np
from pydantic import Field

from gankit import Data, Evaluation, Phase, Recipe, Stage, nn
from gankit.images import Augmented, Flip, Jitter, open_pairs, picture_grid, to_uint8
from gankit.images.features import embedding
from gankit.testing import tiny_pictures


class Pix2PixOptions(nn.AdamOptions):
    data: str = Field("pairs", description="Folder of pairs: A/x.png is given, and B/x.png is wanted.")
    size: int = Field(64, ge=16, description="Side of the pictures, a power of 2.")
    width: int = Field(32, ge=1, description="Channels at half the size; smaller sizes have up to eight times as many.")
    l1: float = Field(100.0, ge=0, description="Weight of the difference from the wanted picture.")
    adversarial: float = Field(1.0, ge=0, description="Weight of what the discriminator says.")
    steps: int = Field(4000, ge=1, description="Steps of training.")
    lr: float = Field(2e-4, gt=0, description="Learning rate of Adam.")


# --8<-- [end:options]
# --8<-- [start:layer]
def convolution(x, channels, stride=2, up=False, norm=True):  # of 4 x 4 pixels, in both networks
    from keras import initializers, layers

    kind = layers.Conv2DTranspose if up else layers.Conv2D
    x = kind(channels, 4, stride, "same", use_bias=not norm, kernel_initializer=initializers.RandomNormal(0, 0.02))(x)
    return layers.GroupNormalization(groups=-1)(x) if norm else x  # each picture by itself


# --8<-- [end:layer]
# --8<-- [start:unet]
def unet(shape, width):
    """Halves the picture down to 2 x 2 pixels, and doubles it again; each size hands its details over."""
    from keras import Input, Model, layers

    given = Input(shape)
    sizes = [convolution(given, width, norm=False)]
    for i in range(1, shape[0].bit_length() - 2):
        sizes.append(convolution(layers.LeakyReLU(0.2)(sizes[-1]), width * min(2**i, 8)))
    x = sizes.pop()
    for i, details in enumerate(reversed(sizes)):
        x = convolution(layers.ReLU()(x), details.shape[-1], up=True)
        x = nn.Dropout(0.5)(x) if i < 3 else x
        x = layers.Concatenate()([x, details])
    x = convolution(layers.ReLU()(x), shape[-1], up=True, norm=False)
    return Model(given, layers.Activation("tanh")(x))


# --8<-- [end:unet]
# --8<-- [start:patches]
def patches(shape, width):
    """Says of each part of a picture whether it is real, beside what it was made of."""
    from keras import Input, Model, layers

    given, picture = Input(shape), Input(shape)
    x = layers.Concatenate()([given, picture])
    for i, stride in enumerate((2, 2, 1)):
        x = layers.LeakyReLU(0.2)(convolution(x, width * 2**i, stride, norm=i > 0))
    return Model([given, picture], convolution(x, 1, stride=1, norm=False))


# --8<-- [end:patches]
# --8<-- [start:recipe]
class Pix2Pix(Recipe):
    name, summary, Config = "pix2pix", "Pictures from pictures, learned from pairs.", Pix2PixOptions
    paper = "Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial Networks, arXiv:1611.07004"
    tiny = {"size": 16, "width": 4, "steps": 4}

    # --8<-- [end:recipe]
    # --8<-- [start:tiny]
    @classmethod
    def tiny_data(cls, folder):
        return {"data": str(tiny_pictures(folder, "A", "B", count=20))}

    # --8<-- [end:tiny]
    # --8<-- [start:data]
    def data(self):
        found = open_pairs(self.config.data, size=self.config.size)  # the fields "source" and "target", in [-1, 1]
        pairs = Augmented(found.train["pairs"], Jitter(self.config.size * 286 // 256), Flip())
        return Data({"pairs": pairs}, found.held_out, found.facts)

    # --8<-- [end:data]
    # --8<-- [start:networks]
    def networks(self, data):
        shape, width = (*data.facts["size"], data.facts["channels"]), self.config.width
        return {"generator": unet(shape, width), "discriminator": patches(shape, width)}

    def optimizers(self):
        return self.config.adam("discriminator", "generator")

    # --8<-- [end:networks]
    # --8<-- [start:stages]
    def stages(self, data):
        def made(turn):
            return {"fake": turn("generator", turn["source"])}

        def tell_apart(turn):
            real = turn("discriminator", turn["source"], turn["target"])
            fake = turn("discriminator", turn["source"], turn.shared["fake"])
            return {"real": nn.cross_entropy(real, True), "fake": nn.cross_entropy(fake, False)}

        def convince(turn):
            fake = turn("discriminator", turn["source"], turn.shared["fake"])
            gap = nn.absolute_error(turn.shared["fake"], turn["target"])
            return {"adversarial": nn.cross_entropy(fake, True), "l1": gap}

        weights, rate = {"adversarial": self.config.adversarial, "l1": self.config.l1}, self.config.rate(self.config.lr)
        phases = (
            Phase("discriminator", ("discriminator",), tell_apart, {"real": 0.5, "fake": 0.5}, lr=rate),
            Phase("generator", ("generator",), convince, weights, lr=rate),
        )
        return [Stage("pairs", self.config.steps, phases, shared=made)]

    # --8<-- [end:stages]
    # --8<-- [start:translate]
    def translate(self, generator, pictures):
        """`[n, size, size, channels]` uint8 to the same; dropout stays on, as in the paper."""
        parts = np.array_split(pictures / np.float32(127.5) - 1, len(pictures) // 50 + 1)
        return to_uint8(127.5 * (np.concatenate([generator(part, training=True) for part in parts]) + 1))

    # --8<-- [end:translate]
    # --8<-- [start:evaluate]
    def evaluate(self, networks, data):
        known, test = data.train["pairs"].source.fields, data.held_out["pairs"].fields
        given, wanted, embed = test["source"], test["target"], embedding("efficientnet-lite0")

        def figures(pictures):  # each beside its own partner, and all of them beside all photographs
            l1 = np.abs(pictures / 255 - wanted / 255).mean()
            return {"l1": float(l1), "kid": embed.kid(wanted, pictures).value}

        every, these = (x[:, ::4, ::4].astype(float) for x in (known["source"], given))  # the fourth pixels tell enough
        nearest = [np.square(every - x).mean((1, 2, 3)).argmin() for x in these]
        ways = {
            "ours": self.translate(networks["generator"], given),
            "source itself": given,
            "nearest pair": known["target"][nearest],
            "mean picture": np.broadcast_to(to_uint8(known["target"].mean(0)), wanted.shape),
        }
        found = {name: figures(pictures) for name, pictures in ways.items()}
        protocol = {"pictures": len(wanted), "features": embed.protocol}
        return Evaluation(found.pop("ours"), found, protocol, better={"l1": "lower", "kid": "lower"})

    # --8<-- [end:evaluate]
    # --8<-- [start:sample]
    def sample(self, networks, data, out):
        given, wanted = (data.held_out["pairs"].fields[field][:9] for field in ("source", "target"))
        rows = zip(given, self.translate(networks["generator"], given), wanted, strict=True)
        page = picture_grid([x for row in rows for x in row], 9, labels=("given", "made", "wanted") * 3)
        page.save(out / "pairs.png")
        return [out / "pairs.png"]
        # --8<-- [end:sample]
