"""
GPIO strips on a real kernel: `python -m tests.faults.guest_gpio SHARE CASE`, inside the private kernel.

The cases (gpio_edges.py, gpio_neighbours.py) assert inside; the exit status tells the test outside
(tests/faults/test_gpio_in_a_private_kernel.py).
"""

import asyncio
import logging
import sys

from tests.faults import gpio_edges, gpio_neighbours

CASES = {
    case.__name__: case
    for case in (
        gpio_edges.edges_are_what_the_kernel_stamped,
        gpio_edges.all_lines_are_one_request,
        gpio_edges.a_board_that_drives_its_line_is_active_high,
        gpio_edges.both_strips_at_once_keep_their_own_stamps,
        gpio_edges.a_burst_past_the_buffer_is_a_gap,
        gpio_edges.a_burst_within_the_buffer_is_whole,
        gpio_edges.edges_before_the_first_read_are_handed_on,
        gpio_edges.a_sink_that_fails_gets_the_next_edge,
        gpio_neighbours.gpiozero_devices_work_by_entry_point,
        gpio_neighbours.the_panel_shows_sounds_and_shuts_down,
        gpio_neighbours.a_panel_that_cannot_be_had_stops_nothing,
        gpio_neighbours.a_line_in_use_is_an_error_that_names_its_holder,
        gpio_neighbours.wrong_lines_and_chips_are_errors_that_say_what_to_do,
        gpio_edges.the_fall_back_reads_the_same_edges,
        gpio_neighbours.the_doctor_says_what_is_wired_and_who_holds_it,
        gpio_edges.a_chip_that_vanishes_ends_the_recorder,
        gpio_edges.a_killed_recorder_leaves_the_lines_free,
        gpio_neighbours.a_strip_is_read_as_gpiozero_reads_it_but_never_driven,
    )
}


def main(case: str) -> None:
    """One case."""
    logging.basicConfig(level=logging.INFO)
    asyncio.run(CASES[case]())


if __name__ == "__main__":
    main(sys.argv[2])
