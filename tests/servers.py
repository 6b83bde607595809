"""Stores that really run, each started for the tests and ended after them.

S3, Azure, Google's, http and sftp. All listen on 127.0.0.1. A store has `put(name, data)` and
`at(name, port)`, the address and the storage options of a file by way of a port: its own, or that
of a proxy in front of it.
"""

import functools
import http.server
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

SECRET = "correct-horse-battery"  # of servers that live for seconds


def needed(*packages):
    """Skip, and say so, where a package for the test is missing."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"SERVER NOT RUN: no {package}; pip install '.[servers]'")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running(command, port=None, **options):
    """Run a server until it listens; end that one process, and nothing else, afterwards."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, **options
    ) as process:
        try:
            yield process if port is None else _listening(process, port)
        finally:
            process.stdin.close()
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _listening(process, port):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended: {process.args}"
        with socket.socket() as one:
            one.settimeout(1)
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    raise AssertionError(f"the server does not listen: {process.args}")


class S3:
    bucket = "texts"

    def __init__(self, port):
        import s3fs

        self.port = port
        _, options = self.at("")
        self.fs = s3fs.S3FileSystem(**options, skip_instance_cache=True)
        self.fs.call_s3("create_bucket", Bucket=self.bucket)

    @classmethod
    @contextmanager
    def started(cls, folder):
        needed("moto", "s3fs", "flask")
        port = free_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with running(command, port, stdout=subprocess.DEVNULL):
            yield cls(port)

    def at(self, name, port=None):
        options = {
            "key": "someone",
            "secret": SECRET,
            "endpoint_url": f"http://127.0.0.1:{port or self.port}",
            "client_kwargs": {"region_name": "us-east-1"},
        }
        return f"s3://{self.bucket}/{name}", options

    def put(self, name, data):
        self.fs.pipe_file(f"{self.bucket}/{name}", data)


class Azure:
    container = "texts"
    account = "devstoreaccount1"
    # The key that every emulator of this store has, printed in its documentation.
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self, port):
        import adlfs

        self.port = port
        _, options = self.at("")
        self.fs = adlfs.AzureBlobFileSystem(**options, skip_instance_cache=True)
        self.fs.mkdir(self.container)

    @classmethod
    @contextmanager
    def started(cls, folder):
        needed("adlfs")
        program = _azurite()
        port = free_port()
        command = [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--loose"]
        command += ["--skipApiVersionCheck", "--disableTelemetry", "--silent", "--location"]
        with running([*command, str(folder)], port, stdout=subprocess.DEVNULL):
            yield cls(port)

    def at(self, name, port=None):
        place = f"http://127.0.0.1:{port or self.port}/{self.account}"
        line = (
            f"DefaultEndpointsProtocol=http;AccountName={self.account};"
            f"AccountKey={self.key};BlobEndpoint={place};"
        )
        return f"az://{self.container}/{name}", {"connection_string": line}

    def put(self, name, data):
        self.fs.pipe_file(f"{self.container}/{name}", data, overwrite=True)


class Google:
    bucket = "texts"

    def __init__(self, port):
        # Without this the client asks an emulator by gRPC first, and waits a minute for it.
        os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
        import gcsfs

        self.port = port
        _, options = self.at("")
        self.fs = gcsfs.GCSFileSystem(**options, skip_instance_cache=True)
        self.fs.mkdir(self.bucket)

    @classmethod
    @contextmanager
    def started(cls, folder):
        needed("gcsfs", "gcp_storage_emulator")
        port = free_port()
        command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--in-memory"]
        command += ["--host=127.0.0.1", f"--port={port}"]
        with running(command, port, stdout=subprocess.DEVNULL):
            yield cls(port)

    def at(self, name, port=None):
        place = f"http://127.0.0.1:{port or self.port}"
        return f"gs://{self.bucket}/{name}", {
            "token": "anon",
            "project": "p",
            "endpoint_url": place,
        }

    put = S3.put


def _azurite():
    """Return the program, installed by npm into a cache folder the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "millrace-tests" / "azurite"
    program = folder / "node_modules" / ".bin" / "azurite-blob"
    npm = shutil.which("npm")
    if not program.exists() and npm:
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "azurite@3", "--no-audit", "--no-fund", "--prefix", str(folder)]
        subprocess.run(command, check=False, capture_output=True, timeout=300)
    if not program.exists():
        pytest.skip("SERVER NOT RUN: no azurite; it takes npm and a registry to install it from")
    return str(program)


class Sftp:
    def __init__(self, port, folder):
        self.port, self.folder = port, folder

    @classmethod
    @contextmanager
    def started(cls, folder):
        needed("asyncssh", "paramiko")
        script = str(Path(__file__).with_name("sftp_server.py"))
        command = [sys.executable, script, str(folder), SECRET]
        with running(command, stdout=subprocess.PIPE) as process:
            yield cls(int(process.stdout.readline()), folder)

    def at(self, name, port=None):
        options = {"username": "someone", "password": SECRET, "port": port or self.port}
        options |= {"allow_agent": False, "look_for_keys": False}
        return f"sftp://127.0.0.1/{name}", options

    def put(self, name, data):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(data)


class Ranges(http.server.SimpleHTTPRequestHandler):
    """Files of a folder with ranges and entity tags; what the query asks for is done otherwise.

    bare: no entity tag and no date; whole: ranges are ignored; chunked: no length, HTTP/1.1
    chunks; coded: the answer is marked as packed by the server itself; fail=N: status N.
    """

    protocol_version = "HTTP/1.1"
    asked = None  # the requests, as (method, path, range)

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.asked.append((self.command, self.path, self.headers.get("Range")))
        _, _, query = self.path.partition("?")
        path = Path(self.translate_path(self.path))
        failure = re.search(r"fail=(\d+)", query)
        if failure or not path.exists():
            self.send_error(int(failure[1]) if failure else 404)
            return
        if path.is_dir():
            super().do_GET() if self.command == "GET" else super().do_HEAD()
            return
        data = path.read_bytes()
        start = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        headers = {}
        if "bare" not in query:
            stat = path.stat()
            headers["ETag"] = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        if "coded" in query:
            headers["Content-Encoding"] = "gzip"
        status = 200
        if start and "whole" not in query:
            begin = int(start[1])
            end = min(int(start[2]) if start[2] else len(data) - 1, len(data) - 1)
            if begin >= len(data):
                self.send_error(416)
                return
            headers["Content-Range"] = f"bytes {begin}-{end}/{len(data)}"
            data, status = data[begin : end + 1], 206
        self.send_response(status)
        chunked = "chunked" in query
        headers |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": len(data)}
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "GET":
            for i in range(0, len(data), 1 << 16):
                piece = data[i : i + (1 << 16)]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.write(b"0\r\n\r\n" if chunked else b"")


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away is what these tests are about."""


class Http:
    def __init__(self, port, folder, asked):
        self.port, self.folder, self.asked = port, folder, asked

    @classmethod
    @contextmanager
    def started(cls, folder):
        needed("aiohttp")
        handler = type("Ranges", (Ranges,), {"asked": []})
        with Quiet(("127.0.0.1", 0), functools.partial(handler, directory=folder)) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield cls(server.server_port, folder, handler.asked)
            finally:
                server.shutdown()
                thread.join()

    def at(self, name, port=None):
        return f"http://127.0.0.1:{port or self.port}/{name}", {}

    put = Sftp.put


STORES = {"s3": S3, "azure": Azure, "gcs": Google, "http": Http, "sftp": Sftp}
