"""Work that is shared: all of it is done, once, by as many as there are, and can be stopped."""

import os
from collections.abc import Iterator

import pytest

from gmmcli.core.runs.workers import count_processes, share
from gmmcli.errors import FitError, TableError


def multiply(a: int, b: int) -> tuple[int, int]:
    """A product, and which process has worked it out."""
    return a * b, os.getpid()


def fail(_number: int) -> int:
    """Nothing but an error of a user's."""
    raise TableError("no such number")


def vanish(_number: int) -> int:
    """Nothing, as the process ends."""
    os._exit(3)


@pytest.mark.parametrize("n_processes", [1, 2])
def test_every_task_is_done_once(n_processes: int) -> None:
    results = list(share(multiply, [(i, 3) for i in range(40)], n_processes))
    assert sorted(product for product, _ in results) == [3 * i for i in range(40)]
    workers = {process for _, process in results}
    assert (os.getpid() in workers) == (n_processes == 1)
    assert len(workers) <= n_processes


@pytest.mark.parametrize("n_processes", [1, 2])
def test_no_more_is_taken_after_an_interrupt(n_processes: int) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[tuple[int, int]]:
        for i in range(1000):
            taken.append(i)
            yield i, 1

    done: list[int] = []
    is_enough = lambda: len(done) >= 3  # noqa: E731
    for product, _ in share(multiply, numbers(), n_processes, is_interrupted=is_enough):
        done.append(product)
    assert 3 <= len(done) <= len(taken) < 20


@pytest.mark.parametrize("n_processes", [1, 2])
def test_errors_come_through(n_processes: int) -> None:
    with pytest.raises(TableError, match="no such number"):
        list(share(fail, [(1,)], n_processes))


def test_a_process_that_ends_too_soon_is_an_error_of_one_line() -> None:
    with pytest.raises(FitError, match="ended before its time"):
        list(share(vanish, [(1,)], 2))


def test_there_are_no_more_processes_than_tasks_or_cores() -> None:
    assert count_processes(1) == count_processes(0) == 1
    assert count_processes(10_000) == os.cpu_count()
