"""A form that was sent: its text fields, and the page again with what was typed when it is refused."""

from typing import Any

from litestar import Request, Response
from litestar.response import Redirect

from appliance.errors import ApplianceError, TooManyTries
from web.auth import session_cookie
from web.render import page

NEVER_SHOWN_AGAIN = frozenset({"password", "old_password", "setup_code", "code", "_csrf"})


class Values(dict[str, str]):
    """What was typed; a field that was not sent reads as empty, so a template need not ask twice."""

    def __missing__(self, name: str) -> str:
        return ""


async def text_fields(request: Request[Any, Any, Any]) -> Values:
    """Every text field of the form, trimmed except passwords."""
    form = await request.form()
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    return Values({name: value if "password" in name else value.strip() for name, value in fields.items()})


def refused(
    request: Request[Any, Any, Any], template: str, error: ApplianceError, values: Values, **context: object
) -> Response[str]:
    """The page once more: what was typed stays, secrets do not, and the error stands at its field."""
    kept = Values({name: value for name, value in values.items() if name not in NEVER_SHOWN_AGAIN})
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyTries) else None
    return page(request, template, status=error.status, headers=headers, error=error, values=kept, **context)


def signed_in_at(address: str, token: str) -> Redirect:
    """On to `address`, signed in from now on."""
    return Redirect(address, status_code=303, cookies=[session_cookie(token)])
