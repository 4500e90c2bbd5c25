"""Cookbook: while a network trains, and afterwards."""

from pathlib import Path

from gan import GAN, model

import gankit
from gankit import Selection, nn
from gankit.images import picture_grid


# --8<-- [start:probe]
class ProbedGAN(GAN):
    name = "cookbook-probe"

    def probe(self, networks, data):  # asked each time that it logs, so it is fast
        return {"distance": self.evaluate(networks, data).metrics["distance"]}

    def stages(self, data):
        best = Selection("distance", ("generator",), better="lower", restore=False)
        return [self.game(probe=self.probe, selection=best)]


# --8<-- [end:probe]
# --8<-- [start:average]
class AveragedGAN(GAN):
    name = "cookbook-average"
    ema = {"generator": 0.999}


# --8<-- [end:average]
# --8<-- [start:dropout]
class DroppingGAN(GAN):
    name = "cookbook-dropout"

    def networks(self, data):
        from keras.layers import Dense, Flatten

        seen = Flatten(), Dense(64, "leaky_relu"), nn.Dropout(0.3), Dense(1)
        return {**super().networks(data), "discriminator": model((8, 8, 1), *seen)}


# --8<-- [end:dropout]
# --8<-- [start:callback]
def train_and_look(**options):
    pages = []

    def look(progress, networks):
        page = picture_grid(GAN(GAN.Config()).draw(networks, 8), 8, least=64)
        pages.append(page)  # in a notebook: display(page)
        print(progress.step, dict(progress.terms))

    run = gankit.train(GAN, callbacks=[look], **options)  # steps=2000, log_every=200
    return run, pages


# --8<-- [end:callback]
# --8<-- [start:use]
class UsefulGAN(GAN):
    name = "cookbook-use"
    exports = {"generator": "noise [n, 8] -> digits [n, 8, 8, 1] in [-1, 1]"}

    @classmethod
    def commands(cls):
        import click

        from gankit.commands import (
            common_options,
            open_run,
            ready,
            run_argument,
            runs_dir_option,
        )

        file = click.Path(path_type=Path)

        @click.group(cls.name)
        def group():
            """Use a trained network."""

        @group.command("draw")
        @run_argument
        @click.option("-o", "output", type=file, required=True, help="File to write.")
        @runs_dir_option
        @common_options
        def draw(run, output, runs_dir):
            """Draw digits with RUN."""
            ready()
            loaded = gankit.LoadedRun(open_run(run, runs_dir))
            digits = loaded.recipe.draw(loaded.networks, 32)
            picture_grid(digits, 8, least=32).save(output)

        return group


# --8<-- [end:use]
