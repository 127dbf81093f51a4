"""The other tools a box asks on a car: packages, firewall, network, clock, release; as the real ones print it."""

import fnmatch
import re
from datetime import UTC, datetime

from cars.standin.machine import Answer, Call, Machine


def dpkg_query(machine: Machine, call: Call) -> Answer:
    """`dpkg-query -W [-f=FORMAT] PATTERN…`."""
    form = "${binary:Package}\t${Version}\n"
    patterns = []
    words = iter(call.argv[1:])
    for word in words:
        if word in {"-f", "--showformat"}:
            form = next(words, form)
        elif word.startswith(("-f", "--showformat=")):
            form = word.removeprefix("--showformat").removeprefix("-f").removeprefix("=")
        elif not word.startswith("-"):
            patterns.append(word)
    form = form.replace("\\n", "\n").replace("\\t", "\t")
    installed = machine.packages()
    out, err = "", ""
    for pattern in patterns or ["*"]:
        found = sorted(name for name in installed if fnmatch.fnmatchcase(name, pattern))
        err += "" if found else f"dpkg-query: no packages found matching {pattern}\n"
        out += "".join(_formatted(form, name, installed[name]) for name in found)
    return Answer(out, err, 1 if err else 0)


def ufw(machine: Machine, call: Call) -> Answer:
    """`ufw [--force] allow|delete allow|status|enable|disable`."""
    if not call.is_root:
        return Answer(err="ERROR: You need to be root to run this script\n", code=1)
    words = [word for word in call.argv[1:] if word not in {"--force", "-f"}]
    firewall = machine.firewall
    try:
        match words:
            case ["status", *more]:
                return Answer(_ufw_status(machine, numbered="numbered" in more))
            case ["enable" | "disable" as verb]:
                firewall.is_active = verb == "enable"
                said = "Firewall is active and enabled on system startup\n"
                if verb == "disable":
                    said = "Firewall stopped and disabled on system startup\n"
            case ["allow", *rule]:
                said = "Rule added\n" if firewall.allow(" ".join(rule)) else "Skipping adding existing rule\n"
            case ["delete", "allow", *rule]:
                said = "Rule deleted\n" if firewall.delete(" ".join(rule)) else "Could not delete non-existent rule\n"
            case ["reload"]:
                said = "Firewall reloaded\n"
            case _:
                return Answer(err="ERROR: Invalid syntax\n", code=1)
    except ValueError:
        return Answer(err="ERROR: Bad port\n", code=1)
    machine.effects.apply_firewall(firewall)
    return Answer(said)


def nmcli(machine: Machine, call: Call) -> Answer:
    """What connections and devices there are."""
    interface = machine.profile.interface
    terse = call.has("-t", "--terse") or any(word.startswith("-t") for word in call.argv[1:])
    words = [word for word in call.words if word not in {"NAME", "DEVICE"}]
    if words[:1] in (["device"], ["dev"], ["d"]):
        if terse:
            return Answer(f"{interface}:wifi:connected:trackside\nlo:loopback:unmanaged:\n")
        return Answer(
            "DEVICE  TYPE      STATE      CONNECTION \n"
            f"{interface:<7} wifi      connected  trackside  \nlo      loopback  unmanaged  --         \n"
        )
    if words[:1] in (["connection"], ["con"], ["c"]):
        if words[1:2] in (["add"], ["modify"], ["up"], ["down"], ["delete"]) and not call.is_root:
            return Answer(err="Error: Insufficient privileges.\n", code=4)
        return Answer(
            f"trackside:{interface}\n"
            if terse
            else f"NAME       UUID  TYPE  DEVICE\ntrackside  -     wifi  {interface}\n"
        )
    return Answer("running\n" if terse else "STATE      CONNECTIVITY\nconnected  limited\n")


