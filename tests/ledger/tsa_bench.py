"""A real time-stamp authority: `openssl ts` behind a loopback HTTP server that speaks the protocol of RFC 3161."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OPENSSL = shutil.which("openssl")
CONFIG = """\
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[service]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[plain]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping, emailProtection
[tsa]
serial = serial
crypto_device = builtin
default_policy = 1.3.6.1.4.1.99999.1
other_policies = 1.3.6.1.4.1.99999.2
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
clock_precision_digits = 3
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
signer_digest = sha512
"""
SERVICE_NAME = "CN=Time,O=TEST-ONLY"


@dataclass
class Authority:
    """A folder with a root, and a service certificate of `curve` keys or RSA."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, *, key: tuple[str, ...] = ("EC", "ec_paramgen_curve:P-256")) -> Authority:
        found = cls(folder)
        (folder / "tsa.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        for name, (kind, option) in {"root": ("EC", "ec_paramgen_curve:P-256"), "service": key}.items():
            found.run("genpkey", "-algorithm", kind, "-pkeyopt", option, "-out", f"{name}.key")
        found.run("req", "-x509", "-new", "-key", "root.key", "-subj", "/O=TEST-ONLY/CN=Root", "-days", "9000",
                  "-config", "tsa.cnf", "-extensions", "root", "-out", "root.pem")  # fmt: skip
        found.run(
            "req", "-new", "-key", "service.key", "-subj", "/O=TEST-ONLY/CN=Time", "-config", "tsa.cnf", "-out", "csr"
        )
        found.run("x509", "-req", "-in", "csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "77",
                  "-days", "900", "-extfile", "tsa.cnf", "-extensions", "service", "-out", "service.pem")  # fmt: skip
        return found

    def run(self, *arguments: str, data: bytes | None = None) -> bytes:
        done = subprocess.run([str(OPENSSL), *arguments], cwd=self.folder, input=data, capture_output=True, check=True)
        return done.stdout

    def purpose(self, section: str) -> None:
        """Give the service another certificate for the same key. openssl refuses to stamp with it: `reply` will not."""
        self.run("x509", "-req", "-in", "csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "78",
                 "-days", "900", "-extfile", "tsa.cnf", "-extensions", section, "-out", "plain.pem")  # fmt: skip

    @property
    def root(self) -> str:
        return (self.folder / "root.pem").read_text()

    def reply(self, request: bytes, *more: str) -> bytes:
        """What the service answers. `more` are options of `openssl ts -reply`."""
        (self.folder / "query.tsq").write_bytes(request)
        self.run("ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "query.tsq",
                 "-signer", "service.pem", "-inkey", "service.key", "-out", "reply.tsr", *more)  # fmt: skip
        return (self.folder / "reply.tsr").read_bytes()


Answer = Callable[[bytes], tuple[int, dict[str, str], bytes]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server on the loopback interface; `answer` makes (status, headers, body) of a request's body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.headers["Content-Type"] != "application/timestamp-query":
                self.send_error(415)
                return
            status, headers, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in {"Content-Type": "application/timestamp-reply", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  (clients that give up are part of the tests)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
