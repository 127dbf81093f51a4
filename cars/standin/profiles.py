"""The kinds of cars there are at the track, as far as they differ for a box that talks to them. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum


class Sudo(StrEnum):
    """What the car's user may do as root."""

    ASKS = "asks"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    One kind of car, as it comes to the track.

    `packages` are names and versions as dpkg-query says them; `units` run after a boot; `open_ports` are ufw's rules
    as a person types them after `ufw allow`.
    """

    name: str
    os_id: str
    os_version: str
    codename: str
    ros: str
    packages: tuple[tuple[str, str], ...]
    units: tuple[str, ...]
    interface: str = "mlan0"
    username: str = "deepracer"
    password: str = "deepracer"  # noqa: S105  as the factory sets it
    password_expired: bool = False
    sudo: Sudo = Sudo.ASKS
    ssh_on: bool = True
    ssh_socket: bool = False
    """24.04 starts sshd at the first connection."""
    has_avahi: bool = True
    has_dmi: bool = True
    is_community: bool = False
    sets_host_name: bool = True
    """The stock core names the machine after its serial, at each start."""
    inference: str = "openvino"
    battery: int = 8
    open_ports: tuple[str, ...] = ("Nginx Full",)
    extra: dict[str, str] = field(default_factory=dict)
    """More files: path and content."""


BASE_UNITS = ("deepracer-core", "nginx", "NetworkManager", "dnsmasq", "ufw", "cron", "dbus", "systemd-timesyncd")
STOCK_UNITS = (*BASE_UNITS, "avahi-daemon", "fail2ban", "rsyslog", "unattended-upgrades")
STOCK_PACKAGES = (
    ("aws-deepracer-camera-pkg", "2.0.0.1"),
    ("aws-deepracer-core", "2.0.0.7"),
    ("aws-deepracer-device-console", "2.0.0.7"),
    ("aws-deepracer-sample-models", "2.0.0.2"),
    ("aws-deepracer-util", "2.0.0.2"),
)
COMMUNITY_PACKAGES = (
    ("aws-deepracer-community-device-console", "2.1.9.2"),
    ("aws-deepracer-core", "2.1.9.9+community"),
    ("aws-deepracer-sample-models", "2.1.9.9+community"),
    ("aws-deepracer-util", "2.1.9.9+community"),
)

STOCK_20 = Profile(
    name="stock_20",
    os_id="ubuntu",
    os_version="20.04",
    codename="focal",
    ros="foxy",
    packages=STOCK_PACKAGES,
    units=STOCK_UNITS,
    password_expired=True,
    ssh_on=False,
)
"""As it leaves the factory: the password must be changed, SSH is off until its console turns it on."""

STOCK_20_DREM = Profile(
    name="stock_20_drem",
    os_id="ubuntu",
    os_version="20.04",
    codename="focal",
    ros="foxy",
    packages=STOCK_PACKAGES,
    units=(*STOCK_UNITS, "amazon-ssm-agent", "deepracer-wifi", "ssh"),
    password="Racing-2025-event",  # noqa: S106  a stand-in's
    sets_host_name=False,
    open_ports=("Nginx Full", "ssh"),
)
"""DREM had it once: SSH on, a password the crew knows, named by hand. sudo still asks."""

COMMUNITY_20 = Profile(
    name="community_20",
    os_id="ubuntu",
    os_version="20.04",
    codename="focal",
    ros="foxy",
    packages=COMMUNITY_PACKAGES,
    units=(*STOCK_UNITS, "ssh"),
    sudo=Sudo.FREE,
    is_community=True,
    sets_host_name=False,
    open_ports=("Nginx Full", "OpenSSH"),
)

COMMUNITY_24 = Profile(
    name="community_24",
    os_id="ubuntu",
    os_version="24.04",
    codename="noble",
    ros="jazzy",
    packages=COMMUNITY_PACKAGES,
    units=BASE_UNITS,
    sudo=Sudo.FREE,
    ssh_socket=True,
    has_avahi=False,
    is_community=True,
    sets_host_name=False,
    open_ports=("Nginx Full", "OpenSSH"),
)

PI = Profile(
    name="pi",
    os_id="ubuntu",
    os_version="24.04",
    codename="noble",
    ros="jazzy",
    packages=COMMUNITY_PACKAGES,
    units=BASE_UNITS,
    interface="wlan0",
    username="pilot",
    password="pilot-2025",  # noqa: S106  a stand-in's
    sudo=Sudo.FREE,
    ssh_socket=True,
    has_avahi=False,
    has_dmi=False,
    is_community=True,
    sets_host_name=False,
    inference="tflite",
    battery=7,
    open_ports=("Nginx Full", "OpenSSH"),
)
"""A Raspberry Pi 5: another user, another interface, a battery that is always 7."""

STOCK_16 = Profile(
    name="stock_16",
    os_id="ubuntu",
    os_version="16.04",
    codename="xenial",
    ros="kinetic",
    packages=(("aws-deepracer-core", "1.0.590.0"), ("aws-deepracer-device-console", "1.0.271.0")),
    units=STOCK_UNITS,
    password_expired=True,
    ssh_on=False,
)
"""Never upgraded: nothing of ROS 2 works on it."""

PROFILES = {profile.name: profile for profile in (STOCK_20, STOCK_20_DREM, COMMUNITY_20, COMMUNITY_24, PI, STOCK_16)}
