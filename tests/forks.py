"""Processes of `gankit` that need not import TensorFlow, which takes longer than what most of them do.

One process imports it, and forks for each that is asked for. TensorFlow has no threads before its first operation, so
that a fork is a process like any other: with signals, an exit code and an end of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_SERVER = """
import json, os, signal, sys
import keras, matplotlib.pyplot, tensorflow
import gankit.cli, gankit.cli.resume, gankit.cli.run, gankit.report, gankit.runs.loading, gankit.runs.training

assert len(os.listdir("/proc/self/task")) == 1, "a thread would be missing in the forks"
for line in sys.stdin:
    asked = json.loads(line)
    if "pid" in asked:
        pid, status = os.waitpid(asked["pid"], os.WNOHANG)
        print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), flush=True)
        continue
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.environ.update(asked["environment"])
        sys.path[:0] = filter(None, asked["environment"].get("PYTHONPATH", "").split(os.pathsep))
        sys.argv = ["gankit", *asked["words"]]
        gankit.cli.main()
    print(pid, flush=True)
"""


class Server:
    """The process that forks. To be closed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gankit-forks-")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # NumPy's library of linear algebra starts threads when it is imported.
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._begun: list[Fork] = []

    def ask(self, **what):
        """What the process answers."""
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def launch(self, *words, **environment) -> Fork:
        """`gankit WORDS` in a process of its own, with these variables of the environment."""
        out = Path(self._folder.name, str(len(self._begun)))
        out.touch()
        environment = {"GANKIT_HOME": os.environ["GANKIT_HOME"], **environment}
        pid = self.ask(words=[str(word) for word in words], environment=environment, out=str(out))
        self._begun.append(Fork(self, pid, out))
        return self._begun[-1]

    def close(self) -> None:
        """Ends what still runs."""
        for fork in self._begun:
            if fork.poll() is None:
                fork.kill()
                fork.wait()
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()


class Fork:
    """What `subprocess.Popen` would be, with both outputs in a file.

    Args:
        server: Whose child it is.
        pid: Its number.
        out: What it prints.
    """

    def __init__(self, server: Server, pid: int, out: Path) -> None:
        self.pid, self.returncode = pid, None
        self._server, self._out = server, out

    def poll(self):
        """The exit code; None while it runs."""
        if self.returncode is None:
            self.returncode = self._server.ask(pid=self.pid)
        return self.returncode

    def wait(self, timeout=300.0):
        """The exit code, when it has ended."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} has not ended: {self.read()}")
            time.sleep(0.01)
        return self.returncode

    def communicate(self, timeout=300.0):
        """All that it printed, when it has ended; a second value as `Popen.communicate` has it."""
        self.wait(timeout)
        return self.read(), None

    def read(self) -> str:
        """What it has printed until now."""
        return self._out.read_text("utf-8", "replace")

    def send_signal(self, number) -> None:
        """Sends it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it at once."""
        self.send_signal(signal.SIGKILL)
