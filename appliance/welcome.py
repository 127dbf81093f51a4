"""What is printed when the box is ready: where it is, a QR for phones, and the set-up code while there is no admin."""

import io

import segno

from appliance.addresses import page_addresses
from appliance.settings import Settings


def welcome_text(settings: Settings, setup_code: str | None) -> str:
    """The text, ending with a newline. The set-up code is on no other line of any log."""
    addresses = [settings.public_url] if settings.public_url else page_addresses(settings.host, settings.port)
    lines = ["", f"Trackside is ready: {addresses[0]}"]
    lines += [f"              also: {address}" for address in addresses[1:]]
    if _phones_can(addresses[0]):
        lines += ["", "Phones on the same network:", _qr(addresses[0])]
    else:
        lines += ["Only this machine can reach it. Phones can with --host 0.0.0.0 and a network."]
    if setup_code is not None:
        lines += [f"Make the first admin: {addresses[0]}/setup", f"Set-up code: {setup_code}", ""]
    lines += ["Ctrl-C stops it.", ""]
    return "\n".join(lines)


def _phones_can(address: str) -> bool:
    return not any(local in address for local in ("//localhost", "//127.", "//[::1]"))


def _qr(address: str) -> str:
    """Half-block characters; the quiet zone is printed too, else many phones do not see it on a dark terminal."""
    out = io.StringIO()
    segno.make(address, micro=False, error="l").terminal(out, compact=True, border=2)
    return out.getvalue()
