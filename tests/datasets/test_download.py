"""Downloads from a server that behaves, and from servers that don't."""

import json

import pytest
import requests
from fileserver import DATE, noise, serve, sha256

from gankit.datasets import download as module
from gankit.datasets.download import CHUNK, check_address, download
from gankit.errors import DataError, Offline

CONTENT = noise(300_000)
SIZE = len(CONTENT)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(module, "WAITS", (0.0, 0.0))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def shop():
    with serve(**{"a.zip": CONTENT}) as running:
        yield running


@pytest.fixture
def fetch(shop, tmp_path):
    """Fetches a.zip, and returns what was kept."""

    def run(path="/a.zip"):
        download(shop.url(path), tmp_path / "a.zip", size=SIZE, sha256=sha256(CONTENT), hint="by hand")
        return (tmp_path / "a.zip").read_bytes()

    return run


def leave(tmp_path, count, validator='"one"', content=CONTENT, digest=None):
    """What an interrupted download leaves behind."""
    (tmp_path / "a.zip.part").write_bytes(content[:count])
    note = {"sha256": digest or sha256(CONTENT), "validator": validator}
    (tmp_path / "a.zip.part.json").write_text(json.dumps(note))


def names(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir())


def test_a_whole_download_leaves_only_the_file(fetch, shop, tmp_path):
    assert fetch() == CONTENT
    assert names(tmp_path) == ["a.zip"]
    assert shop.log == [("/a.zip", None, None, 200)]


@pytest.mark.parametrize("count", [1, CHUNK, CHUNK + 1, SIZE - 1])
def test_a_part_is_continued_where_it_ends(fetch, shop, tmp_path, count):
    leave(tmp_path, count)
    assert fetch() == CONTENT
    assert shop.log == [("/a.zip", f"bytes={count}-", '"one"', 206)]
    assert names(tmp_path) == ["a.zip"]


def test_a_whole_part_needs_no_request(fetch, shop, tmp_path):
    leave(tmp_path, SIZE)
    assert fetch() == CONTENT and shop.log == []


def test_a_part_without_a_note_is_continued_too(fetch, shop, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT[:1000])
    assert fetch() == CONTENT
    assert shop.log == [("/a.zip", "bytes=1000-", None, 206)]


@pytest.mark.parametrize("note", ["", "[]", '{"validator": 3}', "\xff"])
def test_a_torn_note_does_no_harm(fetch, shop, tmp_path, note):
    leave(tmp_path, 1000)
    (tmp_path / "a.zip.part.json").write_bytes(note.encode("latin-1"))
    assert fetch() == CONTENT and shop.log[0][1:] == ("bytes=1000-", None, 206)


def test_a_part_of_another_file_is_begun_anew(fetch, shop, tmp_path):
    leave(tmp_path, 1000, digest="0" * 64)
    assert fetch() == CONTENT and shop.log == [("/a.zip", None, None, 200)]


def test_a_part_that_is_too_long_is_begun_anew(fetch, shop, tmp_path):
    leave(tmp_path, None, content=CONTENT + b"x")
    assert fetch() == CONTENT and shop.log == [("/a.zip", None, None, 200)]


def test_a_changed_file_is_begun_anew(fetch, shop, tmp_path):
    leave(tmp_path, 1000, validator='"zero"', content=noise(1000, seed=1))
    assert fetch() == CONTENT
    assert shop.log == [("/a.zip", "bytes=1000-", '"zero"', 200)]


def test_a_changed_file_is_noticed_where_the_server_ignores_if_range(fetch, shop, tmp_path):
    leave(tmp_path, 1000, validator='"zero"', content=noise(1000, seed=1))
    shop.ignore_if_range = True
    assert fetch() == CONTENT
    assert [line[1:] for line in shop.log] == [("bytes=1000-", '"zero"', 206), (None, None, 200)]


def test_the_date_is_the_validator_where_the_tag_is_weak(fetch, shop, tmp_path):
    shop.etag, shop.modified, shop.drop_after = 'W/"one"', DATE, [1000]
    assert fetch() == CONTENT
    assert [line[1:] for line in shop.log] == [(None, None, 200), ("bytes=1000-", DATE, 206)]


def test_ranges_that_are_ignored_cost_time_only(fetch, shop, tmp_path):
    leave(tmp_path, 1000)
    shop.ignore_range = True
    assert fetch() == CONTENT and shop.log[0][3] == 200


def test_another_range_than_asked_for_is_not_used(fetch, shop, tmp_path):
    leave(tmp_path, 1000)
    shop.shifted = 7
    assert fetch() == CONTENT
    assert [line[3] for line in shop.log] == [206, 200]


def test_broken_connections_are_taken_up_again(fetch, shop):
    shop.drop_after = [10_000, 0, 20_000, 1, 30_000, 0, 100_000]
    assert fetch() == CONTENT  # more failures than there are waits, but never two in a row without progress
    begins = (10_000, 10_000, 30_000, 30_001, 60_001, 60_001, 160_001)
    assert [line[1] for line in shop.log] == [None, *(f"bytes={begin}-" for begin in begins)]


