"""The recipe that the snippets of the cookbook change: digits from noise."""

import numpy as np

from gankit import Data, Evaluation, Phase, Recipe, Stage, nn
from gankit.images import PictureSource, open_pictures, picture_grid, to_uint8
from gankit.metrics import sliced_wasserstein


# --8<-- [start:gan]
def model(shape, *stack):
    from keras import Input, Sequential

    return Sequential([Input(shape), *stack])


class GAN(Recipe):
    name, summary = "cookbook-gan", "Digits from noise."
    Config = nn.AdversarialOptions
    tiny = {"steps": 4}

    def data(self):
        digits = open_pictures("digits")  # they come with scikit-learn
        images, labels = digits.train.images, digits.train.labels
        source = PictureSource(images, label=labels)  # fields "image" and "label"
        return Data({"digits": source}, {"test": digits.test.images})

    def networks(self, data):
        from keras.layers import Dense, Flatten, Reshape

        made = Dense(64, "relu"), Dense(64, "tanh"), Reshape((8, 8, 1))
        seen = Flatten(), Dense(64, "leaky_relu"), Dense(1)
        return {
            "generator": model((8,), *made),
            "discriminator": model((8, 8, 1), *seen),
        }

    def optimizers(self):
        return self.config.adam("discriminator", "generator")

    def fakes(self, turn):
        return {"fake": turn("generator", turn.normal("z", 8))}

    def judge(self, turn, pictures, kind):
        return turn("discriminator", pictures)

    def tell_apart(self, turn):
        real = self.judge(turn, turn["image"], "real")
        fake = self.judge(turn, turn.shared["fake"], "fake")
        return self.apart(real, fake)

    def apart(self, real, fake):
        right, wrong = nn.cross_entropy(real, True), nn.cross_entropy(fake, False)
        return {"real": right, "fake": wrong}

    def convince(self, turn):
        fake = self.judge(turn, turn.shared["fake"], "fake")
        return {"adversarial": nn.cross_entropy(fake, True)}

    def phases(self):
        return (
            Phase("discriminator", ("discriminator",), self.tell_apart),
            Phase("generator", ("generator",), self.convince),
        )

    def game(self, *more_phases, **more):
        phases = (*self.phases(), *more_phases)
        return Stage("game", self.config.steps, phases, shared=self.fakes, **more)

    def stages(self, data):
        return [self.game()]

    # --8<-- [end:gan]
    def noise(self, count, *shape):
        rng = np.random.default_rng(0)
        return rng.normal(size=(count, *(shape or (8,)))).astype("float32")

    def draw(self, networks, count):
        """The same examples each time; here digits, `[count, 8, 8, 1]` uint8."""
        made = networks["generator"].predict(self.noise(count), verbose=0)
        return to_uint8(127.5 * (made + 1))

    def evaluate(self, networks, data):
        """How far from real examples they are, and from what simpler ones are."""
        test = data.held_out["test"]
        real = test.reshape(len(test), -1).astype(float)
        shuffled = np.random.default_rng(0).permuted(real, axis=0)  # column by column

        def figures(made):
            made = np.reshape(made, real.shape)
            score = sliced_wasserstein(real, made, features="numbers", directions=50)
            return {"distance": score.value}

        ours = figures(self.draw(networks, len(real)))
        protocol, better = {"examples": len(real)}, {"distance": "lower"}
        return Evaluation(ours, {"shuffled": figures(shuffled)}, protocol, better)

    def sample(self, networks, data, out):
        """A page of digits."""
        picture_grid(self.draw(networks, 32), 8, least=32).save(out / "digits.png")
        return [out / "digits.png"]
