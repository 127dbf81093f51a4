"""
SSH to a car: who it is to the rest of the box, and what to do where it fails.

Imports appliance/ssh.py, and asyncssh with it: for processes of their own, not for the server.
"""

from appliance.ssh import Machine, Remedies

CONNECT_S = 15.0
"""An Atom at full load on bad Wi-Fi; two lost packets alone cost 3 s."""
KEEPALIVES_MISSED = 15
"""One each second: a car that drives behind a wall comes back sooner."""

REMEDIES = Remedies(
    absent="Check that it is on, and in the same network as this box.",
    no_ssh="Open its console in a browser, switch SSH on under Settings, then try again.",
    other_key="If its system was flashed anew, pair it again. Else another car, or somebody, has this address.",
    key_refused="Pair it again: its system was flashed, or it is in another network than when it was paired.",
    sign_in_refused="Type it again after a moment: after five wrong tries a car answers nobody for ten minutes.",
)


def machine_of(address: str, port: int, username: str) -> Machine:
    """A car, to sign in to."""
    return Machine(
        host=address,
        port=port,
        username=username,
        remedies=REMEDIES,
        connect_s=CONNECT_S,
        keepalives_missed=KEEPALIVES_MISSED,
    )
