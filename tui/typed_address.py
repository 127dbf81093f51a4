"""
What somebody types when the box is not in the list: every way to write its address that people know. Pure.

Without a port it may be 8080, the default, or 80; whoever asks tries both.
"""

import ipaddress
import re

from tui.errors import BoxError

PORT = 8080
"""The default of the box's setting `port`."""
HTTP_PORT = 80
"""Where a box is whose address is shown without a port."""
UNIX = "unix:"
EXAMPLE = "Type it as the box shows it at its start, like 192.168.1.20 or http://192.168.1.20:8080."
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?")
_NUMBERS = re.compile(r"[0-9.]+")
_LINK_LOCAL = ipaddress.IPv6Network("fe80::/10")


def addresses_typed(text: str) -> tuple[str, ...]:
    """
    The addresses that may be meant, the likeliest first, as tui/box.py takes them.

    Raises:
        BoxError: none can be; says what is wrong with it.
    """
    text = text.strip()
    if text.startswith((UNIX, "/")):
        return (f"{UNIX}{text.removeprefix(UNIX)}",)
    scheme, rest = _scheme(text)
    if not rest.isascii() or " " in rest:
        raise BoxError("An address has no umlauts and no spaces.", EXAMPLE)
    host, port = _host_and_port(rest)
    likely = [HTTP_PORT, PORT] if scheme else [PORT, HTTP_PORT]
    return tuple(url(host, one) for one in (likely if port is None else [port]))


def url(host: str, port: int) -> str:
    """The address of a box by a name or number of its machine."""
    if ":" in host:
        host = f"[{host}]"
    return f"http://{host}" if port == HTTP_PORT else f"http://{host}:{port}"


def _scheme(text: str) -> tuple[str, str]:
    """What stands before `://`, and host and port without the rest of a page's address."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
    if scheme.lower() not in ("", "http"):
        raise BoxError(f"A box is not reached by {scheme}://.", "Type it with http://, or the number alone.")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not host or host.startswith(":"):
        raise BoxError("There is no address yet.", EXAMPLE)
    if "@" in host:
        raise BoxError("An address has no name and no password in it.", "Sign in comes next, on a screen of its own.")
    return scheme, host


def _host_and_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        inside, bracket, after = text[1:].partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise BoxError("The ] of the IPv6 address is missing, or not before the port.", "Like [fd00::20]:8080.")
        return _ipv6(inside), _port(after[1:]) if after else None
    if text.count(":") > 1:
        return _ipv6(text), None
    host, colon, port = text.partition(":")
    return _name(host), _port(port) if colon else None


def _ipv6(text: str) -> str:
    address, _, scope = text.partition("%")
    try:
        number = ipaddress.IPv6Address(address)
    except ValueError as error:
        raise BoxError(f"{text} is no IPv6 address.", EXAMPLE) from error
    if number in _LINK_LOCAL and not scope:
        raise BoxError(
            f"{text} does not say on which of this machine's networks.", f"Add it, like {text}%eth0 or {text}%wlan0."
        )
    if not re.fullmatch(r"[a-z0-9_.-]*", scope, flags=re.IGNORECASE):
        raise BoxError(f"{scope} is no network of this machine.", "It has a name like eth0 or wlan0.")
    return f"{number}%{scope}" if scope else str(number)


def _name(text: str) -> str:
    host = text.lower()
    if _NUMBERS.fullmatch(host):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            raise BoxError(f"{text} is not four numbers up to 255 with dots between.", EXAMPLE) from error
    if not _HOST.fullmatch(host):
        raise BoxError(f"{text} is no name of a machine.", EXAMPLE)
    return host


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65_535:
        raise BoxError(f"{text or 'Nothing'} is no port.", "It is a number up to 65535, mostly 8080.")
    return int(text)
