"""One signed-in connection to a directory: TLS that is verified, searches page by page, every fault as an error of the
port. Blocking: it runs in a thread. The only file that imports `ldap3`, and imported only where LDAP is used.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import ldap3
from ldap3.core.exceptions import LDAPExceptionError, LDAPInvalidFilterError

from ringfence.app.hr.ports import FeedRefused, SourceError, SourceUnavailable
from ringfence.hr.certificates import verifying_context
from ringfence.hr.ldap_results import result_error, sign_in_error, tls_error
from ringfence.hr.ldap_settings import LdapSettings
from ringfence.hr.ldap_values import Entry

PAGED_RESULTS: Final = "1.2.840.113556.1.4.319"
SHOW_DELETED: Final = "1.2.840.113556.1.4.417"
MAX_PAGES: Final = 20_000
_NO_SUCH_OBJECT: Final = 32

T = TypeVar("T")


class LdapLink:
    """Use from one thread, `abort` from any. Every method may raise SourceError, SourceUnavailable, FeedRefused."""

    def __init__(self, settings: LdapSettings, password: str) -> None:
        self._settings = settings
        self._password = password
        self._tls = _VerifiedTls(verifying_context(settings.ca_file), settings.host)
        self._connection: Any = None  # untyped: the stubs know neither the socket nor what a result holds
        self._aborted = False
        self._deadline = time.monotonic() + settings.read_minutes * 60

    def open(self) -> None:
        """Connects, begins TLS, signs in."""
        settings = self._settings
        server = ldap3.Server(
            settings.host,
            port=settings.port,
            use_ssl=settings.use_ssl,
            tls=self._tls,
            get_info=ldap3.NONE,
            connect_timeout=settings.connect_seconds,
        )
        self._connection = ldap3.Connection(
            server,
            user=settings.bind_dn,
            password=self._password,
            authentication=ldap3.SIMPLE,
            auto_referrals=False,
            read_only=True,
            check_names=False,
            receive_timeout=settings.answer_seconds,
        )
        self._ask(lambda connection: connection.open(read_server_info=False))
        if settings.start_tls:
            self._ask(lambda connection: connection.start_tls(read_server_info=False))
        if not self._ask(lambda connection: connection.bind(read_server_info=False)):
            raise sign_in_error(settings, self._connection.result)

    def root(self) -> Entry:
        """What the server says of itself."""
        wanted = ("dnsHostName", "dsServiceName", "highestCommittedUSN")
        found = self._search_once("", "(objectClass=*)", wanted)
        return found if found is not None else Entry("", {})

    def read(self, dn: str, filter_: str, attributes: Sequence[str]) -> Entry | None:
        """One object by its name; None when there is none, or none that the filter lets through."""
        return self._search_once(dn, filter_, attributes)

    def search(
        self, base: str, filter_: str, attributes: Sequence[str], *, deleted: bool = False
    ) -> Iterator[list[Entry]]:
        """The subtree, page by page. Ends only when the server has said that there is no more."""
        cookie: bytes | None = None
        for _ in range(MAX_PAGES):
            result, entries = self._search_page(base, filter_, attributes, cookie, deleted)
            if result["result"] != 0:
                raise result_error(self._settings, base, result)
            yield entries
            control = result.get("controls", {}).get(PAGED_RESULTS)
            if control is None:
                raise FeedRefused(f"{self._where} left out the pages' end.", "It has to support paged results.")
            cookie = control["value"]["cookie"]
            if not cookie:
                return
        raise FeedRefused(f"{self._where} sent more than {MAX_PAGES} pages.", "Narrow `base` or `filter`.")

    def abort(self) -> None:
        """Ends whatever the other thread waits for."""
        self._aborted = True
        current = getattr(self._connection, "socket", None)
        if current is not None:
            try:
                # Not the TLS socket's own, which takes the session away from under the thread that reads.
                socket.socket.shutdown(current, socket.SHUT_RDWR)
            except OSError:
                pass

    def took_too_long(self) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self._where} took longer than {self._settings.read_minutes:g} minutes.",
            "Narrow `base`, or raise `read_minutes`.",
        )

    def close(self) -> None:
        """Never raises: there is nothing left to lose."""
        if self._connection is not None:
            try:
                self._connection.unbind()
            except (LDAPExceptionError, OSError):
                pass

    @property
    def _where(self) -> str:
        return self._settings.url

    def _search_once(self, dn: str, filter_: str, attributes: Sequence[str]) -> Entry | None:
        self._ask(lambda connection: connection.search(dn, filter_, ldap3.BASE, attributes=list(attributes)))
        result = self._connection.result
        if result["result"] == _NO_SUCH_OBJECT:
            return None
        if result["result"] != 0:
            raise result_error(self._settings, dn, result)
        found = _entries(self._connection.response)
        return found[0] if found else None

    def _search_page(
        self, base: str, filter_: str, attributes: Sequence[str], cookie: bytes | None, deleted: bool
    ) -> tuple[dict[str, Any], list[Entry]]:
        self._ask(
            lambda connection: connection.search(
                base,
                filter_,
                ldap3.SUBTREE,
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(attributes),
                paged_size=self._settings.page_size,
                paged_criticality=True,
                paged_cookie=cookie,
                controls=[(SHOW_DELETED, True, None)] if deleted else None,
            )
        )
        return self._connection.result, _entries(self._connection.response)

    def _ask(self, what: Callable[[Any], T]) -> T:
        self._check_deadline()
        try:
            return what(self._connection)
        except LDAPInvalidFilterError:
            raise SourceError("filter: is no LDAP filter.", "Correct it; `ldapsearch` tells the place.") from None
        except (LDAPExceptionError, OSError) as error:
            raise self._unreachable(error) from None
        except (LookupError, ValueError, TypeError) as error:
            # The library takes an answer apart by places: one that is no LDAP ends in these.
            raise SourceUnavailable(
                f"{self._where} answered something that is no LDAP ({type(error).__name__}).",
                "Is it the right port? 636 is for ldaps://, 389 for ldap://.",
            ) from None

    def _unreachable(self, error: Exception) -> SourceError:
        if self._aborted:
            return SourceUnavailable("The reading was broken off.")
        if self._tls.fault is not None:
            return tls_error(self._settings, self._tls.fault)
        return SourceUnavailable(
            f"{self._where} is not reachable, or has stopped answering: {_short(error)}.",
            "Does the server run, and does a firewall let us through?",
        )

    def _check_deadline(self) -> None:
        if self._aborted:
            raise SourceUnavailable("The reading was broken off.")
        if time.monotonic() > self._deadline:
            raise self.took_too_long()


class _VerifiedTls(ldap3.Tls):
    """The library checks the host's name by a function that Python has taken out; Python's own context does it, and
    names the host to the server, too."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host
        self.fault: ssl.SSLError | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        try:
            connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)
        except ssl.SSLError as error:
            self.fault = error
            raise


def _entries(response: Sequence[Any] | None) -> list[Entry]:
    """Without the references to other servers: they are not followed."""
    return [
        Entry(found["dn"], {name.lower(): tuple(raw or ()) for name, raw in found["raw_attributes"].items()})
        for found in response or ()
        if found["type"] == "searchResEntry"
    ]


def _short(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return (reason or str(error) or type(error).__name__).splitlines()[0][:200]
