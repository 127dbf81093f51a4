"""Countries as pages show them: the flag and the name of a code. Pure; the list is appliance/countries.py."""

from appliance.countries import COUNTRIES

__all__ = ["COUNTRIES", "country_name", "flag"]


def flag(country: str | None) -> str:
    """The two regional indicator letters that screens draw as a flag; empty for None or anything not a code."""
    if not country or country not in COUNTRIES:
        return ""
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in country)


def country_name(country: str | None) -> str:
    """Germany for "DE"; an unknown code is answered as it is, None with nothing."""
    return COUNTRIES.get(country, country) if country else ""
