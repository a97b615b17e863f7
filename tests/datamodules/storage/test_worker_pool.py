"""Results in order, and workers that end with the process that has started them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamodules.errors import DataError
from datamodules.storage.worker_pool import in_order
from tests.processes import of_session, wait_until

ROOT = Path(__file__).parents[3]
IS_LINUX = sys.platform == "linux"

# Both kinds of workers that there are: of a pool, and of a loader. Each of their calls takes longer than any test.
POOL = """
import sys
from tests.datamodules.storage.test_worker_pool import sleep_long
from datamodules.storage.worker_pool import in_order
list(in_order(sleep_long, [(sys.argv[1],)] * 2, 2, title="Sleeping"))
"""
LOADER = """
import sys
from datamodules.storage.worker_pool import guard_worker
from torch.utils.data import DataLoader
from tests.datamodules.storage.test_worker_pool import sleep_long
class Sleeps:
    def __len__(self):
        return 2
    def __getitem__(self, index):
        return sleep_long(sys.argv[1])
list(DataLoader(Sleeps(), batch_size=None, num_workers=2, worker_init_fn=guard_worker))
"""


def sleep_long(folder: str) -> None:
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(300)


def late_if_even(number: int, folder: Path) -> int:
    (folder / str(number)).touch()
    time.sleep(0.2 * (number % 2 == 0))
    return number


def kill_if_3(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def process_number() -> int:
    return os.getpid()


def test_results_come_in_the_order_of_the_calls(tmp_path):
    assert list(in_order(late_if_even, [(n, tmp_path) for n in range(10)], 3, title="")) == list(range(10))


def test_few_calls_are_ahead_of_the_result_that_is_taken(tmp_path):
    results = in_order(late_if_even, [(n, tmp_path) for n in range(100)], 1, title="")
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    time.sleep(1.0)
    assert len(list(tmp_path.iterdir())) <= 8
    results.close()


def test_no_call_is_no_result():
    assert list(in_order(process_number, [], 2, title="")) == []


def test_even_one_worker_is_a_process_of_its_own():
    assert next(in_order(process_number, [()], 1, title="")) != os.getpid()


def test_a_worker_that_is_killed_is_one_clear_error():
    with pytest.raises(DataError, match="a worker process ended abruptly"):
        list(in_order(kill_if_3, [(n,) for n in range(6)], 1, title=""))


@pytest.mark.skipif(not IS_LINUX, reason="/proc tells which processes there are")
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("code", [POOL, LOADER], ids=["pool", "loader"])
def test_busy_workers_end_with_the_process_that_started_them(tmp_path, code, number):
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, start_new_session=True)
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2, "two workers are at work")
    process.send_signal(number)
    process.wait(timeout=60)
    wait_until(lambda: not of_session(process.pid), "all processes have ended", seconds=20)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system has no forks")
@pytest.mark.slow
def test_a_loader_whose_worker_is_guarded_ends_by_itself(run_python):
    said = run_python(
        "from torch.utils.data import DataLoader\n"
        "from datamodules.storage.worker_pool import guard_worker\n"
        "loader = DataLoader(range(20), batch_size=4, num_workers=2, worker_init_fn=guard_worker)\n"
        "print(sum(int(batch.sum()) for batch in loader))\n"
    )
    assert said == "190\n"
