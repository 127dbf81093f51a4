"""
The car's console over HTTPS: nginx in front (80 to 443, self-signed, a cookie or 401), Flask with CSRF behind it.

Reference: the console part of the car notes. A failed login is 200 with the body `failure`; whatever is not a GET needs
the cookie `session` and its token in a header; stock knows one login at a time, the community's several. While the core
is down nginx answers 502, for Flask runs in the core. The certificate is an EC one: RSA as on a car takes long to make.
"""

import hashlib
import hmac
import http.cookies
import json
import secrets
import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cars.standin.console_calls import MAX_BODY, Request, answer
from cars.standin.machine import Machine

CSRF_S = 3600.0
"""Flask-WTF's WTF_CSRF_TIME_LIMIT."""
STOCK_LOGIN_S, COMMUNITY_LOGIN_S = 3600, 12 * 3600
OPEN = {"/", "/login", "/redirect_login"}
PAGE = '<!doctype html>\n<html><head><meta name="csrf-token" content="{token}"><title>AWS DeepRacer</title></head>\n'
REFUSED = "<!doctype html>\n<html lang=en>\n<title>{status}</title>\n<h1>{status}</h1>\n<p>{reason}</p>\n"


class Flask:
    """The web server itself, on the car's own address only; `close` ends it."""

    def __init__(self, machine: Machine, *, inside_port: int) -> None:
        self.sessions: dict[str, str] = {}
        self.secret = secrets.token_bytes(16)
        self.machine = machine
        self._servers: list[Listener] = []
        self.inside_port = self._serve(Listener(("127.0.0.1", inside_port), _bound(Inside, self)))

    def _serve(self, server: "Listener") -> int:
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return int(server.server_address[1])

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def csrf_token(self, session: str) -> str:
        """As Flask-WTF signs it: what the session holds, when, and that it was us."""
        stamp = f"{self.sessions[session]}.{self.machine.now_s():.0f}"
        return f"{stamp}.{self._signed(stamp)}"

    def csrf_fault(self, session: str | None, token: str | None) -> str | None:
        """Flask-WTF's words for what is wrong with it; None is right."""
        if not token:
            return "The CSRF token is missing."
        if session not in self.sessions:
            return "The CSRF session token is missing."
        value, _, rest = token.partition(".")
        moment, _, signed = rest.partition(".")
        if not hmac.compare_digest(signed, self._signed(f"{value}.{moment}")):
            return "The CSRF token is invalid."
        if self.machine.now_s() - float(moment) > CSRF_S:
            return "The CSRF token has expired."
        return None if value == self.sessions[session] else "The CSRF tokens do not match."

    def log_in(self, password: str) -> str | None:
        """The token of a new login, or None: read from password.txt each time."""
        stored = (self.machine.root / "opt/aws/deepracer/password.txt").read_text()
        if hashlib.sha224(password.encode()).hexdigest() != stored:
            return None
        token = secrets.token_hex(16)
        tokens = self._tokens() if self.machine.profile.is_community else {}
        tokens[token] = self.machine.now_s() + self.login_s
        (self.machine.root / "opt/aws/deepracer/token.txt").write_text(json.dumps(tokens))
        return token

    def knows(self, token: str | None) -> bool:
        """Whether this cookie lets in; by the wall clock, so a jump of it logs people out."""
        until = self._tokens().get(token or "")
        return until is not None and self.machine.now_s() < until

    @property
    def login_s(self) -> int:
        return COMMUNITY_LOGIN_S if self.machine.profile.is_community else STOCK_LOGIN_S

    def _tokens(self) -> dict[str, float]:
        text = (self.machine.root / "opt/aws/deepracer/token.txt").read_text()
        tokens: dict[str, float] = json.loads(text) if text else {}
        return tokens

    def _signed(self, text: str) -> str:
        return hmac.new(self.secret, text.encode(), "sha256").hexdigest()[:27]


