"""
The certificate of a car's console: whichever comes first, and then no other for as long as a conversation lasts.

It is self-signed for "deepracer.io", with the dates of a clock that may have been wrong, so nothing in it can be
checked; that it stays the same can. A changed one is refused in the handshake, before a byte of ours is sent.
"""

import ssl
from typing import cast


class PinnedContext(ssl.SSLContext):
    """For one conversation; make it with `pinned_context`."""

    certificate: bytes | None = None
    """The one that came first."""
    has_changed = False
    """Another one came and was refused."""

    def check(self, certificate: bytes | None) -> None:
        """
        Take the first, and whatever is the same.

        Raises:
            ssl.SSLError: it is another one.
        """
        if self.certificate is None:
            self.certificate = certificate
        if certificate is None or certificate != self.certificate:
            self.has_changed = True
            raise ssl.SSLError("the certificate has changed")


class _Checked(ssl.SSLObject):
    """One connection's TLS."""

    def do_handshake(self) -> None:
        super().do_handshake()
        cast(PinnedContext, self.context).check(self.getpeercert(binary_form=True))


def pinned_context() -> PinnedContext:
    """One that has seen no certificate yet."""
    context = PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.sslobject_class = _Checked
    return context
