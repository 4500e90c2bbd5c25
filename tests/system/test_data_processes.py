"""Fetching in processes of its own: killed, and two at once."""

import signal
import subprocess
import sys
import time

import pytest
from fileserver import div2k, noise, serve, tree, write_card, zipped

from gankit.datasets import download


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of datasets in an empty $GANKIT_HOME."""
    monkeypatch.setenv("GANKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("GANKIT_OFFLINE", raising=False)
    return tmp_path / "home" / "datasets"


def start(*arguments):
    """A process of its own, as a user starts it."""
    command = [sys.executable, "-m", "gankit", *(str(argument) for argument in arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_at_any_offset_it_goes_on_and_gives_the_same(tmp_path, home):
    content = {f"big_HR__{n}.png": noise(400_000, n) for n in range(3)}
    archives = {"big_HR.zip": zipped(**content)}
    with serve(**archives) as shop:
        shop.hold_after = [1, 100_000, 200_000, 500_000]
        splits = {"train": {"archive": "big_HR.zip", "files": "*.png", "count": 3}}
        card = write_card(tmp_path / "card.yaml", shop, archives, name="big", splits=splits)
        part = home / "big" / "downloads" / "big_HR.zip.part"
        chunk = download.CHUNK
        offsets = [0, chunk, 4 * chunk, 11 * chunk]  # whole chunks of what was sent
        for number, offset in enumerate(offsets, 1):
            running = start("data", "fetch", card)
            while (len(shop.log) < number or download.length(part) < offset) and running.poll() is None:
                time.sleep(0.01)
            running.send_signal(signal.SIGKILL)
            assert running.wait() == -signal.SIGKILL
            running.communicate()
            assert download.length(part) == offset
            assert not offset or archives["big_HR.zip"].startswith(part.read_bytes())
        last = start("data", "fetch", card)
        out, err = last.communicate()
    assert last.returncode == 0, err
    assert "going on with big_HR.zip after" in err and "train      3 files" in out
    assert [line[1:] for line in shop.log] == [
        (None, None, 200),
        (None, None, 200),
        *((f"bytes={offset}-", '"one"', 206) for offset in offsets[1:]),
    ]
    assert tree(home / "big" / "big_HR") == {name.replace("__", "/"): one for name, one in content.items()}
    assert not part.exists()


@pytest.mark.slow
def test_two_processes_fetch_once(tmp_path, home):
    archives = div2k()
    with serve(**archives) as shop:
        shop.pause = 0.1
        card = write_card(tmp_path / "card.yaml", shop, archives)
        both = [start("data", "fetch", card) for _ in range(2)]
        errors = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert sorted(line[0] for line in shop.log) == sorted(f"/{name}" for name in archives)
    assert sum("another process is fetching div2k" in error for error in errors) == 1
    assert len([path for path in tree(home / "div2k") if path.endswith(".png")]) == 6
