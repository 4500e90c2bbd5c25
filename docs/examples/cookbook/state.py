"""Cookbook: what must outlive a step."""

from gan import GAN, model

from gankit import Phase, nn


# --8<-- [start:pool]
class PooledGAN(GAN):
    name = "cookbook-pool"

    @property
    def pool(self):
        return nn.ImagePool((8, 8, 1), size=50)

    def tell_apart(self, turn):
        real = turn("discriminator", turn["image"])
        shown = self.pool.exchange(turn, turn.shared["fake"])
        return self.apart(real, turn("discriminator", shown))

    def remember(self, turn):  # once, at the end of each step
        return self.pool.update(turn, turn.shared["fake"])

    def stages(self, data):
        return [self.game(state=self.pool.state, update=self.remember)]


# --8<-- [end:pool]
# --8<-- [start:adaptive]
class AdaptiveGAN(GAN):
    name = "cookbook-adaptive"

    @property
    def changes(self):
        policies = ("translation", "cutout")
        return nn.AdaptiveAugmentation(policies, images=50_000)

    def judge(self, turn, pictures, kind):  # both losses show it changed pictures
        outputs = turn("discriminator", self.changes.changed(turn, pictures, kind))
        if kind == "real":
            self.changes.observe(turn, outputs)
        return outputs

    def stages(self, data):
        return [self.game(state=self.changes.state, update=self.changes.update)]


# --8<-- [end:adaptive]
# --8<-- [start:path]
class PathLengthGAN(GAN):
    name = "cookbook-path-length"

    @property
    def mean(self):
        return nn.RunningMean("path/length", decay=0.99)

    def path(self, turn):
        import tensorflow as tf

        z = turn.normal("z of paths", 8)
        direction = turn.normal("direction", 8, 8, 1) / 8
        with tf.GradientTape() as tape:
            tape.watch(z)
            along = tf.reduce_sum(turn("generator", z) * direction)
        slope = tape.gradient(along, z)
        length = tf.sqrt(tf.reduce_sum(slope**2, axis=1) + 1e-8)  # [batch]
        turn.log("length", length)  # what the mean is made of
        return {"uneven": (length - self.mean.value(turn)) ** 2}

    def stages(self, data):
        weights = {"uneven": 4 * 2.0}
        lazy = Phase("path", ("generator",), self.path, weights, "generator", every=4)
        return [self.game(lazy, state=self.mean.state, update=self.mean.update)]


# --8<-- [end:path]
# --8<-- [start:own]
class BalancedGAN(GAN):
    """BEGAN (Berthelot et al. 2017): the discriminator copies; k keeps it level."""

    name = "cookbook-balanced"

    def networks(self, data):
        from keras.layers import Dense, Flatten, Reshape

        copier = Flatten(), Dense(16, "relu"), Dense(64, "tanh"), Reshape((8, 8, 1))
        copies = model((8, 8, 1), *copier)
        return {**super().networks(data), "discriminator": copies}

    def judge(self, turn, pictures, kind):  # how badly it is copied, [batch]
        return nn.absolute_error(turn("discriminator", pictures), pictures)

    def tell_apart(self, turn):
        real = self.judge(turn, turn["image"], "real")
        fake = self.judge(turn, turn.shared["fake"], "fake")
        return {"real": real, "fake": -turn.state["k"] * fake}

    def convince(self, turn):
        return {"fake": self.judge(turn, turn.shared["fake"], "fake")}

    def balance(self, turn):
        real, fake = turn.terms["discriminator/real"], turn.terms["generator/fake"]
        gap = turn.global_mean(0.5 * real - fake)  # over the examples of all devices
        return {"k": turn.state["k"] + 0.001 * gap}

    def stages(self, data):
        return [self.game(state={"k": 0.0}, update=self.balance)]


# --8<-- [end:own]
