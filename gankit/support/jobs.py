"""Many independent calls: one after the other, in several processes, or on the machines of a Dask cluster.

joblib hands them out. Whoever calls gets the results in the order of the calls, whatever computed them.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from gankit.errors import GankitError, UsageError
from gankit.support import job_worker
from gankit.version import __version__

T = TypeVar("T")

WAIT = 30  # seconds for a scheduler to answer, and for its first worker
AHEAD = 8  # calls for each process that are handed out before their results are asked for
SAVING = 120.0  # seconds that calls which are told to end have for tidying up


@dataclass(frozen=True)
class Jobs:
    """Where independent calls are computed.

    Attributes:
        count: Processes on this machine; 1 computes in this process, 0 starts one a processor.
        scheduler: Address of a Dask scheduler, "tcp://host:8786", whose workers compute instead; "" for none.

    Raises:
        UsageError: Both are given.

    Examples:
        >>> list(Jobs().map(pow, [(2, 3), (3, 2)]))
        [8, 9]
    """

    count: int = 1
    scheduler: str = ""

    def __post_init__(self) -> None:
        if self.scheduler and self.count > 1:
            raise UsageError("--jobs counts processes of this machine, not of a Dask cluster", "leave --jobs out")

    @property
    def here(self) -> bool:
        """Whether this process computes all by itself."""
        return not self.scheduler and (self.count == 1 or self.processes == 1)

    @property
    def processes(self) -> int:
        """How many processes compute on this machine."""
        if self.count:
            return self.count
        from joblib import cpu_count

        return cpu_count()

    def map(
        self, function: Callable[..., T], calls: Iterable[tuple[Any, ...]], shared: Sequence[Path] = ()
    ) -> Iterator[T]:
        """Results of calls, in their order; some calls run ahead of whoever reads the results.

        A process computes one call at a time, also where it is a worker of Dask with several threads: neither a
        training nor a network is made for two at once.

        Args:
            function: Of a module, so that other processes can import it.
            calls: Its arguments each time.
            shared: Folders, and files, that all workers must see: those of the calls, or of results.

        Raises:
            GankitError: A process died; no Dask scheduler answers, or its workers have another gankit, other plugins or
                no such folder. What a call raises is raised when its result is due; calls that run then are told to
                end. An error that cannot be sent between processes becomes a GankitError with its text.
        """
        if self.here:
            return (function(*call) for call in calls)
        return self._on_cluster(function, calls, shared) if self.scheduler else self._in_processes(function, calls)

    def _in_processes(self, function: Callable[..., T], calls: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        from joblib import parallel_config
        from joblib.parallel import LokyBackend

        class Gentle(LokyBackend):
            """Lets calls tidy up before it kills their processes."""

            def __init__(self, **options: Any) -> None:
                super().__init__(**options)
                self.begun: list[futures.Future[Any]] = []

            def submit(self, func: Any, callback: Any = None) -> Any:
                self.begun.append(super().submit(func, callback))
                return self.begun[-1]

            def abort_everything(self, ensure_ready: bool = True) -> None:
                _end_children()
                futures.wait([one for one in self.begun if one.running()], SAVING)
                super().abort_everything(ensure_ready=ensure_ready)

        # As many threads as one process would take by itself: some libraries add up in another order with fewer.
        options = {"inner_max_num_threads": _threads(), "initializer": job_worker.begin}
        options["initargs"] = (os.getpid(), tuple(sys.path))  # with another path, processes begin anew

        here = os.getcwd()  # processes are used again, also after this one has gone to another folder

        def spread(block: list[tuple[Any, ...]], name: str) -> Any:
            with parallel_config(backend=Gentle(**options), n_jobs=self.processes):
                return _parallel(_in_folder, [(here, function, call) for call in block], name)

        try:
            yield from _in_blocks(spread, calls, self.processes)
        except BrokenProcessPool as error:
            raise GankitError("a process of --jobs died", "was there memory for all? try fewer --jobs") from error

    def _on_cluster(
        self, function: Callable[..., T], calls: Iterable[tuple[Any, ...]], shared: Sequence[Path]
    ) -> Iterator[T]:
        from joblib import parallel_config

        with _client(self.scheduler) as client:
            _check_import(client, function)
            for place in dict.fromkeys([Path.cwd(), *shared]):
                _check_workers(client, place)
            here = os.getcwd()

            def spread(block: list[tuple[Any, ...]], name: str) -> Any:
                with parallel_config(backend="dask", client=client):
                    return _parallel(_in_folder, [(here, function, call) for call in block], name)

            yield from _in_blocks(spread, calls, sum(client.ncores().values()))


def _in_blocks(
    spread: Callable[[list[tuple[Any, ...]], str], Any], calls: Iterable[tuple[Any, ...]], processes: int
) -> Iterator[Any]:
    """Results of a block of calls after the other: those that nobody has read yet take memory."""
    calls, name = iter(calls), uuid4().hex
    while block := list(itertools.islice(calls, AHEAD * processes)):
        results = spread(block, name)
        try:
            yield from map(job_worker.result_of, results)
        except BaseException:
            _forget(results)
            raise


def _parallel(function: Callable[..., T], calls: Iterable[tuple[Any, ...]], name: str) -> Any:
    from joblib import Parallel, delayed

    parallel = Parallel(batch_size=1, pre_dispatch="2 * n_jobs", return_as="generator")
    return parallel(delayed(job_worker.answer)(name, function, call) for call in calls)


def _threads() -> int:
    """Threads that libraries of numbers take in this process."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_folder(folder: str, function: Callable[..., T], call: tuple[Any, ...]) -> T:
    os.chdir(folder)  # paths are relative to where the command was typed
    return function(*call)


