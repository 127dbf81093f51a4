"""Which findings are the same box, and in which order boxes stand."""

from hypothesis import given
from hypothesis import strategies as st

from tui.found_boxes import Sighting, Source, found_boxes, sorted_addresses

CABLE, WIFI, SOCKET = "http://10.0.0.5:8080", "http://10.0.1.5:8080", "unix:/box/api.sock"


def here(box_id: str = "1", name: str = "Halle 3", events: tuple[str, ...] = ()) -> Sighting:
    return Sighting(SOCKET, Source.HERE, box_id, name, (SOCKET,), events)


def heard(box_id: str = "1", name: str = "Halle 3", *addresses: str, events: tuple[str, ...] = ()) -> Sighting:
    return Sighting(f"{name}._x", Source.HEARD, box_id, name, addresses or (CABLE,), events)


def known(box_id: str = "1", name: str = "Halle 3", address: str = CABLE) -> Sighting:
    return Sighting(f"known {box_id}", Source.KNOWN, box_id, name, (address,))


def test_a_box_on_two_networks_is_one() -> None:
    (box,) = found_boxes([heard("1", "Halle 3", CABLE, WIFI)], {})
    assert box.addresses == (CABLE, WIFI)
    assert (box.is_here, box.is_known, box.is_asked, box.answers_at) == (False, False, False, None)


def test_a_box_of_this_machine_that_is_heard_too_is_one_with_its_events() -> None:
    (box,) = found_boxes([here(), heard(events=("Cup",))], {SOCKET: SOCKET}, frozenset({CABLE}))
    assert box.is_here
    assert box.events == ("Cup",)
    assert box.addresses == (SOCKET, CABLE)
    assert box.answers_at == SOCKET


def test_a_copy_of_this_machine_s_box_is_another_box() -> None:
    boxes = found_boxes([here(), heard("1", "Halle 3-2", WIFI)], {}, frozenset({CABLE}))
    assert [(box.name, box.is_here) for box in boxes] == [("Halle 3", True), ("Halle 3-2", False)]


def test_two_boxes_of_one_id_are_two() -> None:
    boxes = found_boxes([heard("1", "Halle 3", CABLE), heard("1", "Halle 3-2", WIFI)], {})
    assert [box.addresses for box in boxes] == [(CABLE,), (WIFI,)]


def test_a_known_box_is_heard_at_another_address_and_asked_at_both() -> None:
    (box,) = found_boxes([known(address=CABLE), heard("1", "Halle 3", WIFI)], {})
    assert box.is_known
    assert box.addresses == (WIFI, CABLE)


def test_this_machine_comes_first_then_the_last_one_used_then_names() -> None:
    sightings = [
        heard("a", "zebra", "http://10.0.0.1"),
        heard("b", "Ant", "http://10.0.0.2"),
        known("c", "Silent", "http://10.0.0.3"),
        known("a", "zebra", "http://10.0.0.1"),
        heard("d", "bee", "http://10.0.0.4"),
        here("e", "Mine"),
    ]
    assert [box.name for box in found_boxes(sightings, {})] == ["Mine", "Silent", "zebra", "Ant", "bee"]


def test_an_answer_at_an_address_that_is_gone_is_no_answer() -> None:
    (box,) = found_boxes([heard("1", "Halle 3", CABLE)], {"Halle 3._x": WIFI})
    assert (box.is_asked, box.answers_at) == (False, None)
    (box,) = found_boxes([heard("1", "Halle 3", CABLE)], {"Halle 3._x": None})
    assert (box.is_asked, box.answers_at) == (True, None)


def test_what_is_heard_can_do_nothing_to_the_terminal() -> None:
    (box,) = found_boxes([heard("1", "\x1b[2JHalle\n3", events=("Cup\x07",))], {})
    assert (box.name, box.events) == (" [2JHalle 3", ("Cup ",))


def test_ipv4_is_tried_before_what_means_something_on_one_network_only() -> None:
    assert sorted_addresses(["fe80::1%2", "fd00::1", "10.0.0.5", "10.0.0.5"]) == ["10.0.0.5", "fd00::1", "fe80::1%2"]


SIGHTINGS = st.lists(
    st.one_of(
        st.builds(here, st.sampled_from("123")),
        st.builds(heard, st.sampled_from("123"), st.sampled_from(["A", "B", "C"]), st.sampled_from([CABLE, WIFI])),
        st.builds(known, st.sampled_from("123")),
    ),
    unique_by=lambda one: one.key,
)


@given(SIGHTINGS, st.sets(st.sampled_from([CABLE, WIFI])))
def test_nothing_that_was_seen_is_lost_and_nothing_is_listed_twice(sightings: list[Sighting], own: set[str]) -> None:
    boxes = found_boxes(sightings, {}, frozenset(own))
    keys = [box.key for box in boxes]
    assert len(keys) == len(set(keys))
    assert {one.box_id for one in sightings} == {box.box_id for box in boxes}
    assert {address for one in sightings if one.source is Source.HEARD for address in one.addresses} <= {
        address for box in boxes for address in box.addresses
    }
