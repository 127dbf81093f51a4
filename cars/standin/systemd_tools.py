"""systemctl and its relatives, as far as a box asks them, in systemd's own words."""

from collections.abc import Callable
from datetime import UTC, datetime

from cars.standin.machine import Answer, Call, Machine, Unit, unit_name

NOT_ROOT = "Interactive authentication required.\n"
QUESTIONS = {"is-active": "active", "is-enabled": "enabled", "is-failed": "failed"}
ACTIONS = {"start", "stop", "restart", "reload", "try-restart", "reload-or-restart"}
SETTINGS = {"enable", "disable", "mask", "unmask"}


def systemctl(machine: Machine, call: Call) -> Answer:
    """`systemctl VERB UNIT…`."""
    verb, *names = call.words or ("list-units",)
    if verb in ACTIONS | SETTINGS | {"reset-failed", "daemon-reload", "reboot", "poweroff"} and not call.is_root:
        what = f"Failed to {verb} {_full(names[0])}: " if names else ""
        return Answer(err=f"{what}{NOT_ROOT}", code=1)
    verbs: dict[str, Callable[[], Answer]] = {
        "reboot": lambda: reboot(machine, call),
        "poweroff": lambda: poweroff(machine, call),
        "daemon-reload": Answer,
        "reset-failed": lambda: _reset(machine, names),
        "status": lambda: _status(machine, names),
        "show": lambda: _show(machine, names, call),
        "list-units": lambda: _list(machine),
        "list-unit-files": lambda: _list(machine),
    }
    verbs |= dict.fromkeys(QUESTIONS, lambda: _asked(machine, verb, names, quiet=call.has("--quiet", "-q")))
    verbs |= dict.fromkeys(SETTINGS, lambda: _set(machine, verb, names, now=call.has("--now")))
    verbs |= dict.fromkeys(ACTIONS, lambda: _act(machine, verb, names))
    return verbs.get(verb, lambda: Answer(err=f"Unknown command verb {verb}.\n", code=1))()


def service(machine: Machine, call: Call) -> Answer:
    """`service ssh start`, as the stock console types it."""
    name, verb = (*call.words, "status")[:2]
    return systemctl(machine, Call(("systemctl", verb, name), call.uid))


def reboot(machine: Machine, call: Call) -> Answer:
    """The connection that asked for it is lost on the way."""
    if not call.is_root:
        return Answer(err=f"Failed to reboot system via logind: {NOT_ROOT}", code=1)
    machine.effects.reboot()
    return Answer()


def poweroff(machine: Machine, call: Call) -> Answer:
    """Nobody turns it on again from afar."""
    if not call.is_root:
        return Answer(err=f"Failed to power off system via logind: {NOT_ROOT}", code=1)
    machine.effects.power_off()
    return Answer()


def shutdown(machine: Machine, call: Call) -> Answer:
    """`shutdown -r now` and `-h`/`-P`."""
    return reboot(machine, call) if call.has("-r", "--reboot") else poweroff(machine, call)


def hostnamectl(machine: Machine, call: Call) -> Answer:
    """Shows or sets the name; avahi hears nothing of it until it starts again."""
    match call.words:
        case ("set-hostname" | "hostname", name):
            if not call.is_root:
                return Answer(err=f"Could not set property: {NOT_ROOT}", code=1)
            machine.set_host_name(name)
            return Answer()
        case ("hostname",):
            return Answer(f"{machine.host_name}\n")
    profile = machine.profile
    return Answer(
        f"   Static hostname: {machine.host_name}\n"
        "         Icon name: computer-desktop\n"
        "           Chassis: desktop\n"
        f"  Operating System: Ubuntu {profile.os_version}\n"
        "            Kernel: Linux 5.4.0-1024-oem\n"
    )