def _forget(results: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joblib tells how many calls were for nothing
        results.close()


def _end_children() -> None:
    for child in multiprocessing.active_children():
        child.terminate()


@contextlib.contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--backend dask needs the package distributed", 'pip install "gankit[dask]"') from None
    try:
        client = Client(scheduler, timeout=WAIT, set_as_default=False)
    except (OSError, ValueError) as error:
        hint = "start one with 'dask scheduler', and workers with 'dask worker ADDRESS'"
        raise GankitError(f"no Dask scheduler answers at {scheduler}", hint) from error
    logging.getLogger("distributed.client").setLevel(logging.ERROR)  # it warns of calls that were given up
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT)
        except TimeoutError as error:
            raise GankitError(f"the Dask scheduler at {scheduler} has no worker", f"dask worker {scheduler}") from error
        yield client


def _check_import(client: Any, function: Callable[..., Any]) -> None:
    """Refuses a cluster that cannot import what it is to call: joblib would wait for it forever."""
    try:
        client.run_on_scheduler(_name, function)
        client.run(_name, function)
    except Exception as error:
        raise GankitError(
            f"the Dask cluster cannot import {function.__module__}: {error.__cause__ or error}",
            "install the same gankit and plugins for the scheduler and for each worker",
        ) from error


def _name(function: Callable[..., Any]) -> str:
    return function.__module__


def _check_workers(client: Any, place: Path) -> None:
    """Refuses workers with another gankit or other plugins, and those that don't see a folder or file as it is here."""
    place = place.resolve()
    token = place / f".gankit-{uuid4().hex}" if place.is_dir() else None
    try:
        if token:
            token.touch()
        found = client.run(_seen, str(token or place))
        mine = _seen(str(token or place))
    except OSError as error:
        raise GankitError(f"cannot write in {place}: {error.strerror}", "work in a folder of your own") from error
    finally:
        if token:
            token.unlink(missing_ok=True)
    for worker, (versions, size) in found.items():
        if other := sorted(set(versions.items()) ^ set(mine[0].items())):
            name = other[0][0]
            there, here = (known.get(name, "not installed") for known in (versions, mine[0]))
            raise GankitError(f"on the Dask worker {worker} {name} is {there}, here {here}", "install the same on all")
        if size != mine[1]:
            raise GankitError(
                f"the Dask worker {worker} does not see {place}",
                "work in a folder of a file system that all workers share",
            )


def _seen(place: str) -> tuple[dict[str, str], int]:
    """Gankit's distributions here, with their versions; the size of a file, -1 if it is not there."""
    from importlib.metadata import distributions

    known = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"].startswith("gankit")}
    return {**known, "gankit": __version__}, Path(place).stat().st_size if Path(place).is_file() else -1
