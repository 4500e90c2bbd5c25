"""A photograph of 12 megapixels, enlarged by four: what it takes, and that it is right."""

import json
import subprocess
import sys

import numpy as np
import pytest
import pyvips
from PIL import Image


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("form", ["png", "tif"])
def test_195_megapixels_in_less_than_1500_mb(test_data, tmp_path, form):
    from gankit_srgan import networks
    from gankit_srgan.footprint import receptive_radius
    from gankit_srgan.model import Model

    net = networks.compact(4, 2, 8)
    rng = np.random.default_rng(0)
    for layer in net.layers:  # the last one starts at zero
        layer.set_weights([rng.normal(0, 0.05, w.shape).astype(np.float16) for w in layer.get_weights()])
    weights = {f"{i:03d}/{v.name}": np.asarray(v) for i, v in enumerate(net.variables)}
    model = Model("small", "compact", 4, {"blocks": 2, "width": 8}, receptive_radius(net), weights)
    model.save(tmp_path / "small.safetensors")
    photo = test_data / "sr" / "CC_photos" / "sunset_by_Aitzol_Berasategi.jpg"
    command = [sys.executable, "-m", "gankit", "srgan", "upscale", str(photo), "-o", f"out.{form}", "--json"]
    command += ["--model", "small.safetensors", "--runtime", "tensorflow"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    (row,) = json.loads(done.stdout)["results"]
    assert row["output_size"] == [17_088, 11_392] and row["tiles"] > 50
    assert row["peak_mb"] < 1500, row["peak_mb"]
    # Anywhere, it is what the network gives for the place and its surroundings.
    image = pyvips.Image.new_from_file(str(tmp_path / f"out.{form}"), access="sequential")
    y, x, side, halo = 1400, 2100, 64, 16
    low = np.asarray(Image.open(photo).crop((x - halo, y - halo, x + side + halo, y + side + halo)), np.float32) / 255
    exact = np.asarray(net(low[None], training=False))[0, 4 * halo : -4 * halo, 4 * halo : -4 * halo]
    written = image.crop(4 * x, 4 * y, 4 * side, 4 * side).numpy()
    assert np.abs(written - np.clip(exact, 0, 1) * 255).max() < 0.51
