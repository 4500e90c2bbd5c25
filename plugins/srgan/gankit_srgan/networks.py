"""The generators and the discriminator. Low resolution in [0, 1] -> high resolution in [0, 1], unclipped."""

from __future__ import annotations

import keras
from keras import layers

from gankit.images import BicubicUpscale, PixelShuffle
from gankit.nn import SpectralConv2D


def factors(scale: int) -> list[int]:
    """How a factor is reached: 4 = 2 x 2, as in the paper."""
    return [2, 2] if scale == 4 else [scale]


def compact(scale: int, blocks: int = 6, width: int = 48) -> keras.Model:
    """A small residual network that corrects bicubic interpolation.

    No batch normalisation, whose artefacts ESRGAN (Wang et al. 2018, section 3.1) describes, and which costs time. The
    last convolution starts at zero, so that the untrained network is bicubic interpolation.

    Args:
        scale: Factor.
        blocks: Residual blocks.
        width: Channels.

    Returns:
        `[batch, h, w, 3]` -> `[batch, h * scale, w * scale, 3]` of any size; 292,320 weights by default at x4.
    """
    low = layers.Input((None, None, 3), name="low_resolution")
    x = head = layers.Conv2D(width, 3, padding="same", name="head")(low)
    for i in range(blocks):
        # Leaky: under Muon's strong updates ReLUs died, and after hours whole blocks computed nothing.
        y = layers.LeakyReLU(0.1, name=f"block{i}_bend")(layers.Conv2D(width, 3, padding="same", name=f"block{i}_a")(x))
        y = layers.Conv2D(width, 3, padding="same", name=f"block{i}_b")(y)
        x = layers.Add(name=f"block{i}")([x, y])
    x = layers.Add(name="body")([head, layers.Conv2D(width, 3, padding="same", name="tail")(x)])
    x = layers.Conv2D(3 * scale**2, 3, padding="same", kernel_initializer="zeros", name="detail")(x)
    x = PixelShuffle(scale, name="shuffle")(x)
    # The sum is taken in full precision: bfloat16 has no room for 256 levels.
    floatx = keras.config.floatx()
    skip = BicubicUpscale(scale, dtype=floatx, name="bicubic")(low)
    return keras.Model(low, layers.Add(dtype=floatx, name="high_resolution")([skip, x]), name="compact")


def fast(scale: int, blocks: int = 3, width: int = 24) -> keras.Model:
    """A plain stack of convolutions at low resolution that corrects the nearest pixel (after Shi et al. 2016, ESPCN).

    Bicubic interpolation would cost more than the network itself; repeating each pixel costs nothing.

    Args:
        scale: Factor.
        blocks: Convolutions between the first and the last.
        width: Channels.

    Returns:
        `[batch, h, w, 3]` -> `[batch, h * scale, w * scale, 3]` of any size; 26,712 weights by default at x4.
    """
    low = layers.Input((None, None, 3), name="low_resolution")
    x = low
    for i in range(blocks + 1):
        x = layers.Conv2D(width, 3, padding="same", name=f"conv{i}")(x)
        x = layers.LeakyReLU(0.1, name=f"bend{i}")(x)
    x = layers.Conv2D(3 * scale**2, 3, padding="same", kernel_initializer="zeros", name="detail")(x)
    repeated = layers.Concatenate(name="repeated")([low] * scale**2)
    floatx = keras.config.floatx()
    x = layers.Add(dtype=floatx, name="sum")([repeated, x])
    return keras.Model(low, PixelShuffle(scale, dtype=floatx, name="high_resolution")(x), name="fast")


