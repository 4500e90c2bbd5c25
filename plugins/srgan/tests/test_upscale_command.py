"""`gankit srgan upscale` as its user runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from gankit_srgan import models
from gankit_srgan.commands import group
from gankit_srgan.model import Model
from PIL import Image

from gankit.cli.app import main
from gankit.errors import DataError, UsageError

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.fixture
def run(monkeypatch, tmp_path, repeat):
    """Runs the command in a folder with photo.png, with networks x2 and x4 that repeat pixels."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PIXELS).save("photo.png")
    opened = []

    def find(name, scale):
        if name != "compact":
            raise UsageError(f"there is no model {name!r}", "compact")
        return SimpleNamespace(scale=scale)

    monkeypatch.setattr(models, "shipped", lambda: [("compact", 2), ("compact", 4)])
    monkeypatch.setattr(models, "find", find)
    monkeypatch.setattr(models, "opened", lambda model, runtime: opened.append(runtime) or repeat(model.scale))
    before = signal.getsignal(signal.SIGTERM)

    def invoke(*arguments):
        return CliRunner().invoke(group, ["upscale", *arguments])

    invoke.opened = opened
    yield invoke
    signal.signal(signal.SIGTERM, before)


def test_one_picture_beside_itself(run, tmp_path):
    result = run("photo.png")
    assert result.exit_code == 0, result.output
    assert result.stdout == "" and "photo_x4.png: 30 x 20 to 120 x 80" in result.stderr
    np.testing.assert_array_equal(np.asarray(Image.open("photo_x4.png")), PIXELS.repeat(4, 0).repeat(4, 1))
    assert run.opened == ["auto"]


def test_json_has_what_a_program_wants(run):
    result = run("photo.png", "-o", "out", "--json", "--scale", "2", "--tile", "16", "--runtime", "onnx")
    (row,) = json.loads(result.stdout)["results"]
    assert row["input"] == "photo.png" and row["output"] == os.path.join("out", "photo.png")
    assert row["input_size"] == [30, 20] and row["output_size"] == [60, 40]
    assert (row["scale"], row["model"], row["tiles"]) == (2.0, "repeat", 4)
    assert row["seconds"] > 0 and row["peak_mb"] > 10
    assert run.opened == ["onnx"]


def test_outscale_takes_the_next_network(run):
    assert run("photo.png", "--outscale", "2.5").exit_code == 0
    assert Image.open("photo_x2.5.png").size == (75, 50)


def test_ensemble_and_format_and_quality(run):
    result = run("photo.png", "--ensemble", "--format", "jpg", "--quality", "100", "--json")
    assert json.loads(result.stdout)["results"][0]["model"] == "repeat, self-ensemble"
    exact = PIXELS.repeat(4, 0).repeat(4, 1).astype(int)
    assert np.abs(np.asarray(Image.open("photo_x4.jpg")) - exact).mean() < 3


def test_nothing_is_overwritten_without_force(run):
    run("photo.png", "-o", "out.png")
    first = Path("out.png").read_bytes()
    Image.fromarray(255 - PIXELS).save("photo.png")
    refused = run("photo.png", "-o", "out.png")
    assert isinstance(refused.exception, UsageError) and "--force" in refused.exception.hint
    assert Path("out.png").read_bytes() == first
    assert "nothing to do" in run("photo.png", "-o", "out.png", "--skip-existing").stderr
    assert run("photo.png", "-o", "out.png", "--force").exit_code == 0
    assert Path("out.png").read_bytes() != first


def test_provenance_can_be_left_out(run):
    run("photo.png", "-o", "with.png")
    run("photo.png", "-o", "without.png", "--no-provenance")
    assert b"TrainedAlgorithmicMedia" in Path("with.png").read_bytes()
    assert b"gankit" not in Path("without.png").read_bytes()


def test_every_frame(run):
    frames = [Image.fromarray(np.full((20, 30, 3), level, np.uint8)) for level in (40, 120, 200)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:], duration=80)
    shown = run("a.gif", "--frames", "all", "--scale", "2", "--json")
    (row,) = json.loads(shown.stdout)["results"]
    assert (row["output"], row["frames"]) == ("a_x2.webp", [1, 2, 3]) and "3 frames" in shown.stderr
    (row,) = json.loads(run("a.gif", "--scale", "2", "--json").stdout)["results"]
    assert row["frames"] == [1] and any("--frames all" in note for note in row["notes"])


def test_broken_among_good_ones(run):
    Path("broken.png").write_text("no picture")
    result = run("*.png", "-o", "out", "--json")
    assert isinstance(result.exception, DataError) and result.exception.exit_code == 1
    assert "1 of 2" in result.exception.message
    assert "cannot read broken.png" in result.stderr
    rows = json.loads(result.stdout)
    assert [row["input"] for row in rows["failed"]] == ["broken.png"] and rows["failed"][0]["hint"]
    assert [row["input"] for row in rows["results"]] == ["photo.png"]
    assert os.listdir("out") == ["photo.png"]


