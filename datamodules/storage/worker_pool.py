"""Pools of worker processes that compute: they end with the process that started them, however that ends."""

import concurrent.futures
import multiprocessing
import os
import signal
import threading
from multiprocessing import connection
from multiprocessing.context import BaseContext

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def worker_pool(n_workers: int, *modules: str) -> concurrent.futures.ProcessPoolExecutor:
    """Returns a pool of processes.

    Args:
        n_workers: Number of processes, 1 or more.
        modules: Modules that the processes have imported before they start, where the system can do that.
    """
    return concurrent.futures.ProcessPoolExecutor(n_workers, _context(modules), _start_worker)


def progress_bar() -> Progress:
    """Returns the bar that long computations show: how many of how many, and how long it still takes."""
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def usable_cores() -> int:
    """Returns the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _context(modules: tuple[str, ...]) -> BaseContext:
    """Processes that start without this one's threads; where possible, from one that has done the imports."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules])
    return context


def _start_worker() -> None:
    # Ctrl-C goes to all processes; the one that waits for the workers ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this process with the one that started it, which may be killed without a chance to see to its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
