"""Somebody of the crew with a browser that runs no script: gets pages, fills in forms, follows where they lead."""

import html
import re
from types import TracebackType

import httpx

from tests.web.conftest import Site


class Crew:
    """`async with Crew(site, "operator") as crew`; forms are sent with the token of the page seen last."""

    def __init__(self, site: Site, role: str) -> None:
        self._client = site.browser(role)
        self._token = ""
        self.page: httpx.Response

    async def __aenter__(self) -> "Crew":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self._saw(await self._client.get(path, follow_redirects=True))

    async def send(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        """Send a form and follow where it leads; `track__0__name` stands for the field `track-0-name`."""
        fields = {name.replace("__", "-"): value for name, value in fields.items()}
        sent = {"_csrf": self._token, **fields}
        return self._saw(await self._client.post(path, data=sent, headers=headers, follow_redirects=True))

    def hidden(self, name: str) -> str:
        """The value of the first hidden field of this name on the page."""
        match = re.search(rf'name="{name}" value="([^"]*)"', self.page.text)
        assert match, f"no field {name}"
        return html.unescape(match[1])

    def _saw(self, answer: httpx.Response) -> httpx.Response:
        self.page = answer
        token = re.search(r"""(?:name="_csrf" value="|"x-csrftoken": ")([^"]+)\"""", answer.text)
        if token:
            self._token = html.unescape(token[1])
        return answer


def words(answer: httpx.Response) -> str:
    """The page as a person reads it: no tags, single blanks."""
    body = answer.text.partition("<main")[2] or answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
