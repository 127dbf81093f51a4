"""The accounts of a car: its user, root without a password, and the system's own; no person of this machine."""

import os
import subprocess
from pathlib import Path

from cars.standin.profiles import Profile

UID = 1000
PAM_PASSWORD = """\
password [success=1 default=ignore] pam_unix.so obscure sha512
password requisite pam_deny.so
password required pam_permit.so
"""
GROUPS = ("adm", "sudo")


def write_accounts(profile: Profile, *, password: str, is_expired: bool) -> Path:
    """/etc/passwd and its relatives; answers the user's home."""
    user, home = profile.username, Path("/home") / profile.username
    passwd = [line for line in _lines("/etc/passwd") if _is_system(line)]
    _write("/etc/passwd", [*passwd, f"{user}:x:{UID}:{UID}::{home}:/bin/bash"])
    changed = "0" if is_expired else "19700"
    locked = [f"{line.split(':')[0]}:*:19700:0:99999:7:::" for line in passwd]
    _write("/etc/shadow", [*locked, f"{user}:{_hashed(password)}:{changed}:0:99999:7:::"], 0o640)
    groups = [_joined(line, user) for line in _lines("/etc/group") if _is_system(line)]
    _write("/etc/group", [*groups, f"{user}:x:{UID}:"])
    # Without pam_unix's two seconds after a wrong password.
    auth = Path("/etc/pam.d/common-auth")
    auth.write_text(auth.read_text().replace("pam_unix.so", "pam_unix.so nodelay"))
    # Debian's own hashes as yescrypt, which openssl does not know.
    Path("/etc/pam.d/common-password").write_text(PAM_PASSWORD)
    home.mkdir(mode=0o755)
    os.chown(home, UID, UID)
    return home


def _is_system(line: str) -> bool:
    return not 1000 <= int(line.split(":")[2]) < 60_000


def _joined(group: str, user: str) -> str:
    name, secret, number, _ = group.split(":")[:4]
    kept = [user] if name in GROUPS else []
    return f"{name}:{secret}:{number}:{','.join(kept)}"


def _hashed(password: str) -> str:
    """SHA-512, as Ubuntu 20.04 has it."""
    command = ["openssl", "passwd", "-6", "-stdin"]
    return subprocess.run(command, input=password, check=True, capture_output=True, text=True).stdout.strip()


def _lines(path: str) -> list[str]:
    return [line for line in Path(path).read_text().splitlines() if line.count(":") >= 3]


def _write(path: str, lines: list[str], mode: int = 0o644) -> None:
    """Renamed in, as passwd does."""
    fresh = Path(f"{path}.new")
    fresh.write_text("".join(f"{line}\n" for line in lines))
    fresh.chmod(mode)
    fresh.rename(path)
