"""A web server on this machine that can misbehave in the ways in which servers do, and an archive like DIV2K's."""

import contextlib
import hashlib
import io
import threading
import time
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import yaml
from PIL import Image

DATE = "Wed, 21 Oct 2015 07:28:00 GMT"


@dataclass
class FileServer:
    """Serves `files` (path -> bytes); the rest says how badly."""

    files: dict = field(default_factory=dict)
    log: list = field(default_factory=list)  # (path, Range, If-Range, status) of each request
    etag: str | None = '"one"'
    modified: str | None = None
    drop_after: list = field(default_factory=list)  # bytes after which each next response breaks off
    hold_after: list = field(default_factory=list)  # bytes after which each next response falls silent
    closed: threading.Event = field(default_factory=threading.Event)
    ignore_range: bool = False
    ignore_if_range: bool = False
    shifted: int = 0  # a 206 that begins elsewhere
    chunked: bool = False
    statuses: list = field(default_factory=list)  # answered first
    redirects: dict = field(default_factory=dict)
    pause: float = 0.0  # seconds between blocks of 16 KiB
    address: str = ""

    def url(self, path):
        return self.address + path


@contextlib.contextmanager
def serve(**files):
    """A running server of files by name."""
    shop = FileServer({f"/{name}": content for name, content in files.items()})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def handle(self):
            with contextlib.suppress(ConnectionError):  # the client was killed
                super().handle()

        def answer(self, status, headers, body=b""):
            asked = (self.headers.get("Range"), self.headers.get("If-Range"))
            shop.log.append((self.path, *asked, status))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            chunked = headers.get("Transfer-Encoding") == "chunked"
            if not chunked and "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            hold = shop.hold_after.pop(0) if shop.hold_after and body else None
            limit = shop.drop_after.pop(0) if shop.drop_after and body else hold
            for start in range(0, len(body[:limit]), 1 << 14):
                block = body[:limit][start : start + (1 << 14)]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)
                time.sleep(shop.pause)
            if hold is not None:
                shop.closed.wait()
            if limit is not None and limit < len(body):
                self.close_connection = True
            elif chunked:
                self.wfile.write(b"0\r\n\r\n")

        def do_GET(self):
            if len(shop.log) >= 50:  # a client that never gives up must not hang the tests
                return self.answer(404, {})
            if shop.statuses:
                return self.answer(shop.statuses.pop(0), {})
            if self.path in shop.redirects:
                return self.answer(302, {"Location": shop.redirects[self.path]})
            body = shop.files.get(self.path)
            if body is None:
                return self.answer(404, {})
            headers = {}
            if shop.etag:
                headers["ETag"] = shop.etag
            if shop.modified:
                headers["Last-Modified"] = shop.modified
            asked, if_range = self.headers.get("Range"), self.headers.get("If-Range")
            same = shop.ignore_if_range or if_range in (None, shop.etag, shop.modified)
            status = 200
            if asked and same and not shop.ignore_range:
                begin = int(asked.removeprefix("bytes=").removesuffix("-"))
                if begin >= len(body):
                    return self.answer(416, {"Content-Range": f"bytes */{len(body)}"})
                begin += shop.shifted
                headers["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
                body, status = body[begin:], 206
            if shop.chunked:
                headers["Transfer-Encoding"] = "chunked"
            return self.answer(status, headers, body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shop.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield shop
    finally:
        shop.closed.set()
        server.shutdown()
        thread.join()
        server.server_close()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def noise(count, seed=0):
    """Bytes that no compression shortens."""
    return np.random.default_rng(seed).bytes(count)


def picture(side, seed):
    """A PNG with some structure, `side` pixels high."""
    y, x = np.mgrid[:side, : side + 8 * (seed % 3)]
    waves = [np.sin(x / (3 + seed + c)) + np.cos(y / (4 + c)) for c in range(3)]
    pixels = np.random.default_rng(seed).normal(127 + 50 * np.stack(waves, -1), 8).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def zipped(**members):
    """A zip archive of contents by name, with `__` for a slash."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def div2k(train=4, valid=2):
    """Two archives of DIV2K's layout: name -> bytes."""
    pictures = {n: picture(64 + 8 * (n % 5), n) for n in range(1, train + valid + 1)}
    names = {n: f"DIV2K_{'train' if n <= train else 'valid'}_HR__{n:04d}.png" for n in pictures}
    return {
        f"DIV2K_{part}_HR.zip": zipped(
            **{f"DIV2K_{part}_HR__": b""}, **{names[n]: p for n, p in pictures.items() if part in names[n]}
        )
        for part in ("train", "valid")
    }


def write_card(path, shop, archives, name="div2k", **changes):
    """A card like that of DIV2K for archives on the server."""
    counts = {file: len(zipfile.ZipFile(io.BytesIO(content)).namelist()) - 1 for file, content in archives.items()}
    card = {
        "name": name,
        "title": "A small DIV2K",
        "kind": "images",
        "licence": "made for a test",
        "layout": "archives",
        "archives": [
            {"file": file, "address": shop.url(f"/{file}"), "sha256": sha256(content), "bytes": len(content)}
            for file, content in archives.items()
        ],
        "splits": {
            split: {"archive": file, "files": f"{file[:-4]}/*.png", "count": counts[file]}
            for split, file in zip(("train", "test"), archives, strict=False)
        },
    } | changes
    path.write_text(yaml.safe_dump(card), "utf-8")
    return path


def tree(folder):
    """Every file below a folder, by its path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
