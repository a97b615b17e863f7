"""Pools of worker processes that compute: they end with the process that started them, however that ends."""

import concurrent.futures
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import connection
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from datamodules.errors import DataError

_Result = TypeVar("_Result")
_SECONDS_BETWEEN_LOOKS = 1.0
_CALLS_AHEAD = 4


def worker_pool(n_workers: int, *modules: str) -> concurrent.futures.ProcessPoolExecutor:
    """Returns a pool of processes.

    Args:
        n_workers: Number of processes, 1 or more.
        modules: Modules that the processes have imported before they start, where the system can do that.
    """
    return concurrent.futures.ProcessPoolExecutor(n_workers, _context(modules), guard_worker)


def computed(
    function: Callable[..., _Result],
    calls: Sequence[tuple[Any, ...]],
    n_workers: int,
    *,
    title: str,
    table: Path,
    sizes: Sequence[int] | None = None,
    modules: Sequence[str] = (),
) -> Generator[_Result, None, None]:
    """Yields what a function returns for each call, as soon as it is finished, under a progress bar.

    Args:
        function: What is called; the processes import it by its name.
        calls: The arguments of each call.
        n_workers: Number of processes, 1 or more. Even one is a process of its own: the same arithmetic for any number.
        title: What the bar says.
        table: The file that the results are kept in, for the message of an error.
        sizes: How far each call moves the bar; by default each moves it by 1.
        modules: Modules that the processes have imported before they start, besides the function's own.

    Raises:
        DataError: A process ended abruptly; raised after all that is finished has been yielded.
    """
    if not calls:
        return
    sizes = [1] * len(calls) if sizes is None else sizes
    pool = worker_pool(min(n_workers, len(calls)), function.__module__, *modules)
    try:
        with _progress_bar() as bar:
            task = bar.add_task(title, total=sum(sizes))
            futures = {pool.submit(function, *call): size for call, size in zip(calls, sizes, strict=True)}
            crash: BrokenProcessPool | None = None
            for future in concurrent.futures.as_completed(futures):
                try:
                    result = future.result()
                except BrokenProcessPool as error:
                    crash = error
                    continue
                yield result
                bar.advance(task, futures[future])
            if crash:
                raise DataError(
                    f"a worker process ended abruptly while computing {table}; mostly, memory was short. What is done "
                    f"is kept: run again, with fewer workers than {n_workers} if need be.",
                    argument="prepare_workers",
                ) from crash
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(
    function: Callable[..., _Result], calls: Sequence[tuple[Any, ...]], n_workers: int, *, title: str
) -> Generator[_Result, None, None]:
    """Yields what a function returns for each call, in their order, under a progress bar.

    Few calls are ahead of the one that is yielded, so that little is held in memory.

    Args:
        function: What is called; the processes import it by its name.
        calls: The arguments of each call.
        n_workers: Number of processes, 1 or more.
        title: What the bar says.

    Raises:
        DataError: A process ended abruptly.
    """
    pool = worker_pool(min(n_workers, max(1, len(calls))), function.__module__)
    try:
        with _progress_bar() as bar:
            ahead: deque[concurrent.futures.Future[_Result]] = deque()
            left = iter(calls)
            for _ in bar.track(range(len(calls)), description=title):
                ahead += (pool.submit(function, *call) for call in islice(left, _CALLS_AHEAD * n_workers - len(ahead)))
                yield ahead.popleft().result()
    except BrokenProcessPool as error:
        raise DataError("a worker process ended abruptly; mostly, memory was short. Run again, with fewer.") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _progress_bar() -> Progress:
    """The bar that long computations show: how many of how many, and how long it still takes."""
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def _context(modules: tuple[str, ...]) -> BaseContext:
    """Processes that start without this one's threads; where possible, from one that has done the imports."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules])
    return context


def guard_worker(number: int = 0) -> None:
    """Sees to it that this worker process ends with the one that started it, however that ends, and only with it.

    Args:
        number: The worker's number, which `torch.utils.data.DataLoader` gives its ``worker_init_fn``.
    """
    # Ctrl-C goes to all processes; the one that waits for the workers ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this process with the one that started it, which may be killed without a chance to see to its workers."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    # Workers that were forked hold each other's sentinels, and those of the fork server are not its children.
    is_child = os.getppid() == parent.pid
    while not connection.wait([parent.sentinel], _SECONDS_BETWEEN_LOOKS):
        if is_child and os.getppid() != parent.pid:
            break
    os._exit(1)