class Console(Flask):
    """With nginx in front: two more listeners; `close` is `systemctl stop nginx`."""

    def __init__(
        self,
        machine: Machine,
        certificate: Path,
        key: Path,
        *,
        host: str,
        ports: tuple[int, int],
        inside_port: int = 0,
    ) -> None:
        super().__init__(machine, inside_port=inside_port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if not machine.profile.is_community:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._serve(Listener((host, ports[0]), _bound(Redirect, self)))
        self.port = self._serve(Listener((host, ports[1]), _bound(Page, self), context))


class Page(BaseHTTPRequestHandler):
    """One request at port 443."""

    console: Flask
    needs_login = True
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "nginx", ""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def log_message(self, format: str, *arguments: object) -> None:
        """nginx's access log goes nowhere."""

    def _answer(self, method: str) -> None:
        parts = urlsplit(self.path)
        body = self._body()
        cookies = {name: morsel.value for name, morsel in http.cookies.SimpleCookie(self.headers["cookie"]).items()}
        refusal = self._refusal(method, parts.path, cookies, body)
        if refusal is not None or body is None:
            self._refuse(*(refusal or ("413 Request Entity Too Large", "")))
        elif parts.path in OPEN:
            self._log_in(body) if method == "POST" else self._page(cookies.get("session"))
        else:
            request = Request(method, parts.path, parse_qs(parts.query), body, self.headers["content-type"] or "")
            said = answer(self.console.machine, request)
            if said is None:
                self._refuse("404 Not Found", "The requested URL was not found on the server.")
            else:
                self._say("200 OK", json.dumps(said).encode() + b"\n", ("content-type", "application/json"))

    def _refusal(self, method: str, path: str, cookies: dict[str, str], body: bytes | None) -> tuple[str, str] | None:
        """What nginx and Flask's CSRF protection say before any call is looked at."""
        if body is None:
            return "413 Request Entity Too Large", ""
        if self.needs_login and path not in OPEN and not self.console.knows(cookies.get("deepracer_token")):
            return "401 Authorization Required", ""
        if not self.console.machine.core_is_up:
            return "502 Bad Gateway", ""
        token = self.headers["x-csrftoken"] or self.headers["x-csrf-token"]
        fault = None if method == "GET" else self.console.csrf_fault(cookies.get("session"), token)
        return None if fault is None else ("400 Bad Request", fault)

    def _page(self, session: str | None) -> None:
        if session not in self.console.sessions:
            session = secrets.token_urlsafe(12)
            self.console.sessions[session] = secrets.token_hex(20)
        page = PAGE.format(token=self.console.csrf_token(session)).encode()
        cookie = ("set-cookie", f"session={session}; HttpOnly; Path=/")
        self._say("200 OK", page, ("content-type", "text/html; charset=utf-8"), cookie)

    def _log_in(self, body: bytes) -> None:
        password = parse_qs(body.decode()).get("password", [""])[0]
        token = self.console.log_in(password)
        if token is None:
            return self._say("200 OK", b"failure", ("content-type", "text/html; charset=utf-8"))
        cookie = ("set-cookie", f"deepracer_token={token}; Max-Age={self.console.login_s}; Path=/")
        return self._say("200 OK", b'{"redirect": "/home"}\n', ("content-type", "application/json"), cookie)

    def _body(self) -> bytes | None:
        length = int(self.headers["content-length"] or 0)
        return None if length > MAX_BODY else self.rfile.read(length)

    def _refuse(self, status: str, reason: str) -> None:
        page = REFUSED.format(status=status.split(" ", 1)[1], reason=reason)
        self._say(status, page.encode(), ("content-type", "text/html; charset=utf-8"))

    def _say(self, status: str, body: bytes, *headers: tuple[str, str]) -> None:
        number, reason = status.split(" ", 1)
        self.send_response(int(number), reason)
        for name, value in (*headers, ("content-length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Inside(Page):
    """One request at port 5001: Flask itself. nginx asks for the login, so whoever is on the car needs none."""

    needs_login = False


class Redirect(Page):
    """One request at port 80: to 443, whatever it is."""

    def _answer(self, method: str) -> None:
        self._say("302 Moved Temporarily", b"", ("location", f"https://{self.headers['host']}{self.path}"))


class Listener(ThreadingHTTPServer):
    """With TLS in the thread of the connection, so that a silent client holds nobody up."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: Any, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Without the look-up of the host's name, which may wait for DNS."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "deepracer.io", self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._context is not None:
            request.settimeout(60)
            request = self._context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or spoke no TLS."""


def _bound(handler: type[Page], console: Flask) -> type[Page]:
    return type(handler.__name__, (handler,), {"console": console})