def test_attempts_without_progress_end(fetch, shop, tmp_path):
    shop.drop_after = [5000] + [0] * 9
    with pytest.raises(Offline) as caught:
        fetch()
    assert len(shop.log) == 3  # one brought something, and two more did not
    assert "5.0 kB of 300 kB have arrived" in caught.value.message and caught.value.hint == "by hand"
    assert names(tmp_path) == ["a.zip.part", "a.zip.part.json"]
    shop.drop_after = []
    assert fetch() == CONTENT and shop.log[-1][1] == "bytes=5000-"


def test_a_server_without_ranges_that_always_breaks_off_is_given_up(fetch, shop):
    shop.ignore_range, shop.drop_after = True, [5000] * 99
    with pytest.raises(Offline):
        fetch()
    assert len(shop.log) == 3


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_server_is_asked_again(fetch, shop, status):
    shop.statuses = [status, status]
    assert fetch() == CONTENT
    assert [line[3] for line in shop.log] == [status, status, 200]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_missing_file_is_not_asked_for_again(fetch, shop, tmp_path, status):
    shop.statuses = [status]
    with pytest.raises(DataError, match=rf"http.*a\.zip.*{status}") as caught:
        fetch()
    assert len(shop.log) == 1 and caught.value.hint == "by hand" and names(tmp_path) == []


@pytest.mark.parametrize("begun", [0, 1000])
def test_a_file_of_another_size_is_refused_before_anything_is_written(fetch, shop, tmp_path, begun):
    if begun:
        leave(tmp_path, begun)
    before = names(tmp_path)
    shop.files["/a.zip"] = CONTENT + b"x"
    with pytest.raises(DataError, match="300,001 bytes instead of 300,000"):
        fetch()
    assert names(tmp_path) == before and len(shop.log) == 1
    if begun:
        assert (tmp_path / "a.zip.part").read_bytes() == CONTENT[:begun]


def test_a_file_that_became_shorter_than_the_part_is_refused(fetch, shop, tmp_path):
    leave(tmp_path, 1000)
    shop.files["/a.zip"] = CONTENT[:900]
    with pytest.raises(DataError, match="900 bytes instead of 300,000"):
        fetch()
    assert [line[3] for line in shop.log] == [416, 200]
    assert (tmp_path / "a.zip.part").read_bytes() == CONTENT[:1000]


def test_without_a_declared_length(fetch, shop):
    shop.chunked = True
    assert fetch() == CONTENT


def test_an_early_end_that_looks_like_the_end(fetch, shop):
    shop.chunked, shop.ignore_range, shop.files["/a.zip"] = True, True, CONTENT[:5000]
    with pytest.raises(Offline, match="ended early"):
        fetch()
    assert len(shop.log) == 3


def test_a_stream_without_end_is_cut_off(fetch, shop, tmp_path):
    shop.chunked, shop.files["/a.zip"] = True, CONTENT * 40
    with pytest.raises(Offline, match="more than it said"):
        fetch()
    assert (tmp_path / "a.zip.part").stat().st_size <= SIZE


def test_a_wrong_hash_names_both_and_removes_the_part(fetch, shop, tmp_path):
    spoilt = bytearray(CONTENT)
    spoilt[123_456] ^= 1
    shop.files["/a.zip"] = bytes(spoilt)
    with pytest.raises(DataError) as caught:
        fetch()
    assert sha256(CONTENT) in caught.value.message and sha256(bytes(spoilt)) in caught.value.message
    assert names(tmp_path) == []


def test_a_spoilt_part_is_found_out(fetch, tmp_path):
    leave(tmp_path, 1000, content=bytes(1000))
    with pytest.raises(DataError, match="it was deleted"):
        fetch()
    assert names(tmp_path) == []
    assert fetch() == CONTENT


def test_redirections_are_followed(fetch, shop):
    shop.redirects = {"/there": "/further", "/further": shop.url("/a.zip")}
    assert fetch("/there") == CONTENT


@pytest.mark.parametrize("there", ["http://example.org/a.zip", "ftp://127.0.0.1/a.zip", "file:///etc/passwd"])
def test_redirections_to_anything_but_https_are_refused(fetch, shop, there, monkeypatch):
    shop.redirects = {"/there": there}
    with pytest.raises(DataError, match=r"redirects to.*refused"):
        fetch("/there")
    assert len(shop.log) == 1


def test_from_https_no_redirection_leads_to_plain_http_on_this_machine():
    class Session:
        def get(self, address, **options):
            response = requests.Response()
            response.status_code, response.headers["Location"], response.raw = 302, "http://127.0.0.1/a.zip", None
            response.close = lambda: None
            return response

    with pytest.raises(DataError, match="refused"):
        module._open(Session(), "https://example.org/a.zip", {}, "")


@pytest.mark.parametrize("there", ["https://169.254.169.254/latest", "https://localhost/a", "https://[::1]/a"])
def test_no_redirection_leads_into_the_local_network(fetch, shop, there):
    shop.redirects = {"/there": there}
    with pytest.raises(DataError, match=r"redirects to.*refused: nothing is fetched from this machine"):
        fetch("/there")
    assert len(shop.log) == 1


