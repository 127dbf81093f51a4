"""ufw's rules of a car, as a person types them, and as nftables needs them. Pure."""

import re
from dataclasses import dataclass, field

APPS = {"Nginx Full": (80, 443), "Nginx HTTP": (80,), "Nginx HTTPS": (443,), "OpenSSH": (22,)}
SERVICES = {"ssh": 22, "http": 80, "https": 443, "domain": 53, "ntp": 123}
TCP = {22, 80, 443}
"""What /etc/services knows for TCP only: ufw then says 22/tcp."""
FROM = re.compile(
    r"(?:in )?(?:on (?P<on>\S+) )?from (?P<source>\S+)"
    r"(?: to any)?(?: port (?P<port>\S+))?(?: proto (?P<proto>tcp|udp))?(?: comment .*)?"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One `ufw allow`; `ports` empty is every port, `source` None is anywhere."""

    text: str
    ports: tuple[int, ...]
    proto: str | None = None
    source: str | None = None


@dataclass(slots=True)
class Firewall:
    """Default deny in; what is allowed is said rule by rule."""

    rules: list[Rule] = field(default_factory=list)
    is_active: bool = True

    def allow(self, text: str) -> bool:
        """Add a rule; False when it was there. ValueError: ufw would not understand it."""
        rule = rule_of(text)
        if rule in self.rules:
            return False
        self.rules.append(rule)
        return True

    def delete(self, text: str) -> bool:
        """Take a rule away; False when there is none such."""
        rule = rule_of(text)
        if rule not in self.rules:
            return False
        self.rules.remove(rule)
        return True


def rule_of(text: str) -> Rule:
    """Read what follows `ufw allow`."""
    if match := FROM.fullmatch(text):
        port = match["port"]
        ports = () if port is None else (SERVICES.get(port) or int(port),)
        source = None if match["source"] == "any" else match["source"]
        return Rule(text.split(" comment ", maxsplit=1)[0], ports, match["proto"], source)
    if text in APPS:
        return Rule(text, APPS[text], "tcp")
    port, _, proto = text.split(" comment ", maxsplit=1)[0].partition("/")
    named = SERVICES.get(port)
    return Rule(text, (named or int(port),), proto or ("tcp" if named in TCP else None))


def ruleset(firewall: Firewall, interface: str, banned: tuple[str, ...] = ()) -> str:
    """What `nft -f -` reads: fail2ban's set first, then ufw's before.rules (mDNS is in there), then its rules."""
    rules = [_nft(rule) for rule in firewall.rules] if firewall.is_active else ["accept"]
    elements = f"elements = {{ {', '.join(banned)} }}" if banned else ""
    body = "\n    ".join(rules)
    return f"""table inet car {{}}
delete table inet car
table inet car {{
  set banned {{ type ipv4_addr; flags timeout; {elements} }}
  chain input {{
    type filter hook input priority 0; policy drop;
    ip saddr @banned tcp dport 22 reject with icmp type port-unreachable
    iifname "lo" accept
    ct state established,related accept
    ip protocol icmp accept
    udp sport 67 udp dport 68 accept
    ip daddr 224.0.0.251 udp dport 5353 accept
    {body}
  }}
}}
"""


def _nft(rule: Rule) -> str:
    source = f"ip saddr {rule.source} " if rule.source else ""
    ports = f"{{ {', '.join(map(str, rule.ports))} }} " if rule.ports else ""
    match rule.ports, rule.proto:
        case (), None:
            return f"{source}accept"
        case (), proto:
            return f"{source}meta l4proto {proto} accept"
        case _, None:
            return f"{source}meta l4proto {{ tcp, udp }} th dport {ports}accept"
        case _, proto:
            return f"{source}{proto} dport {ports}accept"
