"""The parts of finding: which addresses are asked, what leases and answers say, and when a car counts as lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf._dns import DNSAddress, DNSPointer, DNSService, DNSText
from zeroconf._protocol.incoming import DNSIncoming
from zeroconf._protocol.outgoing import DNSOutgoing

from appliance.database import Database
from appliance.errors import InvalidInput
from appliance.facts import Facts
from cars.car_structs import Platform, Way
from cars.cars import Cars
from cars.cars_schema import MIGRATIONS
from cars.finder.addresses import (
    CarNetwork,
    address_of_reverse,
    addresses_in,
    is_findable,
    near_in,
    reverse_name,
    typed_place,
)
from cars.finder.finder import Finder
from cars.finder.leases import Lease, read_leases
from cars.finder.mdns import CAR_SERVICE, Heard, heard, questions
from cars.liveness import (
    LONG_GONE_NS,
    LONG_NS,
    OFFLINE_NS,
    PROOF_NS,
    REFUSED_MISSES,
    SECOND_NS,
    SILENT_MISSES,
    Answer,
    Pulse,
    Verdict,
    felt,
    proven,
)

# Addresses


def test_every_other_address_of_a_network_is_asked() -> None:
    network = CarNetwork("wlan0", "192.168.8.7", 24)
    assert len(addresses_in(network)) == 253
    assert "192.168.8.7" not in addresses_in(network)
    assert len(addresses_in(CarNetwork("wlan0", "192.168.8.7", 22))) == 1021
    # In the wider network .255 is a machine's too.
    assert near_in(CarNetwork("wlan0", "192.168.8.7", 22)) == [*addresses_in(network), "192.168.8.255"]


def test_of_a_wide_network_only_the_part_around_the_box_is_asked() -> None:
    assert addresses_in(CarNetwork("wlan0", "172.16.3.7", 16)) == addresses_in(CarNetwork("wlan0", "172.16.3.7", 24))


@pytest.mark.parametrize("network", [("10.0.0.2", 30), ("8.8.8.8", 24), ("192.168.8.7", 32)])
def test_cables_and_networks_of_others_are_not_asked(network: tuple[str, int]) -> None:
    assert addresses_in(CarNetwork("usb0", *network)) == []


def test_usb_sockets_of_cars_are_never_asked() -> None:
    assert {"10.0.0.1", "10.0.1.1"}.isdisjoint(addresses_in(CarNetwork("wlan0", "10.0.0.77", 22)))
    assert not is_findable("10.0.0.1")
    assert not is_findable("fe80::1")


@given(st.ip_addresses(v=4).map(str).filter(is_findable))
def test_reverse_name_leads_back(address: str) -> None:
    assert address_of_reverse(reverse_name(address)) == address


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (" 192.168.1.20 ", ("192.168.1.20", 22)),
        ("192.168.1.20:2222", ("192.168.1.20", 2222)),
        ("https://192.168.1.20/", ("192.168.1.20", 22)),
    ],
)
def test_typed_address(text: str, place: tuple[str, int]) -> None:
    assert typed_place(text) == place


@pytest.mark.parametrize(
    "text", ["", "car", "192.168.1", "192.168.1.20:", "192.168.1.20:0", "192.168.1.20:70000", "::1"]
)
def test_typed_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is no address of a car\. For example: 192\.168\.1\.20"):
        typed_place(text)


# Leases

NETWORKD = '{"Leases":[{"Address":[10,9,8,23],"Hostname":"amss-3333"}]}'
ISC = """
lease 10.9.8.25 {
  binding state active;
  client-hostname "old";
}
lease 10.9.8.25 {
  binding state active;
  client-hostname "amss-5555";
}
lease 10.9.8.26 {
  binding state free;
}
"""


def test_leases_of_every_server_are_read(tmp_path: Path) -> None:
    for name, text in {
        "var/lib/misc/dnsmasq.leases": "1 02:00:00:00:00:01 10.9.8.21 amss-1111 *\n2 x 10.9.8.22 * *\nduid 00:01\n",
        "var/lib/NetworkManager/dnsmasq-wlan0.leases": "3 02:00:00:00:00:02 10.0.0.1 otg *\n",
        "var/lib/systemd/network/dhcp-server-lease/wlan0": NETWORKD,
        "run/systemd/netif/dhcp-server-lease/wlan1": "binary \0 nonsense",
        "var/lib/dhcp/dhcpd.leases": ISC,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert sorted(read_leases(tmp_path), key=lambda lease: lease.address) == [
        Lease("10.9.8.21", "amss-1111"),
        Lease("10.9.8.22", None),
        Lease("10.9.8.23", "amss-3333"),
        Lease("10.9.8.25", "amss-5555"),
    ]


def test_machine_that_gives_no_addresses_has_no_leases(tmp_path: Path) -> None:
    assert read_leases(tmp_path) == []


# Answers


def test_six_packets_ask_for_all_of_a_network() -> None:
    service, *rest = questions(addresses_in(CarNetwork("wlan0", "10.9.8.1", 24)))
    assert len(rest) == 6
    assert max(map(len, rest)) <= 512
    assert DNSIncoming(service).questions[0].name == CAR_SERVICE
    assert sum(len(DNSIncoming(packet).questions) for packet in rest) == 253


def an_answer(*records: object) -> bytes:
    out = DNSOutgoing(0x8400)
    for record in records:
        out.add_answer_at_time(record, 0)  # type: ignore[arg-type]
    (packet,) = out.packets()
    return packet


def test_answers_name_addresses_and_cars() -> None:
    reverse = DNSPointer(reverse_name("10.9.8.21"), 12, 1, 120, "amss-1111.local.")
    assert heard(an_answer(reverse), "10.9.8.21") == [Heard("10.9.8.21", "amss-1111.local", "AMSS-1111", Way.NAME)]
    address = DNSAddress("deepracer.local.", 1, 1, 120, bytes([10, 9, 8, 22]))
    assert heard(an_answer(address), "10.9.8.22") == [Heard("10.9.8.22", "deepracer.local", None, Way.NAME)]
    instance = f"deepracer.{CAR_SERVICE}"
    server = DNSService(instance, 33, 1, 120, 0, 0, 22, "deepracer.local.")
    text = DNSText(instance, 16, 1, 120, b"\x10serial=AMSS-2222\x05car=1")
    assert heard(an_answer(address, server, text), "10.9.8.22") == [
        Heard("10.9.8.22", "deepracer.local", "AMSS-2222", Way.SERVICE)
    ]


def test_good_byes_and_usb_sockets_say_nothing() -> None:
    gone = DNSAddress("deepracer.local.", 1, 1, 0, bytes([10, 9, 8, 22]))
    cable = DNSAddress("deepracer.local.", 1, 1, 120, bytes([10, 0, 0, 1]))
    assert heard(an_answer(gone, cable), "10.9.8.22") == []


@given(st.binary(max_size=200), st.integers(0, 199), st.binary(max_size=20))
def test_whatever_a_network_sends_is_no_fault(noise: bytes, at: int, bite: bytes) -> None:
    instance = f"deepracer.{CAR_SERVICE}"
    whole = an_answer(
        DNSService(instance, 33, 1, 120, 0, 0, 22, "deepracer.local."),
        DNSText(instance, 16, 1, 120, b"\x10serial=AMSS-2222"),
        DNSAddress("deepracer.local.", 1, 1, 120, bytes([10, 9, 8, 22])),
    )
    for data in (noise, whole[:at] + bite + whole[at + len(bite) :], whole[:at]):
        for one in heard(data, "10.9.8.22"):
            assert is_findable(one.address)


# Liveness

NOW_NS = 7 * PROOF_NS


def answers(pulse: Pulse, *given_answers: Answer, is_online: bool = True) -> list[Verdict]:
    """What follows from each, one after the other, asked when it was due."""
    verdicts, now_ns = [], NOW_NS
    for answer in given_answers:
        pulse, verdict = felt(pulse, answer, now_ns, is_online=is_online)
        verdicts.append(verdict)
        now_ns = pulse.next_ns
    return verdicts


def test_car_that_answers_is_there_and_need_not_prove_it_each_time() -> None:
    assert answers(proven(Pulse(), NOW_NS), Answer.SSH, Answer.SSH) == [Verdict.THERE, Verdict.THERE]
    assert answers(Pulse(), Answer.SSH) == [Verdict.PROVE]
    assert answers(proven(Pulse(), NOW_NS - PROOF_NS), Answer.SSH) == [Verdict.PROVE]


def test_car_that_was_silent_must_prove_itself_again() -> None:
    assert answers(proven(Pulse(), NOW_NS), Answer.SILENT, Answer.SSH) == [Verdict.UNSURE, Verdict.PROVE]


def test_one_lost_packet_is_no_lost_car_and_three_are() -> None:
    silent = [Answer.SILENT] * SILENT_MISSES
    assert answers(Pulse(), *silent) == [Verdict.UNSURE, Verdict.UNSURE, Verdict.LOST]
    after, _ = felt(Pulse(), Answer.SILENT, NOW_NS, is_online=True)
    assert after.next_ns - NOW_NS == SECOND_NS, "it is asked again at once"


def test_sshd_that_starts_again_is_waited_for() -> None:
    refused = [Answer.REFUSED] * REFUSED_MISSES
    assert answers(Pulse(), *refused) == [Verdict.UNSURE] * (REFUSED_MISSES - 1) + [Verdict.LOST]


def test_car_long_gone_is_asked_less_often_and_found_at_its_first_answer() -> None:
    pulse, now_ns, waits = Pulse(), NOW_NS, set()
    while now_ns < NOW_NS + 2 * LONG_NS:
        pulse, verdict = felt(pulse, Answer.SILENT, now_ns, is_online=False)
        assert verdict is Verdict.AWAY
        waits.add(pulse.next_ns - now_ns)
        now_ns = pulse.next_ns
    assert waits == {OFFLINE_NS, LONG_GONE_NS}
    assert felt(pulse, Answer.SSH, now_ns, is_online=False)[1] is Verdict.PROVE


@given(st.lists(st.sampled_from(Answer)), st.booleans())
def test_nobody_is_there_without_having_proven_it(given_answers: list[Answer], is_online: bool) -> None:
    assert Verdict.THERE not in answers(Pulse(), *given_answers, is_online=is_online)


# The word on the cars


async def test_health_names_the_cars_that_are_silent(tmp_path: Path) -> None:
    db = await Database.open(tmp_path / "trackside.db", [MIGRATIONS])
    try:
        facts = Facts()
        cars = Cars(db, facts)
        finder = Finder(cars, facts, is_quiet=True)
        assert finder.check().message == "No car is paired yet."
        paired = [
            await cars.add_enrolled(
                serial=f"AMSS-000{number}", name=f"Blue {number}", platform=Platform.STOCK_20, username="deepracer",
                host_key=f"ssh-ed25519 {number}", address=f"10.9.8.{number}", actor="test",
            )
            for number in range(1, 8)
        ]  # fmt: skip
        assert finder.check().message == "All 7 cars answer."
        for car in paired[1:]:
            await cars.missed(car.car_id)
        check = finder.check()
        assert check.ok
        assert check.message == "1 of 7 cars answer. Silent: Blue 2, Blue 3, Blue 4, Blue 5, Blue 6 and 1 more."
        assert check.remedy == "Look at their power and the Wi-Fi."
    finally:
        await db.close()
