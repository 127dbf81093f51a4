"""
A form sent twice does its work once: a double click, a reload, a phone that repeats a request.

The form carries an id made when it was shown; the first post with that id does the work, later ones get its answer.
Kept in memory only: after a restart the browser asks before it sends a form again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from markupsafe import Markup

from appliance.ids import new_id

FIELD = "form_id"
KEPT = 500
"""Answers remembered; a crew sends a few forms a minute."""

_answers: OrderedDict[str, "asyncio.Future[str]"] = OrderedDict()


def once_input() -> Markup:
    """The hidden field for a form."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, new_id())


async def once(form_id: str, work: Callable[[], Awaitable[str]]) -> str:
    """
    Do `work` unless a form with this id did it already; answers where to go next.

    A refusal is not remembered, so that a corrected form may be sent with the same id.
    """
    if not form_id:
        return await work()
    if form_id not in _answers:
        _answers[form_id] = asyncio.ensure_future(work())
        while len(_answers) > KEPT:
            _answers.popitem(last=False)
    answer = _answers[form_id]
    try:
        return await asyncio.shield(answer)
    except Exception:
        if _answers.get(form_id) is answer:
            del _answers[form_id]
        raise
