"""Remote storage on this machine: files of a folder by HTTP, with ranges and ETags; in memory; and by S3."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest

from ssltoolbox.support.remote import RemoteFile


@dataclass
class Storage:
    """The server.

    Attributes:
        url: of the folder.
        sent: path of a file → the number of its bytes that were sent.
    """

    url: str
    sent: dict[str, int] = field(default_factory=dict)


@contextmanager
def serving(folder: Path) -> Iterator[Storage]:
    """Serves the files of a folder."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.respond(with_body=False)

        def do_GET(self) -> None:
            self.respond(with_body=True)

        def respond(self, with_body: bool) -> None:
            file = folder / self.path.lstrip("/")
            if not file.is_file():
                self.send_error(404)
                return
            content = file.read_bytes()
            start, stop = 0, len(content)
            if asked := self.headers.get("Range"):
                first, last = asked.removeprefix("bytes=").split("-")
                start, stop = int(first), min(stop, int(last) + 1)
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(stop - start))
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", sha256(content).hexdigest())
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
            self.end_headers()
            if with_body:
                storage.sent[self.path] = storage.sent.get(self.path, 0) + stop - start
                self.wfile.write(content[start:stop])

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    storage = Storage(f"http://127.0.0.1:{server.server_port}")
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield storage
    finally:
        server.shutdown()
        server.server_close()


def read_both(folder: bytes, file: RemoteFile) -> bytes:
    """Bytes 500 to 503 of a file, and 600 to 603 of big.bin in a pickled folder; for other processes.

    It is here because a process that starts anew finds the helpers everywhere, but not the module of a test.
    """
    return file.read_at(4, 500) + pickle.loads(folder).file("big.bin").read_at(4, 600)


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's file system in memory."""
    from fsspec import filesystem

    system = filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """fsspec's file system of an S3 server of this machine, which has the bucket `faces`."""
    from fsspec import filesystem
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()  # of earlier tests
    storage = filesystem("s3", skip_instance_cache=True)
    type(storage).clear_instance_cache()
    storage.mkdir("faces")
    yield storage
    type(storage).clear_instance_cache()
    server.stop()
