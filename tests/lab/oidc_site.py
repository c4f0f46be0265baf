"""A real OpenID provider on loopback over TLS, and what may be wrong with one.

The provider is oidc-provider-mock, a whole server on Authlib. It does not check PKCE and takes any client's secret, so
a layer before it does both; the same layer spoils answers where a test wants them spoilt.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import werkzeug.serving
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.lab.certificates import ServerCertificate
from tests.lab.ports import HOST

with warnings.catch_warnings():
    import authlib.deprecate  # type: ignore[import-untyped]  # puts its own filter in front, so it comes first

    # Its own matter: it uses the library's older half.
    warnings.filterwarnings(
        "ignore", "authlib.jose module is deprecated", category=authlib.deprecate.AuthlibDeprecationWarning
    )
    import oidc_provider_mock  # type: ignore[import-untyped]
    from oidc_provider_mock import User as User

CLIENT_ID = "ringfence"
CLIENT_SECRET = "the+client/secret=of the lab"

Claims = dict[str, Any]
Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class _QuietHandler(werkzeug.serving.WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Codes stand in the addresses."""


@dataclass
class Faults:
    """What is wrong with the provider now. `claims` changes those of each ID token, which is then signed anew with
    `key` and its `algorithm`. `iss` is put into the answer that the browser brings. `down`: HTTP 503 to everything."""

    claims: Callable[[Claims], None] | None = None
    key: RSAKey | ECKey | OctKey | None = None
    algorithm: str = "RS256"
    header: dict[str, Any] = field(default_factory=dict)
    shown_keys: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    iss: str | None = None
    down: bool = False
    token_answer: tuple[str, bytes] | None = None

    @property
    def spoil(self) -> bool:
        """Whether ID tokens are signed anew."""
        return self.claims is not None or self.key is not None or self.algorithm != "RS256"


class OidcSite:
    """WSGI application around the provider. `asked` are the paths that came, the last at the end."""

    def __init__(self, users: Iterable[User]) -> None:
        self._inner = oidc_provider_mock.app(user_claims=tuple(users))
        self.faults = Faults()
        self.asked: list[str] = []
        self.issuer = ""
        self.client_secret: str | None = CLIENT_SECRET
        self.own_key = RSAKey.generate_key(2048, {"kid": "lab"})
        self._challenges: dict[str, str] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        self.asked.append(path)
        if self.faults.down:
            return _answer(start_response, "503 Service Unavailable", b"{}")
        if path == "/oauth2/token":
            refusal = self._refusal(environ)
            if refusal is not None:
                return _answer(start_response, *refusal)
        status, headers, body = self._ask(environ)
        if path == "/oauth2/authorize":
            headers = self._noted(environ, headers)
        elif path == "/oauth2/token":
            if self.faults.token_answer is not None:
                return _answer(start_response, *self.faults.token_answer)
            body = self._spoilt(body)
        elif path == "/.well-known/openid-configuration":
            body = json.dumps(json.loads(body) | self.faults.metadata).encode()
        elif path == "/jwks":
            # The provider names no key in its tokens, which is allowed while it has one.
            keys = [dict(self.own_key.as_dict(private=False))] if self.faults.spoil else json.loads(body)["keys"]
            body = json.dumps({"keys": keys if self.faults.shown_keys is None else self.faults.shown_keys}).encode()
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _ask(self, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
        said: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
            said[:] = [status, headers]
            return lambda _: None

        body = b"".join(self._inner.wsgi_app(environ, start))
        return said[0], said[1], body

    def _noted(self, environ: Environ, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Which code belongs to which challenge; with the `iss` of RFC 9207 where a test wants one."""
        query = parse_qs(environ["QUERY_STRING"])
        found = []
        for name, value in headers:
            if name.lower() == "location":
                code = parse_qs(urlsplit(value).query).get("code", [""])[0]
                assert query["code_challenge_method"] == ["S256"]
                self._challenges[code] = query["code_challenge"][0]
                value += f"&iss={self.faults.iss}" if self.faults.iss is not None else ""
            found.append((name, value))
        return found

    def _refusal(self, environ: Environ) -> tuple[str, bytes] | None:
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(content)
        form = {name: values[0] for name, values in parse_qs(content.decode()).items()}
        if not self._is_our_client(environ, form):
            return "401 Unauthorized", b'{"error": "invalid_client"}'
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if self._challenges.get(form.get("code", "")) != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
            return "400 Bad Request", b'{"error": "invalid_grant"}'
        return None

    def _is_our_client(self, environ: Environ, form: dict[str, str]) -> bool:
        sent = environ.get("HTTP_AUTHORIZATION", "")
        if self.client_secret is None:
            # The provider knows no public clients; what it gets then is the lab's own.
            environ["HTTP_AUTHORIZATION"] = f"Basic {base64.b64encode(f'{CLIENT_ID}:any'.encode()).decode()}"
            return not sent and "client_secret" not in form and form.get("client_id") == CLIENT_ID
        pair = f"{quote_plus(CLIENT_ID)}:{quote_plus(self.client_secret)}"
        if sent:
            return bool(sent == f"Basic {base64.b64encode(pair.encode()).decode()}")
        return form.get("client_secret") == self.client_secret and form.get("client_id") == CLIENT_ID

    def _spoilt(self, body: bytes) -> bytes:
        answer = json.loads(body)
        faults = self.faults
        if "id_token" not in answer or not faults.spoil:
            return body
        _, payload, _ = answer["id_token"].split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        if faults.claims is not None:
            faults.claims(claims)
        key = faults.key or self.own_key
        header = {"alg": faults.algorithm, "kid": key.kid, **faults.header}
        if faults.algorithm == "none":
            parts = [json.dumps(header).encode(), json.dumps(claims).encode(), b""]
            answer["id_token"] = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
        else:
            answer["id_token"] = jwt.encode(header, claims, key, algorithms=[faults.algorithm])
        return json.dumps(answer).encode()


@contextmanager
def running(users: Iterable[User], certificate: ServerCertificate) -> Iterator[OidcSite]:
    """Serves in a thread of its own."""
    site = OidcSite(users)
    server = werkzeug.serving.make_server(
        HOST, 0, site, threaded=True, request_handler=_QuietHandler, ssl_context=certificate.context()
    )
    site.issuer = f"https://{HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="openid provider")
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def _answer(start_response: StartResponse, status: str, body: bytes) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