def unet(scale: int, blocks: int = 3, width: int = 32) -> keras.Model:
    """A U-Net that corrects bicubic interpolation: it sees damage as a whole, and blocks of JPEG as blocks.

    Two reductions by two, as in Ronneberger et al. (2015), with residual blocks as in `compact`, and sums instead of
    concatenations. Most of its weights lie where pixels are fewest: it has three times those of `compact`, for half the
    multiplications, and sees four times as far.

    Args:
        scale: Factor; 1 restores without enlarging.
        blocks: Residual blocks at a quarter of the resolution.
        width: Channels at full resolution; twice and three times as many below.

    Returns:
        `[batch, h, w, 3]` -> `[batch, h * scale, w * scale, 3]`; h and w are divisible by 4. 783,000 weights by default
        at x4.
    """

    def block(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        channels = x.shape[-1]
        y = layers.LeakyReLU(0.1, name=f"{name}_bend")(layers.Conv2D(channels, 3, padding="same", name=f"{name}_a")(x))
        y = layers.Conv2D(channels, 3, padding="same", name=f"{name}_b")(y)
        return layers.Add(name=name)([x, y])

    def rising(x: keras.KerasTensor, channels: int, name: str) -> keras.KerasTensor:
        return PixelShuffle(2, name=f"{name}_shuffle")(layers.Conv2D(4 * channels, 1, name=name)(x))

    low = layers.Input((None, None, 3), name="low_resolution")
    whole = block(layers.Conv2D(width, 3, padding="same", name="head")(low), "whole0")
    half = block(layers.Conv2D(2 * width, 2, 2, name="down0")(whole), "half0")
    x = layers.Conv2D(3 * width, 2, 2, name="down1")(half)
    for i in range(blocks):
        x = block(x, f"quarter{i}")
    x = block(layers.Add(name="half")([half, rising(x, 2 * width, "up1")]), "half1")
    x = layers.Add(name="whole")([whole, rising(x, width, "up0")])
    for i in (1, 2, 3):
        x = block(x, f"whole{i}")
    x = layers.Conv2D(3 * scale**2, 3, padding="same", kernel_initializer="zeros", name="detail")(x)
    x = PixelShuffle(scale, name="shuffle")(x)
    floatx = keras.config.floatx()
    skip = BicubicUpscale(scale, dtype=floatx, name="bicubic")(low) if scale > 1 else low
    return keras.Model(low, layers.Add(dtype=floatx, name="high_resolution")([skip, x]), name="unet")


def paper(scale: int) -> keras.Model:
    """SRResNet (Ledig et al. 2017, figure 4): 16 residual blocks of 64 channels.

    The convolutions before a normalisation have no bias, which the normalisation would cancel. The paper's range
    [-1, 1] is mapped to [0, 1] at the end, and it names no output activation: there is none.

    Args:
        scale: Factor.

    Returns:
        `[batch, h, w, 3]` -> `[batch, h * scale, w * scale, 3]` of any size; 1,552,771 weights at x4.
    """

    def normalised(x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.BatchNormalization(synchronized=True)(layers.Conv2D(64, 3, padding="same", use_bias=False)(x))

    def prelu(x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.PReLU(shared_axes=[1, 2])(x)

    low = layers.Input((None, None, 3), name="low_resolution")
    x = first = prelu(layers.Conv2D(64, 9, padding="same")(low))
    for _ in range(16):
        x = layers.Add()([x, normalised(prelu(normalised(x)))])
    x = layers.Add()([first, normalised(x)])
    for factor in factors(scale):
        x = prelu(PixelShuffle(factor)(layers.Conv2D(64 * factor**2, 3, padding="same")(x)))
    x = layers.Conv2D(3, 9, padding="same", dtype=keras.config.floatx())(x)
    return keras.Model(
        low, layers.Rescaling(0.5, 0.5, dtype=keras.config.floatx(), name="high_resolution")(x), name="paper"
    )


def discriminator(crop: int, width: int = 64, units: int = 1024) -> keras.Model:
    """The paper's discriminator (figure 4): eight convolutions, strides where the channels double, two dense layers.

    Args:
        crop: Side of its input in pixels, divisible by 16.
        width: Channels of the first convolution; 64 in the paper.
        units: Of the hidden dense layer; 1024 in the paper.

    Returns:
        `[batch, crop, crop, 3]` in [0, 1] -> `[batch, 1]` logits.
    """
    image = layers.Input((crop, crop, 3), name="image")
    x = layers.Rescaling(2.0, -1.0)(image)
    x = layers.LeakyReLU(0.2)(layers.Conv2D(width, 3, padding="same")(x))
    for i in range(1, 8):
        x = layers.Conv2D(width * 2 ** (i // 2), 3, 1 + i % 2, padding="same", use_bias=False)(x)
        x = layers.LeakyReLU(0.2)(layers.BatchNormalization(synchronized=True)(x))
    x = layers.LeakyReLU(0.2)(layers.Dense(units)(layers.Flatten()(x)))
    return keras.Model(image, layers.Dense(1, dtype=keras.config.floatx())(x), name="discriminator")


def patch_discriminator(width: int = 32) -> keras.Model:
    """A discriminator of patches (after Isola et al. 2017, pix2pix): a verdict on each place instead of one on all.

    What it sees of a place is 38 pixels a side: enough for texture, and no room to know a photograph by heart. The
    first convolution stands at full resolution, where a grid of four pixels can be seen. No normalisation, so that
    penalties on its gradient mean something.

    Args:
        width: Channels at half the resolution; half of them before, two and four times as many below.

    Returns:
        `[batch, side, side, 3]` in [0, 1] -> `[batch, side / 8, side / 8, 1]` logits, of any size.
    """
    image = layers.Input((None, None, 3), name="image")
    x = layers.Rescaling(2.0, -1.0)(image)
    x = layers.LeakyReLU(0.2)(layers.Conv2D(width // 2, 3, padding="same")(x))
    for channels in (width, 2 * width, 4 * width):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(channels, 4, 2, padding="same")(x))
    x = layers.LeakyReLU(0.2)(layers.Conv2D(4 * width, 1)(x))
    return keras.Model(image, layers.Conv2D(1, 1, dtype=keras.config.floatx())(x), name="patch_discriminator")


def unet_discriminator(width: int = 16) -> keras.Model:
    """A U-Net with spectral normalisation (Wang et al. 2021, Real-ESRGAN, section 3.2): a verdict on each pixel.

    Args:
        width: Channels at full resolution; 64 in the paper.

    Returns:
        `[batch, side, side, 3]` in [0, 1] -> `[batch, side, side, 1]` logits; the side is divisible by 8.
    """

    def bent(layer: keras.layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.LeakyReLU(0.2)(layer(x))

    image = layers.Input((None, None, 3), name="image")
    x = bent(layers.Conv2D(width, 3, padding="same"), layers.Rescaling(2.0, -1.0)(image))
    skips = []
    for channels in (2 * width, 4 * width, 8 * width):
        skips.append(x)
        x = bent(SpectralConv2D(channels, 4, strides=2, padding="same", use_bias=False), x)
    for skip in reversed(skips):
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        x = bent(SpectralConv2D(skip.shape[-1], 3, padding="same", use_bias=False), x)
        x = layers.Add()([x, skip])
    x = bent(SpectralConv2D(width, 3, padding="same", use_bias=False), x)
    verdict = layers.Conv2D(1, 3, padding="same", dtype=keras.config.floatx())(x)
    return keras.Model(image, verdict, name="unet_discriminator")
