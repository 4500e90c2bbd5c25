"""How work shows itself: on a terminal a bar, elsewhere a line now and then."""

import io
import logging

import pytest

from gankit.support import Bar, Progress, TrainingBar
from gankit.support import progress as module


@pytest.fixture
def talking():
    logging.getLogger("gankit").setLevel(logging.INFO)


def test_plain_lines_come_now_and_then(capsys, talking):
    now = [0.0]
    with Bar("fetching a.zip", 10_000, 1000, unit="bytes", clock=lambda: now[0]) as bar:
        bar(1000)
        assert capsys.readouterr().err == ""
        now[0] = 20.0
        bar(1000)
        bar(1000)
    assert capsys.readouterr().err == "fetching a.zip  3.0 kB of 10.0 kB  1 min 10 s left\n"


def test_a_library_says_nothing_unless_it_is_asked(capsys, monkeypatch):
    monkeypatch.setattr(module, "LINE_EVERY", 0.0)
    logging.getLogger("gankit").setLevel(logging.WARNING)
    with Bar("reading", 2) as bar:
        bar(1)
    assert capsys.readouterr().err == ""


def test_shares_labels_and_notes(capsys, talking, monkeypatch):
    monkeypatch.setattr(module, "LINE_EVERY", 0.0)
    now = [0.0]
    with Bar("", 200, unit="share", clock=lambda: now[0]) as bar:
        bar.label, bar.note = "b.png", "tile 3"
        now[0] = 1.0
        bar(50)
    assert capsys.readouterr().err == "b.png  25 %  3 s left  tile 3\n"


def test_more_than_was_planned_leaves_no_time(capsys, talking, monkeypatch):
    monkeypatch.setattr(module, "LINE_EVERY", 0.0)
    now = [0.0]
    with Bar("unpacking", 10, clock=lambda: now[0]) as bar:
        now[0] = 60.0
        bar(30)
    assert capsys.readouterr().err == "unpacking  30 of 10  0 s left\n"


def test_a_training(capsys, talking):
    with TrainingBar() as bar:
        for step in (5, 10):
            bar(Progress("main", step, 10, step, 10, 123.4, {"g/loss": 0.5, "g/gradient_norm": 9.0}))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("main  10 of 10  ") and line.endswith("123 examples/s  g/loss 0.5")


def test_a_bar_on_a_terminal_leaves_nothing_behind(monkeypatch):
    from rich import console

    written = io.StringIO()
    real = console.Console
    monkeypatch.setattr(console, "Console", lambda **options: real(file=written, force_terminal=True, width=100))
    with Bar("reading [bold].png", 2) as bar:
        bar(1)
        bar.clear()
        bar(1)
    assert "reading [bold].png" in written.getvalue() and "2 of 2" in written.getvalue()
