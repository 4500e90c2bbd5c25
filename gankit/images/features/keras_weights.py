"""Weights that keras.applications distributes: a file that was named, keras' cache, or a download."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from gankit.errors import DataError, Offline
from gankit.support.places import offline as told_offline


@dataclass(frozen=True)
class KerasWeights:
    """A published file of weights.

    Attributes:
        network: Its name, for messages.
        url: Where keras has it.
        md5: As keras publishes it.
        megabytes: Its size.
        option: How a user names another file.
    """

    network: str
    url: str
    md5: str
    megabytes: int
    option: str

    def locate(self, weights_file: str | os.PathLike[str] | None = None, offline: bool = False) -> tuple[Path, str]:
        """Finds the weights: the file that was named, keras' cache, or the network.

        Args:
            weights_file: A file that the user trusts, or None for keras' own, whose published MD5 must match.
            offline: Never open a socket; GANKIT_OFFLINE set to anything but "", "0" or "false" says the same.

        Returns:
            The path and its sha256 in hexadecimal.

        Raises:
            DataError: The named file can't be read, or keras' file has another MD5.
            Offline: A download is needed and may not or can't happen.
        """
        path = self._own(offline or told_offline()) if weights_file is None else Path(weights_file)
        try:
            with path.open("rb") as file:
                return path, hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"the weights file {path} can't be read: {error.strerror or error}") from error

    def _own(self, offline: bool) -> Path:
        import keras

        name = self.url.rsplit("/", 1)[1]
        hint = f"fetch {self.url} elsewhere and give it as {self.option}"
        cached = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models" / name
        if offline:
            if not cached.is_file():
                size = f"{self.megabytes} MB"
                raise Offline(
                    f"{self.network}'s weights would have to be downloaded ({size}), and this run is offline", hint
                )
            with cached.open("rb") as file:
                if hashlib.file_digest(file, "md5").hexdigest() != self.md5:
                    raise DataError(f"{cached} is damaged: its MD5 is not the published one", "delete it, or " + hint)
            return cached
        try:
            return Path(keras.utils.get_file(name, self.url, cache_subdir="models", file_hash=self.md5))
        except ValueError as error:  # get_file's word for a wrong hash
            raise DataError(
                f"the downloaded {self.network} weights have another MD5 than the published one", hint
            ) from error
        except Exception as error:  # get_file turns every failure of the network into a bare Exception
            raise Offline(f"{self.network}'s weights can't be downloaded", hint) from error
