"""From one page of an API to the next, and whether what came is all of it. Pure: knows no connection.

Whatever is in doubt is refused: a list that ends too early looks like people who have left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from yarl import URL

from ringfence.app.hr.ports import FeedRefused
from ringfence.hr.json_paths import PathFault, found_at, text_at
from ringfence.hr.rest_settings import RestSettings

Element = Mapping[str, object]

MAX_TOTAL_DIGITS: Final = 18

_COUNTED: Final = frozenset({"page", "offset"})


class Pages:
    """One reading. Ask for `url` and `take` its body until `url` is None, then `finish`. All may raise FeedRefused."""

    def __init__(self, settings: RestSettings, query: Mapping[str, str]) -> None:
        self._settings = settings
        self._paging = settings.paging
        self._query = dict(query)
        self.elements: list[Element] = []
        self.total: int | None = None
        self._page_count = 0
        self._asked: set[URL] = set()
        self._last_page: list[Element] = []
        self.url: URL | None = self._counted_url() if self._paging.style in _COUNTED else self._start()

    def take(self, body: object, next_link: URL | None) -> None:
        """One page's body. `next_link` is that of its Link header."""
        assert self.url is not None
        page = self._page_of(body)
        self._asked.add(self.url)
        self._page_count += 1
        self._check_total(body)
        self._check_repeats(page)
        self.elements += page
        if len(self.elements) > self._settings.max_elements:
            raise FeedRefused(
                f"{self._where} sent more than {self._settings.max_elements} elements.",
                "Narrow `url`, or raise `max_elements`.",
            )
        self.url = self._next(body, page, next_link)
        if self.url is None:
            return
        if self.url in self._asked:
            raise FeedRefused(f"{self._where} leads in a circle: a page names one that came before.", _PAGING_FIX)
        if self._page_count >= self._paging.max_pages:
            raise FeedRefused(
                f"{self._where} has more than {self._paging.max_pages} pages.", "Raise `page_size` or `max_pages`."
            )

    def finish(self) -> list[Element]:
        """Everything, once it is known to be all."""
        if self.total is not None and len(self.elements) != self.total:
            raise FeedRefused(
                f"{self._where} sent {len(self.elements)} elements and says that there are {self.total}.",
                "Has something changed while we read? Else look at `paging`, `items` and `total`.",
            )
        return self.elements

    @property
    def _where(self) -> str:
        return str(URL(self._settings.url).with_query(None))

    def _start(self) -> URL:
        paging = self._paging
        query = dict(self._query)
        if paging.style != "none" and paging.size_parameter:
            query[paging.size_parameter] = str(paging.page_size)
        return URL(self._settings.url).update_query(query)

    def _counted_url(self) -> URL:
        paging = self._paging
        if paging.style == "page":
            return self._start().update_query({paging.page_parameter: str(paging.first_page + self._page_count)})
        return self._start().update_query({paging.offset_parameter: str(len(self.elements))})

    def _page_of(self, body: object) -> list[Element]:
        found = found_at(body, self._settings.items)
        if len(found) != 1 or not isinstance(found[0], list):
            place = f"at {self._settings.items!r}" if self._settings.items else "as its body"
            raise FeedRefused(f"{self._where} has no list {place}.", "Set `items` to the path of the list.")
        page: list[Element] = []
        for element in found[0]:
            if not isinstance(element, dict):
                raise FeedRefused(f"{self._where} lists something that is no object.", "Is `items` the right path?")
            page.append(element)
        return page

    def _check_total(self, body: object) -> None:
        if not self._settings.total:
            return
        text = self._text(body, self._settings.total)
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_TOTAL_DIGITS):
            raise FeedRefused(f"{self._where} has no number at {self._settings.total!r}.", "Correct `total`.")
        if self.total is not None and int(text) != self.total:
            raise FeedRefused(
                f"{self._where} said that there are {self.total} elements, and then {int(text)}.",
                "The list has changed while we read; it is read again later.",
            )
        self.total = int(text)

    def _check_repeats(self, page: list[Element]) -> None:
        if page and page == self._last_page:
            raise FeedRefused(f"{self._where} sent the same page twice.", _PAGING_FIX)
        self._last_page = page

    def _next(self, body: object, page: list[Element], next_link: URL | None) -> URL | None:
        style = self._paging.style
        if style in _COUNTED:
            # A page that is not full says nothing: many servers give less than they are asked for.
            all_came = not page or (self.total is not None and len(self.elements) >= self.total)
            return None if all_came else self._counted_url()
        if style == "link_header":
            return next_link
        if style == "none":
            return None
        text = self._text(body, self._paging.next)
        if not text:
            return None
        if style == "cursor":
            return self._start().update_query({self._paging.cursor_parameter: text})
        assert self.url is not None
        try:
            return self.url.join(URL(text))
        except ValueError:
            raise FeedRefused(f"{self._where} has no address at {self._paging.next!r}.", _PAGING_FIX) from None

    def _text(self, body: object, path: str) -> str:
        try:
            return text_at(body, path)
        except PathFault as fault:
            raise FeedRefused(f"{self._where}: {path} {fault}.", _PAGING_FIX) from None


_PAGING_FIX: Final = "Look at `paging` and the API's own description of it."
