"""Workers compare what they are about to train, over real sockets."""

import logging
import socket
import threading

import pytest

from gankit.engine.cluster import Cluster
from gankit.errors import GankitError, UsageError
from gankit.runs import handshake
from gankit.runs.handshake import shake_hands


@pytest.fixture
def addresses():
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    found = tuple(f"127.0.0.1:{server.getsockname()[1]}" for server in servers)
    for server in servers:
        server.close()
    return found


def meet(addresses, facts, folders, numbers=None, minutes=0.5):
    """What each worker raises, by its place; None where it may go on."""
    ends = {}

    def play(place, number):
        try:
            shake_hands(Cluster(addresses, number, None), facts[place], folders[place], minutes)
            ends[place] = None
        except GankitError as error:
            ends[place] = error

    pairs = list(enumerate(numbers or range(len(facts))))
    threads = [threading.Thread(target=play, args=pair) for pair in pairs]
    for thread in reversed(threads):  # the chief last: the others wait for it
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ends) == len(pairs)
    return [ends[place] for place in range(len(pairs))]


def test_all_agree_and_no_token_is_left(addresses, tmp_path):
    assert meet(addresses, [{"seed": 3}] * 3, [tmp_path / "runs"] * 3) == [None] * 3
    assert list((tmp_path / "runs").iterdir()) == []


def test_what_differs_ends_all_with_its_name(addresses, tmp_path):
    facts = [{"training.seed": 3, "lr": 0.1}, {"training.seed": 3, "lr": 0.1}, {"training.seed": 3, "lr": 0.2}]
    ends = meet(addresses, facts, [tmp_path] * 3)
    assert {str(end) for end in ends} == {"workers differ in lr: 0.1 in worker 0 and 0.2 in worker 2"}
    assert all(isinstance(end, UsageError) and "same command" in end.hint for end in ends)


def test_a_folder_that_is_not_shared_ends_all(addresses, tmp_path):
    ends = meet(addresses[:2], [{}] * 2, [tmp_path / "here", tmp_path / "elsewhere"])
    assert all(f"worker 1 at {addresses[1]} does not see" in str(end) and "NFS" in end.hint for end in ends)


def test_a_folder_that_cannot_be_written_ends_all(addresses, tmp_path):
    (tmp_path / "file").write_text("")
    ends = meet(addresses[:2], [{}] * 2, [tmp_path / "file"] * 2)
    assert all(f"worker 0 at {addresses[0]} cannot write to" in str(end) for end in ends)


def test_who_is_waited_for_is_said(addresses, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(handshake, "SPEAKS_EVERY", 0.3)
    monkeypatch.setattr(logging.getLogger("gankit"), "propagate", True)
    caplog.set_level(logging.INFO, "gankit")
    (end,) = meet(addresses[:2], [{}], [tmp_path], minutes=0.02)
    assert str(end) == f"waited in vain for worker 1 at {addresses[1]}" and "--wait-minutes" in end.hint
    assert caplog.messages.count(f"waiting for worker 1 at {addresses[1]}") >= 2
    (end,) = meet(addresses[:2], [{}], [tmp_path], numbers=[1], minutes=0.02)
    assert str(end) == f"waited in vain for worker 0 at {addresses[0]}"


def test_whoever_speaks_something_else_is_not_heeded(addresses, tmp_path):
    host, port = addresses[0].split(":")

    def disturb():
        for said in (b"GET / HTTP/1.1\r\n\r\n", b'{"hello": 1}\n', b"[]\n", b"\xff\n", b""):
            while True:
                try:
                    with socket.create_connection((host, int(port)), timeout=5) as stranger:
                        stranger.sendall(said)
                    break
                except OSError:
                    continue

    stranger = threading.Thread(target=disturb, daemon=True)
    late = threading.Timer(1.5, lambda: shake_hands(Cluster(addresses[:2], 1, None), {}, tmp_path, 0.5))
    stranger.start()
    late.start()
    assert meet(addresses[:2], [{}], [tmp_path]) == [None]
    late.join()


def test_a_port_that_is_taken_is_told(addresses, tmp_path):
    host, port = addresses[0].split(":")
    with socket.create_server((host, int(port))):
        (end,) = meet(addresses[:2], [{}], [tmp_path])
    assert "cannot listen there" in str(end) and "another one, for all workers" in end.hint