@pytest.mark.parametrize("place", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "fe80::1%eth0", "::ffff:192.168.0.1"])
def test_no_name_leads_into_the_local_network(monkeypatch, place, tmp_path, fetch, shop):
    """Neither a card's own, nor that of a redirection; and nothing is sent there."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    asked = []

    def lookup(host, port, **options):
        asked.append((host, port))
        return [(2, 1, 6, "", ("93.184.215.14", port)), (2, 1, 6, "", (place, port))]

    shop.redirects = {"/there": "https://evil.example.org:8443/a"}
    with monkeypatch.context() as patch:
        patch.setattr(module.socket, "getaddrinfo", lookup)
        with pytest.raises(DataError, match="it leads to") as caught:
            download("https://evil.example.org/a.zip", tmp_path / "a.zip", size=5, sha256="0" * 64)
        assert "local network" in caught.value.hint
    patched = module._check_host

    def check(address):
        with monkeypatch.context() as patch:
            patch.setattr(module.socket, "getaddrinfo", lookup)
            patched(address)

    monkeypatch.setattr(module, "_check_host", check)
    with pytest.raises(DataError, match="it leads to"):
        fetch("/there")
    assert asked == [("evil.example.org", 443), ("evil.example.org", 8443)]


def test_where_a_proxy_fetches_it_looks_names_up(monkeypatch):
    monkeypatch.setattr(module.socket, "getaddrinfo", None)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    module._check_host("https://example.org/a")


def test_redirections_in_a_circle_end(fetch, shop):
    shop.redirects = {"/there": "/there"}
    with pytest.raises(DataError, match="too often"):
        fetch("/there")
    assert len(shop.log) == 6


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/a",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "https:///a",
        "http://127.0.0.1@example.org/a",
        "http://example.org\\@127.0.0.1/a",
        "http://127.0.0.1.example.org/a",
        "https://exam ple.org/a",
        "https://example.org/a\nHost: b",
        "https://[::1/a",
        "https://example.org:99999/a",
        "https://localhost/a",
        "https://LOCALHOST./a",
        "https://db.localhost/a",
        "https://printer.local/a",
        "https://metadata.google.internal/a",
        "https://127.0.0.1/a",
        "https://127.8.8.8:8443/a",
        "https://0.0.0.0/a",
        "https://10.1.2.3/a",
        "https://172.16.0.1/a",
        "https://192.168.1.1/a",
        "https://100.64.0.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://224.0.0.1/a",
        "https://255.255.255.255/a",
        "https://[::]/a",
        "https://[::1]/a",
        "https://[fe80::1%25eth0]/a",
        "https://[fd00::1]/a",
        "https://[::ffff:10.0.0.1]/a",
        "https://[64:ff9b::a9fe:a9fe]/a",
        "https://[2002:a00:1::]/a",
        "a.zip",
        "",
    ],
)
def test_addresses_that_are_refused(address):
    with pytest.raises(DataError, match="refused"):
        check_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/a.zip?b=c",
        "https://93.184.215.14/a",
        "https://[2606:2800::1]:444/a",
        "https://localhost.org/a",
        "http://127.0.0.1:8000/a",
        "http://localhost/a",
        "http://[::1]:80/a",
    ],
)
def test_addresses_that_are_fetched(address):
    assert check_address(address) == address
    if address.startswith("http:"):
        with pytest.raises(DataError):
            check_address(address, loopback=False)


def test_no_server(tmp_path):
    with serve() as shop:
        address = shop.url("/a.zip")
    with pytest.raises(Offline, match="Connection refused") as caught:
        download(address, tmp_path / "a.zip", size=5, sha256="0" * 64, hint="by hand")
    assert caught.value.hint == "by hand" and names(tmp_path) == []


def test_silence(fetch, shop, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", (1.0, 0.2))
    shop.pause = 0.5
    with pytest.raises(Offline, match=r"no answer|timed out"):
        fetch()


def test_a_full_disk_is_said_to_be_full(fetch, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(DataError, match="No space left") as caught:
        fetch()
    assert "GANKIT_HOME" in caught.value.hint
    assert (tmp_path / "a.zip.part").read_bytes() == CONTENT


def test_an_interrupt_keeps_what_has_arrived(fetch, tmp_path, monkeypatch, caplog):
    def stop(meter, count):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, caplog.at_level("INFO", "gankit"):
        patch.setattr(module.Bar, "__call__", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch()
    assert (tmp_path / "a.zip.part").read_bytes() == CONTENT[:CHUNK]
    assert "65.5 kB of 300 kB are kept" in caplog.text
    assert fetch() == CONTENT


def test_compression_is_not_asked_for(shop, fetch, monkeypatch):
    asked = []
    send = requests.Session.get
    monkeypatch.setattr(
        requests.Session,
        "get",
        lambda self, *a, **k: asked.append({**self.headers, **k["headers"]}) or send(self, *a, **k),
    )
    fetch()
    assert asked[0]["Accept-Encoding"] == "identity" and asked[0]["User-Agent"].startswith("gankit/")
