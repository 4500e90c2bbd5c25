"""One file from the web: over https, resumable, and kept only if it has the size and the hash that were promised.

What has arrived lies in `NAME.part`. Beside it, `NAME.part.json` remembers which file it is the beginning of and the
server's validator (ETag or Last-Modified), so that a later request goes on with it (RFC 9110, sections 13.1.5 and 14)
only as long as the server still has the same file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import ipaddress
import json
import logging
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from gankit.errors import DataError, Offline
from gankit.support.files import fsync, read_json
from gankit.support.progress import Bar
from gankit.support.values import human
from gankit.version import __version__

log = logging.getLogger("gankit")

CHUNK = 1 << 16  # bytes; at most so much is lost when the process is killed
TIMEOUT = (10.0, 60.0)  # seconds to connect, and of silence
WAITS = (1.0, 2.0, 4.0)  # seconds before another attempt; begun again whenever an attempt has brought something new
MAX_REDIRECTS = 5
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv6 that stands for IPv4
PRIVATE = "nothing is fetched from this machine, the local network or a cloud's own services"
BUSY = frozenset({408, 425, 429})  # and everything from 500 on: worth another attempt

Advance = Callable[[int], Any]
"""Told the bytes of each piece that was read or written."""


def silent(count: int) -> None:
    """An `Advance` that tells nobody."""


class _Again(Exception):
    """An attempt failed in a way that another may mend.

    Args:
        reason: For the user.
        fresh: Ask for the whole file next time.
    """

    def __init__(self, reason: str, *, fresh: bool = False) -> None:
        super().__init__(reason)
        self.fresh = fresh


def check_address(address: str, *, loopback: bool = True) -> str:
    """Returns an address that may be fetched: https on a public host, or http on this machine, as servers of tests are.

    Raises:
        DataError: It is another one, or is http on this machine without `loopback`.
    """
    with contextlib.suppress(ValueError):
        parts = urlsplit(address)
        # Libraries differ in where a host ends if there are backslashes, spaces or control characters.
        if re.fullmatch(r"[!-\[\]-~]+", address) and (host := parts.hostname) and parts.port != 0:
            if parts.scheme == "http" and loopback and host in LOOPBACK:
                return address
            if parts.scheme == "https":
                if not _public(host):
                    raise DataError(f"the address {address!r} is refused", PRIVATE)
                return address
    raise DataError(f"the address {address!r} is refused", "only https addresses are fetched")


def _public(host: str) -> bool:
    """Whether a host may be anywhere on the internet: a name, or a number that is not kept for local networks."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return False
    try:
        found = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return True
    if isinstance(found, ipaddress.IPv6Address):
        within = found.ipv4_mapped or found.sixtofour
        if found in NAT64:
            within = ipaddress.IPv4Address(found.packed[-4:])
        found = within or found
    return found.is_global and not found.is_multicast


def _check_host(address: str) -> None:
    """Refuses a name that means a machine of the local network, before it is asked for anything.

    A name could mean another machine when it is looked up the second time; that one would need the name's certificate.
    Where a proxy fetches, it looks the name up, and this machine perhaps cannot.

    Raises:
        DataError: It does.
    """
    from requests.utils import get_environ_proxies, select_proxy

    parts = urlsplit(address)
    if parts.scheme == "http" or select_proxy(address, get_environ_proxies(address)):
        return
    with contextlib.suppress(OSError, UnicodeError):  # the request says that there is no such host
        for *_, place in socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM):
            if not _public(str(place[0])):
                raise DataError(f"the address {address!r} is refused: it leads to {place[0]}", PRIVATE)


def sha256_of(path: Path, advance: Advance) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            advance(len(piece))
    return digest.hexdigest()


def wrong(path: Path, size: int, sha256: str, advance: Advance = silent) -> str:
    """Why a file has not the size and the hash that it should have; "" if it has."""
    try:
        if (found := path.stat().st_size) != size:
            return f"{found:,} bytes instead of {size:,}"
        digest = sha256_of(path, advance)
    except OSError as error:
        return "missing" if isinstance(error, FileNotFoundError) else str(error)
    return "" if digest == sha256 else f"its sha256 is {digest} and not {sha256}"


def part_of(target: Path) -> Path:
    """Where the beginning of a file lies until the file is whole."""
    return target.with_name(target.name + ".part")


