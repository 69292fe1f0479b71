"""Servers: MLflow's own and its client; one of JSON; one silent, one not there, one that answers everything alike."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

START_LIMIT_S = 90
# Nine more processes would each import MLflow, to run what no test asks for.
_MLFLOW = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


class MlflowServer:
    """A real ``mlflow server``, which can be killed and started again at the same address.

    :param folder: for its log and artifacts.
    :param database: the address of its database.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = database
        self.process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", self.database]
        command += ["--artifacts-destination", str(self.folder / "art")]
        log = self.folder / "log"
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command,
                stdout=file,
                stderr=file,
                env={**os.environ, **_MLFLOW},
                start_new_session=True,
                cwd=self.folder,
            )
        deadline = time.monotonic() + START_LIMIT_S
        while not self._is_up():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:  # noqa: S310  our own address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def end(self, signals: Sequence[int] = (signal.SIGTERM, signal.SIGKILL)) -> None:
        """End it and all its processes, if it runs; each signal has ten seconds."""
        if self.process is None:
            return
        for number in signals:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self.process.pid, number)
                self.process.wait(10)
                break
        self.process = None


@pytest.fixture(scope="session")
def mlflow_server() -> Callable[[Path, str], contextlib.AbstractContextManager[MlflowServer]]:
    """Starts a server with a folder and a database for the time of a block."""

    @contextlib.contextmanager
    def running(folder: Path, database: str) -> Iterator[MlflowServer]:
        server = MlflowServer(folder, database)
        try:
            server.start()
            yield server
        finally:
            server.end()

    return running


ClientOf = Callable[[str], Any]


def _client_of(uri: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture(scope="session")
def client_of() -> ClientOf:
    """Gives MLflow's own client of an address; its warnings are not what is tested."""
    return _client_of


class JsonServer:
    """What a server was asked, and what it answers: status, headers, and JSON or bytes.

    :param port: where it listens on this machine.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.connections: set[Any] = set()
        self.answer: Callable[[dict[str, Any]], tuple[int, Mapping[str, str], object]] = lambda _: (200, {}, {})

    def answers(self, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer all requests alike."""
        self.answer = lambda _: (status, headers or {}, body)


class _Listening(ThreadingHTTPServer):
    """A server that many may call at once."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up is what is tested."""


@pytest.fixture
def json_server() -> Iterator[JsonServer]:
    """A server on this machine that takes JSON and keeps connections."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            played.connections.add(self.client_address)
            played.paths.append(self.path)
            played.asked.append(body)
            played.headers.append(dict(self.headers))
            status, headers, answer = played.answer(body)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    with _Listening(("127.0.0.1", 0), Handler) as listening:
        played = JsonServer(listening.server_port)
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield played
        listening.shutdown()
        thread.join()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of something that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed_port() -> str:
    """The address of a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@contextlib.contextmanager
def _answering(status: int) -> Iterator[str]:
    """The address of a server that answers every request with the same status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Retry-After", "3600")
            self.send_header("Content-Length", "15")
            self.end_headers()
            self.wfile.write(b"<html>no</html>")

        do_POST = do_GET  # noqa: N815  the name that the base class calls

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def answering() -> Callable[[int], contextlib.AbstractContextManager[str]]:
    """Starts a server that answers every request with the same status, and gives its address."""
    return _answering
