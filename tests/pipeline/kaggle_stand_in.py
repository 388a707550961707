"""A stand-in for Kaggle on this computer: the requests that the official client makes, answered from memory.

The client is pointed here by its own means: ``KAGGLE_API_ENVIRONMENT=LOCALHOST`` makes it talk to ``http://localhost``,
and ``http_proxy`` says at which port that is. So the real client runs, unchanged, and nothing leaves the machine.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "a-token-that-nobody-may-see"


class Kaggle:
    """What the stand-in knows and what it was asked. Tests change ``submissions``, ``refusals`` and the rest."""

    def __init__(self) -> None:
        self.slug = "titanic"
        self.submissions: list[dict[str, Any]] = []
        self.uploads: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.allowed, self.total = 10, 3
        self.score = "0.77511"
        self.polls_until_scored = 1
        self.verdict: dict[str, Any] = {}  # what the scored submission says instead of its score
        self.refusals: dict[str, tuple[int, str]] = {}  # method: status and message
        self.slow: dict[str, float] = {}  # method: seconds before the answer
        self.address = ""

    def answer(self, method: str, request: dict[str, Any]) -> tuple[int, Any]:
        """Status and body of one call."""
        time.sleep(self.slow.get(method, 0))
        if method in self.refusals:
            status, message = self.refusals[method]
            return status, {"code": status, "message": message}
        if method == "IntrospectToken":
            return 200, {"active": request["token"] == TOKEN, "username": "tester"}
        if request.get("competitionName") != self.slug:
            return 404, {"code": 404, "message": "Competition not found"}
        return 200, getattr(self, f"_{method}")(request)

    def _GetSubmissionLimits(self, request: dict[str, Any]) -> Any:
        return {"numToday": 1, "numTotal": self.total, "numAllowedNow": self.allowed}

    def _ListSubmissions(self, request: dict[str, Any]) -> Any:
        for one in self.submissions:
            if one["status"] == "PENDING":
                one["polls"] = one.get("polls", 0) + 1
                if one["polls"] > self.polls_until_scored:
                    one |= {"status": "COMPLETE", "publicScore": self.score} | self.verdict
        return {"submissions": [{k: v for k, v in one.items() if k != "polls"} for one in self.submissions]}

    def _StartSubmissionUpload(self, request: dict[str, Any]) -> Any:
        token = f"blob-{len(self.uploads)}"
        self.uploads[token] = b""
        return {"token": token, "createUrl": f"{self.address}/upload/{token}"}

    def _CreateSubmission(self, request: dict[str, Any]) -> Any:
        assert self.uploads[request["blobFileTokens"]]
        ref = 1000 + len(self.submissions)
        self.submissions.insert(
            0,
            {
                "ref": ref,
                "date": "2026-11-24T06:00:00.000Z",
                "description": request["submissionDescription"],
                "status": "PENDING",
                "fileName": "submission.csv",
            },
        )
        return {"message": "Successfully submitted to Titanic", "ref": ref}


class Handler(BaseHTTPRequestHandler):
    kaggle: Kaggle

    def log_message(self, format: str, *args: object) -> None:
        """Requests are no part of a test's output."""

    def _reply(self, status: int, content: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        method = self.path.rsplit("/", 1)[1]
        self.kaggle.calls.append(method)
        if method == "DownloadDataFile" and method not in self.kaggle.refusals:
            name = json.loads(body)["fileName"]
            name += ".zip" if self.kaggle.files.get(name, b"").startswith(b"PK") else ""
            self._reply(302, b"", "text/html", Location=f"{self.kaggle.address}/files/{name}?signature=secret")
            return
        if method != "IntrospectToken" and self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._reply(401, b'{"code": 401, "message": "Unauthenticated"}', "application/json")
            return
        status, found = self.kaggle.answer(method, json.loads(body))
        self._reply(status, json.dumps(found).encode(), "application/json")

    def do_PUT(self) -> None:
        length = self.headers["Content-Length"]
        content = self.rfile.read(int(length)) if length else self._chunks()
        self.kaggle.calls.append("PUT")
        self.kaggle.uploads[self.path.rsplit("/", 1)[1]] = content
        self._reply(200, b"{}", "application/json")

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[1].split("?")[0].removesuffix(".zip")
        if name in self.kaggle.files:
            self._reply(200, self.kaggle.files[name], "text/csv")
        else:
            self._reply(404, b"no such file", "text/plain")

    def _chunks(self) -> bytes:
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up waiting is no news, and no part of the next test's output."""


@contextmanager
def serving() -> Iterator[Kaggle]:
    """A stand-in on a free port."""
    kaggle = Kaggle()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"kaggle": kaggle}))
    kaggle.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kaggle
    finally:
        server.shutdown()
        server.server_close()


def settings(kaggle: Kaggle, home: Path) -> dict[str, str]:
    """The environment that points the client at the stand-in, with a home folder of its own; "" unsets a variable."""
    home.mkdir(parents=True, exist_ok=True)
    unset = (
        "no_proxy",
        "NO_PROXY",
        "HTTP_PROXY",
        "KAGGLE_USERNAME",
        "KAGGLE_KEY",
        "KAGGLE_CONFIG_DIR",
        "XDG_CONFIG_HOME",
    )
    return {
        **dict.fromkeys(unset, ""),
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        "http_proxy": kaggle.address,
        "HOME": str(home),
        "KAGGLE_API_TOKEN": TOKEN,
        "VERBOSE": "true",  # the client would print its requests, the token in them
    }