def iw(machine: Machine, call: Call) -> Answer:
    """`iw dev mlan0 get|set power_save`, `link`."""
    match call.argv[1:]:
        case ("dev", name, *_) if name != machine.profile.interface:
            return Answer(err="command failed: No such device (-19)\n", code=237)
        case ("dev", _, "set", "power_save", word):
            if not call.is_root:
                return Answer(err="command failed: Operation not permitted (-1)\n", code=255)
            machine.wifi_power_save = word == "on"
            return Answer()
        case ("dev", _, "get", "power_save"):
            return Answer(f"Power save: {'on' if machine.wifi_power_save else 'off'}\n")
        case ("dev", name, "link"):
            return Answer(
                f"Connected to 02:00:5e:10:00:01 (on {name})\n\tSSID: trackside\n\tfreq: 5180\n\tsignal: -52 dBm\n"
            )
    return Answer(f"phy#0\n\tInterface {machine.profile.interface}\n\t\ttype managed\n")


def date(machine: Machine, call: Call) -> Answer:
    """The car's clock: the real one, shifted; only root sets it."""
    arguments = list(call.argv[1:])
    for at, word in enumerate(arguments):
        if word in {"-s", "--set"} or word.startswith("--set="):
            text = word.removeprefix("--set=") if word.startswith("--set=") else (*arguments, "")[at + 1]
            return _set_date(machine, call, text)
        if word in {"-d", "-r"} or word.startswith(("--date", "--reference", "-d", "-r")):
            return Answer(become=(machine.real_date, *arguments))
    return Answer(become=(machine.real_date, f"--date=@{machine.now_s():.9f}", *arguments))


def hwclock(_: Machine, call: Call) -> Answer:
    """`hwclock -w` does nothing that anybody could see."""
    if not call.is_root:
        return Answer(err="hwclock: Cannot access the Hardware Clock via any known method.\n", code=1)
    return Answer()


def lsb_release(machine: Machine, call: Call) -> Answer:
    """`lsb_release -a|-rs|-cs|-is|-ds`."""
    profile = machine.profile
    facts = {
        "Distributor ID": "Ubuntu",
        "Description": f"Ubuntu {profile.os_version} LTS",
        "Release": profile.os_version,
        "Codename": profile.codename,
    }
    letters = "".join(word.lstrip("-") for word in call.argv[1:])
    chosen = {"i": "Distributor ID", "d": "Description", "r": "Release", "c": "Codename"}
    keys = list(facts) if "a" in letters else [chosen[letter] for letter in letters if letter in chosen]
    if "s" in letters:
        return Answer("".join(f"{facts[key]}\n" for key in keys))
    return Answer("".join(f"{key}:\t{facts[key]}\n" for key in keys))


def _formatted(form: str, name: str, version: str) -> str:
    values = {
        "Package": name,
        "binary:Package": name,
        "Version": version,
        "Architecture": "amd64",
        "Status": "install ok installed",
        "db:Status-Abbrev": "ii ",
        "db:Status-Status": "installed",
    }
    return re.sub(r"\$\{([^};]+)(?:;-?\d+)?\}", lambda match: values.get(match[1], ""), form)


def _ufw_status(machine: Machine, *, numbered: bool) -> str:
    if not machine.firewall.is_active:
        return "Status: inactive\n"
    lines = ["Status: active", "", f"{'To':<27}{'Action':<12}From", f"{'--':<27}{'------':<12}----"]
    for number, rule in enumerate(machine.firewall.rules, 1):
        apps = rule.text in {"Nginx Full", "OpenSSH"}
        to = rule.text if apps else ",".join(map(str, rule.ports)) or "Anywhere"
        to = f"{to}/{rule.proto}" if rule.proto and not apps else to
        start = f"[{number:>2}] " if numbered else ""
        lines.append(f"{start}{to:<27}{'ALLOW':<12}{rule.source or 'Anywhere'}")
    return "\n".join(lines) + "\n\n"


def _set_date(machine: Machine, call: Call, text: str) -> Answer:
    if not call.is_root:
        return Answer(err="date: cannot set date: Operation not permitted\n", code=1)
    try:
        seconds = float(text[1:]) if text.startswith("@") else _moment(text)
    except ValueError:
        return Answer(err=f"date: invalid date ‘{text}’\n", code=1)
    machine.set_clock(seconds)
    return Answer(become=(machine.real_date, f"--date=@{seconds:.9f}"))


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