def test_a_read_only_folder_is_found_before_a_network_is_opened(run, monkeypatch):
    os.mkdir("locked")
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place).name != "locked")  # root may write everywhere
    for target in ("locked/a.png", "locked/new/a.png"):
        result = run("photo.png", "-o", target)
        assert result.exception.message.endswith("locked is read-only") and "-o FOLDER" in result.exception.hint
    assert not run.opened and not os.listdir("locked")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["photo.png", "--model", "compakt"], "no model 'compakt'"),
        (["photo.png", "--scale", "3"], "does not enlarge x3"),
        (["photo.png", "--outscale", "8"], "between 1 and 4"),
        (["photo.png", "--model", "compact", "--run", "latest"], "exclude each other"),
        (["photo.png", "--force", "--skip-existing"], "exclude each other"),
        (["missing.png"], "no such file or folder"),
        (["photo.png", "--quality", "90"], "--quality is for JPEG and WebP"),
    ],
)
def test_mistakes_are_found_before_a_network_is_opened(run, arguments, message):
    result = run(*arguments)
    assert message in result.exception.message
    assert not run.opened


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["photo.png", "--tile", "x"],
        ["photo.png", "--tile", "-1"],
        ["photo.png", "--quality", "0"],
        ["photo.png", "--scale", "5"],
    ],
)
def test_usage_errors_of_the_command_line(run, arguments):
    assert run(*arguments).exit_code == 2


def test_the_command_does_not_import_tensorflow_before_it_has_to(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    script = (
        "import sys, gankit_srgan.commands as c, gankit_srgan.commands.upscale\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'scipy', 'pyvips', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from click.testing import CliRunner\n"
        "r = CliRunner().invoke(c.group, ['upscale', 'text.png'])\n"
        "assert 'cannot' in str(r.exception) or 'no model' in str(r.exception), r.exception\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_nothing(tmp_path, number):
    Image.fromarray(np.tile(PIXELS, (10, 10, 1))).save(tmp_path / "photo.png")
    script = (
        "import signal, time, numpy as np\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job is started without
        "from gankit_srgan import models, commands\n"
        "from gankit.cli import app\n"
        "class Slow:\n"
        "    name, scale, radius, cell = 'slow', 2, 2, 1\n"
        "    generative, bytes_per_pixel = True, 4000\n"
        "    def __call__(self, low):\n"
        "        open('begun', 'a').write('.'); time.sleep(0.2)\n"
        "        return np.zeros((1, low.shape[1] * 2, low.shape[2] * 2, 3), np.float32)\n"
        "models.shipped = lambda: [('compact', 2)]\n"
        "models.find = lambda name, scale: None\n"
        "models.opened = lambda model, runtime: Slow()\n"
        "app.recipe_group = lambda name: commands.group\n"
        "app.main(['srgan', 'upscale', 'photo.png', '-o', 'out.png', '--tile', '30'])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    begun = tmp_path / "begun"
    while not (begun.exists() and len(begun.read_text()) > 15):  # the second row of tiles
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    assert list(tmp_path.glob(".out.png.*.tmp"))
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.split(":")[-1].strip()) in ((130, "interrupted"), (75, "by a signal")), said
    assert (process.returncode == 130) == (number == signal.SIGINT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["begun", "photo.png"]


def test_a_run_of_ones_own_and_a_model_file(tmp_path, monkeypatch):
    """With the real models: a network of a run, and the same packed into a file, give the same picture."""
    from gankit_srgan import networks

    monkeypatch.chdir(tmp_path)
    net = networks.compact(2, 1, 8)
    rng = np.random.default_rng(3)
    for layer in net.layers:
        layer.set_weights([rng.normal(0, 0.05, w.shape).astype(np.float16) for w in layer.get_weights()])
    model = Model(
        "mine",
        "compact",
        2,
        {"blocks": 1, "width": 8},
        7,
        {f"{i:03d}/{v.name}": np.asarray(v) for i, v in enumerate(net.variables)},
    )
    model.save(tmp_path / "mine.safetensors")
    monkeypatch.setattr(models, "of_run", lambda run, runs_dir: model)
    Image.fromarray(np.tile(PIXELS, (2, 2, 1))).save("photo.png")
    for arguments in (
        ["--run", "latest", "-o", "run.png"],
        ["--model", "mine.safetensors", "-o", "file.png", "--tile", "24"],
    ):
        result = CliRunner().invoke(group, ["upscale", "photo.png", *arguments, "--runtime", "tensorflow"])
        assert result.exit_code == 0, result.exception
    low = np.tile(PIXELS, (2, 2, 1)).astype(np.float32)[None] / 255
    exact = np.asarray(net(low, training=False))[0] * 255
    for name in ("run.png", "file.png"):
        assert np.abs(np.asarray(Image.open(name)) - np.clip(exact, 0, 255)).max() < 0.51


@pytest.mark.slow
def test_processes_make_the_same_pictures(tmp_path, monkeypatch):
    """With the network in the box; a broken picture is told as ever."""
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        Image.fromarray(np.roll(PIXELS, 7 * number, 0)).save(f"{number}.png")
    Path("broken.png").write_text("no picture")
    for jobs in ("1", "2"):
        result = CliRunner().invoke(
            group, ["upscale", "*.png", "-o", jobs, "--jobs", jobs, "--json", "--no-provenance"]
        )
        assert isinstance(result.exception, DataError) and "1 of 4" in result.exception.message, result.exception
        found = json.loads(result.stdout)
        assert [Path(row["output"]).name for row in found["results"]] == ["0.png", "1.png", "2.png"]
        assert [row["input"] for row in found["failed"]] == ["broken.png"]
    for number in range(3):
        assert Path("1", f"{number}.png").read_bytes() == Path("2", f"{number}.png").read_bytes()


def test_main_gives_the_exit_codes(run, monkeypatch):
    monkeypatch.setattr("gankit.cli.app.recipe_group", lambda name: group)
    Path("text.png").write_text("no picture")
    for arguments, code in ((["photo.png"], 0), (["photo.png"], 2), (["missing.png"], 2), (["text.png"], 1)):
        with pytest.raises(SystemExit) as end:
            main(["srgan", "upscale", *arguments])
        assert end.value.code == code
