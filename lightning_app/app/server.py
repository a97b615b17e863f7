"""Serves the page on 127.0.0.1 alone, to this machine's own browser."""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lightning_app.app.studio import Studio
from lightning_app.errors import RunError
from lightning_app.listening.tiles import Sounds
from lightning_app.report.page import ASSETS as REPORT_ASSETS

_ASSETS = Path(__file__).parent / "assets"
_MOST_BYTES = 100 * 2**20
# The page loads nothing from elsewhere, and no page from elsewhere may show it.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; media-src data: blob:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def make_server(studio: Studio, port: int) -> ThreadingHTTPServer:
    """Makes a server of the page.

    Args:
        studio: What is behind the page.
        port: Port on 127.0.0.1; 0 takes any that is free.

    Raises:
        RunError: The port is taken.
    """
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, studio))
    except (OSError, OverflowError) as error:
        raise RunError(
            f"port {port} cannot be had ({error}); choose another with --port, or any with --port 0."
        ) from error


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, studio: Studio, *args: Any) -> None:
        self.studio = studio
        super().__init__(*args)

    def do_GET(self) -> None:
        pages: dict[str, Callable[[], tuple[str, bytes]]] = {
            "/": lambda: ("text/html", self._page().encode()),
            "/app.js": lambda: ("text/javascript", (_ASSETS / "app.js").read_bytes()),
            "/app.css": lambda: ("text/css", b"".join(path.read_bytes() for path in _STYLES)),
            "/shelf": lambda: _json(self._shelf()),
        }
        self._answer(pages.get(urlsplit(self.path).path))

    def do_POST(self) -> None:
        calls: dict[str, Callable[[], tuple[str, bytes]]] = {
            "/sounds": lambda: _json(self._add()),
            "/hear": lambda: _json(self._hear()),
        }
        self._answer(calls.get(urlsplit(self.path).path))

    def _answer(self, make: Callable[[], tuple[str, bytes]] | None) -> None:
        if not self._is_own():
            self._send(HTTPStatus.FORBIDDEN, *_json({"error": "this page is for this machine's own browser."}))
        elif make is None:
            self._send(HTTPStatus.NOT_FOUND, *_json({"error": f"there is no {self.path}."}))
        else:
            try:
                answer = make()
            except RunError as error:
                self._send(HTTPStatus.BAD_REQUEST, *_json({"error": str(error)}))
            else:
                self._send(HTTPStatus.OK, *answer)

    def _is_own(self) -> bool:
        """Whether the page itself asks: not a page from elsewhere that has found the port."""
        port = cast(ThreadingHTTPServer, self.server).server_port
        hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        origin = self.headers.get("Origin")
        return self.headers.get("Host") in hosts and (origin is None or urlsplit(origin).netloc in hosts)

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", _POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MOST_BYTES:
            self.close_connection = True
            raise RunError(f"that is {length / 2**20:.0f} MB; give a sound of {_MOST_BYTES / 2**20:.0f} MB or less.")
        return self.rfile.read(length)

    def _page(self) -> str:
        environment = Environment(loader=FileSystemLoader(_ASSETS), autoescape=True, undefined=StrictUndefined)
        return environment.get_template("app.html.jinja").render(
            name=self.studio.run.name,
            model=type(self.studio.run.model).__name__,
            seconds=f"{self.studio.seconds:g}",
            swaps=self.studio.run.swappable is not None,
        )

    def _shelf(self) -> dict[str, Any]:
        sounds = Sounds()
        return {"shelf": _plain(self.studio.shelf(sounds)), "sounds": sounds.encoded}

    def _add(self) -> dict[str, Any]:
        name = parse_qs(urlsplit(self.path).query).get("name", ["your sound"])[0]
        sounds, number = Sounds(), self.studio.add(self._body(), name)
        return {"shelf": _plain(self.studio.shelf(sounds, number)[:1]), "sounds": sounds.encoded}

    def _hear(self) -> dict[str, Any]:
        try:
            asked = json.loads(self._body())
            source, target = int(asked["source"]), asked.get("target")
            target = None if target is None else int(target)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError('give {"source": NUMBER, "target": NUMBER or null}.') from error
        sounds = Sounds()
        return {"rows": _plain(self.studio.hear(source, target, sounds)), "sounds": sounds.encoded}

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the terminal is for what the user has to know."""


_STYLES = (REPORT_ASSETS / "report.css", _ASSETS / "app.css")


def _plain(parts: Any) -> list[dict[str, Any]]:
    return [asdict(part) for part in parts]


def _json(content: dict[str, Any]) -> tuple[str, bytes]:
    return "application/json", json.dumps(content).encode()
