"""Work shared among processes: each takes the next of many tasks, and no two depend on another."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

from gmmcli.errors import FitError
from gmmcli.process import prepare_worker

Result = TypeVar("Result")


def count_processes(n_tasks: int) -> int:
    """How many processes to share some tasks among: one for each core, if there are as many."""
    return max(min(os.cpu_count() or 1, n_tasks), 1)


def share(
    work: Callable[..., Result],
    tasks: Iterable[tuple[Any, ...]],
    n_processes: int,
    *,
    is_interrupted: Callable[[], bool] = lambda: False,
) -> Iterator[Result]:
    """What comes of each task, in the order in which they are done.

    Args:
        work: done for each task; where there are several processes, it can be pickled, as can tasks
            and what comes of them.
        tasks: the arguments of each. They are taken one by one, not much earlier than there is a
            process for them.
        n_processes: how many; with one, the work is done in this process.
        is_interrupted: asked whether to take no more tasks.

    Raises:
        FitError: where a process has ended before its time.
    """
    left = iter(tasks)
    if n_processes == 1:
        for task in left:
            if is_interrupted():
                return
            yield work(*task)
        return
    context = get_context("spawn")  # a fork would have locks of threads that it lacks
    with ProcessPoolExecutor(n_processes, context, prepare_worker) as pool:
        try:
            yield from _feed(pool, work, left, 2 * n_processes, is_interrupted)
        except BrokenProcessPool as error:
            raise FitError(
                "a process that was fitting has ended before its time: is there too little memory?"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _feed(
    pool: ProcessPoolExecutor,
    work: Callable[..., Result],
    tasks: Iterator[tuple[Any, ...]],
    n_waiting: int,
    is_interrupted: Callable[[], bool],
    *,
    patience_seconds: float = 0.2,
) -> Iterator[Result]:
    """What comes of each task of a pool that always has some waiting.

    Args:
        pool: the processes.
        work: done for each task.
        tasks: the arguments of those that are left.
        n_waiting: how many tasks are under way or wait.
        is_interrupted: asked whether to take no more.
        patience_seconds: how long after Ctrl-C that is noticed.
    """
    begun: set[Future[Result]] = set()
    while True:
        if not is_interrupted():
            fresh = islice(tasks, n_waiting - len(begun))
            begun |= {pool.submit(work, *task) for task in fresh}
        else:
            begun = {future for future in begun if not future.cancel()}
        if not begun:
            return
        done, begun = wait(begun, patience_seconds, FIRST_COMPLETED)
        for future in done:
            yield future.result()