def length(path: Path) -> int:
    """Bytes of a file; 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def download(address: str, target: Path, *, size: int, sha256: str, hint: str = "") -> None:
    """Fetches a file, going on with what an earlier call left in `NAME.part`.

    The caller sees to it that no other process does the same, and that the target's folder exists. The hint says what
    to do where the file can't be had.

    Raises:
        DataError: The server has another file or none, the address is refused, or the disk is full.
        Offline: The server can't be reached, or the connection broke too often; what has arrived is kept.
    """
    import requests
    from urllib3.exceptions import HTTPError

    check_address(address)
    wanted = _Wanted(address, target, size, sha256, hint)
    part = wanted.part
    try:
        if wanted.read_note().get("sha256", sha256) != sha256 or length(part) > size:
            wanted.forget()  # the beginning of another file
        furthest, waits, fresh = length(part), iter(WAITS), False
        if furthest:
            log.info("going on with %s after %s of %s", target.name, human(furthest), human(size))
        with requests.Session() as session:
            session.headers.update({"Accept-Encoding": "identity", "User-Agent": f"gankit/{__version__}"})
            while length(part) < size or fresh:
                try:
                    wanted.receive(session, fresh)
                    fresh = False
                except (requests.RequestException, HTTPError, _Again) as error:
                    fresh = isinstance(error, _Again) and error.fresh
                    if length(part) > furthest:
                        furthest, waits = length(part), iter(WAITS)
                    reason, wait = _reason(error), next(waits, None)
                    if wait is None:
                        arrived = f"{human(length(part))} of {human(size)} have arrived"
                        kept = f"; {arrived}, and the next attempt goes on from there" if length(part) else ""
                        raise Offline(f"cannot fetch {address}: {reason}{kept}", hint) from error
                    log.info("%s: %s; trying again in %.0f s", urlsplit(address).hostname, reason, wait)
                    time.sleep(wait)
        wanted.accept()
    except KeyboardInterrupt:
        log.info("%s of %s are kept; the same command goes on from there", human(length(part)), human(size))
        raise
    except OSError as error:
        full = error.errno == errno.ENOSPC
        free = "free some space, or set GANKIT_HOME to a folder on another disk" if full else ""
        raise DataError(f"cannot write {error.filename or part}: {error.strerror or error}", free) from error


@dataclass
class _Wanted:
    """A file that is being fetched; the attributes are the arguments of `download`."""

    address: str
    target: Path
    size: int
    sha256: str
    hint: str

    def __post_init__(self) -> None:
        self.part = part_of(self.target)
        self.note = self.target.with_name(self.target.name + ".part.json")

    def read_note(self) -> dict[str, str]:
        return {key: value for key, value in read_json(self.note).items() if isinstance(value, str)}

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def receive(self, session: Any, fresh: bool) -> None:
        """One request, and what it brings."""
        begun = 0 if fresh else length(self.part)
        validator = self.read_note().get("validator") if begun else None
        headers = {"Range": f"bytes={begun}-"} if begun else {}
        if validator:
            headers["If-Range"] = validator
        with _open(session, self.address, headers, self.hint) as response:
            status, now = response.status_code, _validator(response.headers)
            if begun and status == 416:
                raise _Again("it has no more of this file", fresh=True)
            if begun and status == 206:
                found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
                if not found or int(found[1]) != begun or (validator and now and now != validator):
                    raise _Again("it sent another part of the file than asked for", fresh=True)
                whole = found[2]
            elif status == 200:
                if begun:
                    log.info("%s sends the whole file again", urlsplit(self.address).hostname)
                begun, whole = 0, response.headers.get("Content-Length", "")
            elif status in BUSY or status >= 500:
                raise _Again(f"it answers {status} {response.reason}")
            else:
                answer = f"the server answers {status} {response.reason}"
                raise DataError(f"there is no file at {self.address}: {answer}", self.hint)
            if whole.isdecimal() and int(whole) != self.size:
                sizes = f"{int(whole):,} bytes instead of {self.size:,}"
                raise DataError(f"{self.address} is not the file expected: {sizes}", self.hint)
            with (
                self.part.open("r+b" if begun else "wb") as file,
                Bar(f"fetching {self.target.name}", self.size, begun, unit="bytes") as bar,
            ):
                file.seek(begun)
                # Only now that nothing older is left in the part: killed in between, it must not seem newer than it is.
                self.note.write_text(json.dumps({"sha256": self.sha256, "validator": now or validator}), "utf-8")
                while piece := response.raw.read(CHUNK, decode_content=False):
                    if file.tell() + len(piece) > self.size:
                        raise _Again("it sent more than it said", fresh=True)
                    file.write(piece)
                    file.flush()
                    bar(len(piece))
        if length(self.part) < self.size:
            raise _Again("the connection ended early")

    def accept(self) -> None:
        """Gives the whole file its name if it has the right hash, and removes it otherwise."""
        with Bar(f"checking {self.target.name}", self.size, unit="bytes") as bar:
            found = sha256_of(self.part, bar)
        if found != self.sha256:
            self.forget()
            message = f"what came from {self.address} has the sha256 {found} and not the expected {self.sha256}"
            raise DataError(f"{message}; it was deleted", self.hint)
        fsync(self.part)
        os.replace(self.part, self.target)
        self.note.unlink(missing_ok=True)


def _open(session: Any, address: str, headers: Mapping[str, str], hint: str) -> Any:
    """The response to a request, behind redirections each of which is as safe as the address itself."""
    loopback = urlsplit(address).scheme == "http"
    for _ in range(MAX_REDIRECTS + 1):
        _check_host(address)
        response = session.get(address, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=False)
        if not response.is_redirect:
            return response
        response.close()
        there = urljoin(address, response.headers["Location"])
        try:
            address = check_address(there, loopback=loopback)
        except DataError as error:
            raise DataError(f"{address} redirects to {there!r}, which is refused: {error.hint}", hint) from error
    raise DataError(f"{address} redirects too often", hint)


def _validator(headers: Mapping[str, str]) -> str | None:
    """What `If-Range` may compare: a strong ETag, else the date."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified")


def _reason(error: Exception) -> str:
    """What went wrong, without the inner workings of the libraries."""
    import requests

    if isinstance(error, _Again):
        return str(error)
    if isinstance(error, requests.Timeout):
        return "no answer"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException):
            return cause.strerror or str(cause)
        cause = cause.__cause__ or cause.__context__
    return "the connection broke"
