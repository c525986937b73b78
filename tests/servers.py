"""Servers that tests start and stop: PostgreSQL and a Spark cluster, on the loopback interface."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pyspark

HOST = "127.0.0.1"
PATIENCE_SECONDS = 60
PASSWORD = "p@ss/+word"
# Short runs on few cores: no compiler that takes long to be fast, no thread for each core.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """The URL of an empty database of a new server, given where initdb and pg_ctl are.

    The server refuses to run as root, so it runs as the user `postgres` then.
    """
    as_root = os.geteuid() == 0
    owner: dict[str, Any] = dict.fromkeys(("user", "group"), "postgres") if as_root else {}
    with tempfile.TemporaryDirectory(prefix="gmm-postgres-") as directory:
        password = Path(directory) / "password"
        password.write_text(PASSWORD)
        if as_root:
            shutil.chown(directory, "postgres", "postgres")
            shutil.chown(password, "postgres", "postgres")

        def call(program: str, *arguments: str) -> None:
            command = [str(programs / program), "--pgdata=data", *arguments]
            quiet = subprocess.DEVNULL
            subprocess.run(command, check=True, cwd=directory, stdout=quiet, **owner)

        port = free_port()
        login = ("--username=gmm", "--auth=scram-sha-256", f"--pwfile={password}")
        call("initdb", "--encoding=UTF8", "--no-locale", "--no-sync", *login)
        # No other address, no socket, no syncing, and so few buffers that tables count as large.
        options = f"-h {HOST} -p {port} -k '' -F -B 64"
        call("pg_ctl", "start", "--wait", "--log=log", f"--options={options}")
        try:
            yield f"postgres://gmm:{quote(PASSWORD, safe='')}@{HOST}:{port}/postgres"
        finally:
            call("pg_ctl", "stop", "--mode=immediate")


@dataclass(frozen=True)
class SparkCluster:
    """A standalone master and its workers.

    Attributes:
        environment: of a process whose session shall be in the cluster.
        state: what the master says of workers and applications, as its web page does.
        events: where the applications write what happened, a JSON object a line.
    """

    environment: dict[str, str]
    state: Callable[[], dict[str, Any]]
    events: Path


@contextmanager
def spark_cluster(directory: Path, n_workers: int) -> Iterator[SparkCluster]:
    """A master and workers of one core each, whose files are in a directory."""
    port, page = free_port(), free_port()
    master = f"spark://{HOST}:{port}"
    events = directory / "events"
    events.mkdir()
    environment = spark_environment(directory, master, events)

    def state() -> dict[str, Any]:
        with urlopen(f"http://{HOST}:{page}/json/", timeout=10) as answer:
            return dict(json.load(answer))

    with ExitStack() as running, (directory / "log").open("wb") as log:

        def start(kind: str, *arguments: str) -> None:
            program = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
            name = f"org.apache.spark.deploy.{kind.lower()}.{kind}"
            command = [program, name, "--host", HOST, *arguments]
            running.enter_context(process(command, environment, log.fileno()))

        start("Master", "--port", str(port), "--webui-port", str(page))
        for i in range(n_workers):
            place = ("--webui-port", "0", "--work-dir", str(directory / f"worker-{i}"))
            start("Worker", "--cores", "1", "--memory", "512m", *place, master)
        wait_until(lambda: state()["aliveworkers"] == n_workers)
        yield SparkCluster(environment, state, events)


def spark_environment(
    directory: Path, master: str = "local[2]", events: Path | None = None
) -> dict[str, str]:
    """The environment of a process whose Spark sessions are small, and stay on this machine.

    Args:
        directory: for settings and temporary files.
        master: where to run; in the process itself by default.
        events: a directory for logs of what happened.
    """
    settings = {
        "spark.master": master,
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.driver.extraJavaOptions": JAVA,
        "spark.executor.extraJavaOptions": JAVA,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        # Small files have several parts too.
        "spark.sql.files.maxPartitionBytes": "500k",
        "spark.sql.files.openCostInBytes": "0",
    }
    if events is not None:
        settings |= {
            "spark.eventLog.enabled": "true",
            "spark.eventLog.compress": "false",
            "spark.eventLog.dir": events.as_uri(),
        }
    lines = "".join(f"{name} {value}\n" for name, value in settings.items())
    (directory / "spark-defaults.conf").write_text(lines)
    own = {
        "SPARK_CONF_DIR": str(directory),
        "SPARK_LOCAL_DIRS": str(directory),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": JAVA,
    }
    others = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
    return {**others, **own}


@contextmanager
def process(command: list[str], environment: dict[str, str], log: int) -> Iterator[None]:
    """A process that runs as long as the block."""
    started = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        started.terminate()
        try:
            started.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def wait_until(is_true: Callable[[], bool]) -> None:
    """Return as soon as a condition holds; what raises an OSError does not hold yet."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        with suppress(OSError):
            if is_true():
                return
        time.sleep(0.1)
    raise TimeoutError


def free_port() -> int:
    """A port on the loopback interface that nothing listens on."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])