def timedatectl(machine: Machine, call: Call) -> Answer:
    """`set-time` refuses while the clock follows the network, as it does."""
    match call.words:
        case ("set-ntp", word) | ("ntp", word):
            if not call.is_root:
                return Answer(err=f"Failed to set ntp: {NOT_ROOT}", code=1)
            machine.ntp_is_on = word in {"true", "yes", "1", "on"}
            (machine.start if machine.ntp_is_on else machine.stop)("systemd-timesyncd")
            return Answer()
        case ("set-time", *when):
            return _set_time(machine, call, " ".join(when))
        case ("set-timezone", _):
            return Answer()
    yes = "yes" if machine.ntp_is_on else "no"
    if call.words[:1] == ("show",):
        return Answer(f"Timezone=Etc/UTC\nNTP={yes}\nNTPSynchronized=no\n")
    moment = datetime.fromtimestamp(machine.now_s(), UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC")
    return Answer(
        f"               Local time: {moment}\n           Universal time: {moment}\n"
        f"                Time zone: Etc/UTC (UTC, +0000)\nSystem clock synchronized: no\n"
        f"              NTP service: {'active' if machine.ntp_is_on else 'inactive'}\n          RTC in local TZ: no\n"
    )


def journalctl(machine: Machine, call: Call) -> Answer:
    """The little that the stand-in's services say."""
    unit = next((word.removeprefix("--unit=") for word in call.argv if word.startswith("--unit=")), None)
    if unit is None and "-u" in call.argv[:-1]:
        unit = call.argv[call.argv.index("-u") + 1]
    lines = [line for line in machine.journal if unit is None or f" {unit_name(unit)}[" in line]
    return Answer("".join(f"{line}\n" for line in lines) or ("" if "-q" in call.argv else "-- No entries --\n"))


def _asked(machine: Machine, verb: str, names: list[str], *, quiet: bool) -> Answer:
    words = []
    for name in names:
        unit = machine.unit(name)
        words.append(_enabled(unit) if verb == "is-enabled" else _word(unit))
    good = QUESTIONS[verb]
    missing = verb == "is-enabled" and any(machine.unit(name) is None for name in names)
    code = 0 if good in words else (1 if verb != "is-active" else 3)
    if missing:
        return Answer(err=f"Failed to get unit file state for {_full(names[0])}: No such file or directory\n", code=1)
    return Answer("" if quiet else "".join(f"{word}\n" for word in words), code=code)


def _act(machine: Machine, verb: str, names: list[str]) -> Answer:
    for name in names:
        if machine.unit(name) is None:
            if verb == "stop":
                return Answer(err=f"Failed to stop {_full(name)}: Unit {_full(name)} not loaded.\n", code=5)
            return Answer(err=f"Failed to {verb} {_full(name)}: Unit {_full(name)} not found.\n", code=5)
        if verb == "stop":
            machine.stop(name)
        elif verb == "reload":
            machine.reload(name)
        elif not (machine.start(name) if verb == "start" else machine.restart(name)):
            return Answer(err=_refusal(machine, verb, name), code=1)
    return Answer()


def _refusal(machine: Machine, verb: str, name: str) -> str:
    full, unit = _full(name), machine.unit(name)
    if unit is not None and unit.is_masked:
        return f"Failed to {verb} {full}: Unit {full} is masked.\n"
    return (
        f"Job for {full} failed.\n"
        f'See "systemctl status {full}" and "journalctl -xe" for details.\n'
        f'To force a start use "systemctl reset-failed {full}" followed by "systemctl start {full}" again.\n'
    )


def _set(machine: Machine, verb: str, names: list[str], *, now: bool) -> Answer:
    said = ""
    for name in names:
        unit = machine.units.setdefault(unit_name(name), Unit()) if verb == "mask" else machine.unit(name)
        if unit is None:
            return Answer(err=f"Failed to {verb} unit: Unit file {_full(name)} does not exist.\n", code=1)
        if verb in {"mask", "unmask"}:
            unit.is_masked = verb == "mask"
            said += f"Created symlink /etc/systemd/system/{_full(name)} → /dev/null.\n" if unit.is_masked else ""
        else:
            unit.is_enabled = verb == "enable"
        if now:
            (machine.start if verb == "enable" else machine.stop)(name)
    return Answer(err=said)


def _list(machine: Machine) -> Answer:
    return Answer("".join(f"{_full(name)} {_word(unit)}\n" for name, unit in machine.units.items()))


def _reset(machine: Machine, names: list[str]) -> Answer:
    for name in names or list(machine.units):
        unit = machine.unit(name)
        if unit is not None:
            unit.is_failed = False
            unit.started_at_s.clear()
    return Answer()


def _status(machine: Machine, names: list[str]) -> Answer:
    unit = machine.unit(names[0]) if names else Unit(is_active=True)
    if unit is None:
        return Answer(err=f"Unit {_full(names[0])} could not be found.\n", code=4)
    full = _full(names[0]) if names else machine.host_name
    word = {"active": "active (running)", "failed": "failed (Result: start-limit-hit)"}.get(
        _word(unit), "inactive (dead)"
    )
    text = f"● {full}\n     Loaded: loaded (/lib/systemd/system/{full}; {_enabled(unit)}; vendor preset: enabled)\n"
    return Answer(f"{text}     Active: {word}\n", code=0 if unit.is_active else 3)


def _show(machine: Machine, names: list[str], call: Call) -> Answer:
    unit = machine.unit(names[0]) if names else None
    facts = {
        "LoadState": "not-found" if unit is None else "masked" if unit.is_masked else "loaded",
        "ActiveState": "inactive" if unit is None else _word(unit),
        "SubState": "running" if unit is not None and unit.is_active else "dead",
        "UnitFileState": "" if unit is None else _enabled(unit),
    }
    wanted = [word.split("=", 1)[1] for word in call.argv if word.startswith(("--property=", "-p="))]
    wanted += [call.argv[at + 1] for at, word in enumerate(call.argv[:-1]) if word == "-p"]
    keys = ",".join(wanted).split(",") if wanted else list(facts)
    lines = [facts.get(key, "") if call.has("--value") else f"{key}={facts.get(key, '')}" for key in keys]
    return Answer("".join(f"{line}\n" for line in lines))


def _set_time(machine: Machine, call: Call, when: str) -> Answer:
    if not call.is_root:
        return Answer(err=f"Failed to set time: {NOT_ROOT}", code=1)
    if machine.ntp_is_on:
        return Answer(err="Failed to set time: Automatic time synchronization is enabled\n", code=1)
    try:
        machine.set_clock(datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return Answer(err=f"Failed to parse time specification '{when}': Invalid argument\n", code=1)
    return Answer()


def _word(unit: Unit | None) -> str:
    if unit is None:
        return "inactive"
    return "active" if unit.is_active else "failed" if unit.is_failed else "inactive"


def _enabled(unit: Unit | None) -> str:
    if unit is None:
        return "disabled"
    return "masked" if unit.is_masked else "enabled" if unit.is_enabled else "disabled"


def _full(name: str) -> str:
    return name if "." in name else f"{name}.service"
