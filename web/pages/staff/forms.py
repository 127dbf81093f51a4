"""
A posted form read field by field: every mistake is kept beside its field, and what was typed is kept to show again.

Owns the reading only; what a value means is checked by the room that takes it.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from litestar import Request

from appliance.errors import ApplianceError
from timing.lap_text import lap_time_ms

E = TypeVar("E", bound=StrEnum)


class Form:
    """`typed` is what the person sent; `errors` maps a field's name to what to do about it ("" is the whole form)."""

    def __init__(self, typed: Mapping[str, str]) -> None:
        self.typed = dict(typed)
        self.errors: dict[str, str] = {}

    @property
    def ok(self) -> bool:
        """Nothing wrong so far."""
        return not self.errors

    def wrong(self, name: str, words: str) -> None:
        """Note a mistake; the first one of a field stays."""
        self.errors.setdefault(name, words)

    def refuse(self, error: ApplianceError, fields: Mapping[str, str] | None = None) -> None:
        """Put a room's refusal beside the field it names (`fields`: its name → the form's), or above the form."""
        name = error.field or ""
        name = (fields or {}).get(name, name)
        self.wrong(name if name in self.typed else "", str(error))

    def text(self, name: str) -> str:
        """The text with blanks around it taken off; "" when it was not sent."""
        return self.typed.get(name, "").strip()

    def needed(self, name: str, words: str) -> str:
        """A text that must not be empty; `words` say what to type."""
        text = self.text(name)
        if not text:
            self.wrong(name, words)
        return text

    def flag(self, name: str) -> bool:
        """A checkbox."""
        return self.text(name) in ("1", "on", "true", "yes")

    def whole(self, name: str, low: int, high: int, otherwise: int | None = None) -> int | None:
        """A whole number from `low` to `high`; `otherwise` when the field is empty."""
        text = self.text(name)
        if not text:
            return otherwise
        if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            self.wrong(name, f"Type a whole number from {low} to {high}.")
            return otherwise
        return int(text)

    def seconds_ms(self, name: str, high_s: int, otherwise: int) -> int:
        """Seconds, with up to three decimals, as ms."""
        text = self.text(name).replace(",", ".")
        if not text:
            return otherwise
        if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text) or float(text) > high_s:
            self.wrong(name, f"Type seconds from 0 to {high_s}, for example 2.5.")
            return otherwise
        whole, _, part = text.partition(".")
        return int(whole) * 1000 + int(part.ljust(3, "0"))

    def lap_time_ms(self, name: str) -> int | None:
        """A lap time, mm:ss.mmm or ss.mmm, as ms."""
        ms = lap_time_ms(self.text(name))
        if ms is None:
            self.wrong(name, "Type the time as mm:ss.mmm, for example 00:12.345.")
        return ms

    def choice(self, name: str, kind: type[E], otherwise: E) -> E:
        """One of an enum's values."""
        text = self.text(name)
        if not text:
            return otherwise
        try:
            return kind(text)
        except ValueError:
            self.wrong(name, "Choose one from the list.")
            return otherwise


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The request's form; files in it are let be."""
    sent = await request.form()
    return Form({name: value for name, value in sent.items() if isinstance(value, str)})
