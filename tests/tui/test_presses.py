"""Presses on their way: each once, in order, placed where they were pressed, whatever the network loses."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.lossy_box import AHEAD_NS, Fate, LossyBox, measure, pressed, sending
from timing.crew_structs import ClockReading
from timing.journal import Kind
from tui import local_clock
from tui.errors import BoxAway, Refused
from tui.press import Press
from tui.presses import BOX_RESTARTED, NO_CLOCK, OLD_BOOT
from tui.server_clock import ServerClock, Stamp

MS = 1_000_000
LOSSES = st.sampled_from([Fate.DONE, Fate.REQUEST_LOST, Fate.ANSWER_LOST, Fate.BUSY])
KINDS = st.sampled_from([Kind.LAP, Kind.RESET, Kind.PAUSE, Kind.RESUME])


async def send_all(box: LossyBox, kinds: list[Kind]) -> list[Press]:
    """Press these and wait until nothing waits."""
    async with sending(box) as sender:
        presses = []
        for kind in kinds:
            presses.append(pressed(kind))
            sender.presses.add(presses[-1])
            await asyncio.sleep(0)
        await sender.sent()
    return presses


@settings(max_examples=200, deadline=None)
@given(st.lists(LOSSES, max_size=40), st.lists(KINDS, min_size=1, max_size=12))
def test_each_press_arrives_once_and_in_order_and_when_it_was_pressed(fates: list[Fate], kinds: list[Kind]) -> None:
    box = LossyBox(fates)
    presses = asyncio.run(send_all(box, kinds))
    assert [action.action_id for _, action in box.done] == [press.action_id for press in presses]
    assert [action.kind for _, action in box.done] == kinds
    for press, (_, action) in zip(presses, box.done, strict=True):
        assert action.pressed_at_ns is not None
        assert abs(action.pressed_at_ns - (press.mono_ns + press.slept_ns + AHEAD_NS)) < 1 * MS
        assert action.pressed_boot_id == "boot-1"


async def test_one_press_is_under_way_at_a_time() -> None:
    box = LossyBox([Fate.ANSWER_LOST, Fate.DONE, Fate.REQUEST_LOST])
    presses = await send_all(box, [Kind.START, Kind.LAP])
    first, second = (press.action_id for press in presses)
    assert [action.action_id for action in box.requests] == [first, first, second, second]


async def test_what_the_box_refuses_is_told_and_the_next_press_is_sent() -> None:
    box = LossyBox([Fate.REFUSED])
    async with sending(box) as sender:
        sender.presses.add(pressed(Kind.RESUME))
        sender.presses.add(pressed(Kind.LAP))
        await sender.sent()
        assert [(one.press.kind, one.message, one.remedy) for one in sender.presses.refused] == [
            (Kind.RESUME, "The race is over.", "Cancel the end.")
        ]
        assert [action.kind for _, action in box.done] == [Kind.LAP]
        sender.presses.forget_refused()
        assert sender.presses.refused == []


async def test_who_is_signed_out_loses_no_press() -> None:
    box = LossyBox([Fate.SIGNED_OUT])
    async with sending(box) as sender:
        sender.presses.add(pressed())
        await sender.until(lambda: sender.presses.signed_out)
        assert [one.why for one in sender.presses.waiting] == ["You are signed out. Sign in again."]
        sender.presses.nudge()
        await sender.sent()
        assert len(box.done) == 1


async def test_what_waits_is_shown_with_why() -> None:
    box = LossyBox([Fate.REQUEST_LOST] * 3)
    async with sending(box) as sender:
        sender.presses.add(pressed())
        await sender.until(lambda: any(one.why for one in sender.presses.waiting))
        [one] = sender.presses.waiting
        assert (one.kind, one.why) == (Kind.LAP, "The box does not answer. Wait.")
        await sender.sent()


async def test_nothing_is_sent_before_the_clock_of_the_box_is_known() -> None:
    box, clock = LossyBox(), ServerClock()
    async with sending(box, clock) as sender:
        sender.presses.add(pressed())
        await sender.until(lambda: any(one.why == NO_CLOCK for one in sender.presses.waiting))
        assert box.requests == []
        await measure(clock, box)
        sender.presses.nudge()
        await sender.sent()


async def test_a_press_from_before_the_restart_of_the_box_waits_for_the_person() -> None:
    box, clock = LossyBox(boot_id="boot-2"), ServerClock()
    await measure(clock, box)
    async with sending(box, clock) as sender:
        before, later = pressed(server_boot_id="boot-1"), pressed(server_boot_id="boot-2")
        sender.presses.add(before)
        sender.presses.add(later)
        await sender.until(lambda: len(sender.presses.waiting) == 1)
        [held] = sender.presses.waiting
        assert (held.press, held.is_held, held.why) == (before, True, BOX_RESTARTED)
        assert [action.action_id for _, action in box.done] == [later.action_id]
        sender.presses.send_without_stamp(before.action_id)
        await sender.sent()
        assert (box.done[-1][1].action_id, box.done[-1][1].pressed_at_ns) == (before.action_id, None)


async def test_a_restart_of_the_box_that_only_the_refusal_tells_of_holds_the_press() -> None:
    box, clock = LossyBox(), ServerClock()
    await measure(clock, box)
    box.boot_id = "boot-2"
    async with sending(box, clock) as sender:
        sender.presses.add(pressed())
        await sender.until(lambda: any(one.is_held for one in sender.presses.waiting))
        assert (sender.presses.refused, box.done) == ([], [])


async def test_a_press_from_before_the_restart_of_this_machine_waits_for_the_person() -> None:
    box = LossyBox()
    async with sending(box) as sender:
        old = pressed(local_boot_id="another boot")
        sender.presses.add(old)
        await sender.until(lambda: any(one.is_held for one in sender.presses.waiting))
        assert [one.why for one in sender.presses.waiting] == [OLD_BOOT]
        sender.presses.let_go(old.action_id)
        assert sender.presses.waiting == ()
        assert box.requests == []


@pytest.mark.parametrize("wrong_ms", [150, 5_000])
async def test_a_clock_that_was_measured_badly_loses_no_press(wrong_ms: int) -> None:
    """All questions took long on their way there, so the box seems to be ahead; then the network is quick."""
    box, clock = LossyBox(), ServerClock()
    for _ in range(5):
        now = local_clock.stamp()
        ahead = await box.clock()
        slow = Stamp(now.mono_ns - 2 * wrong_ms * MS, now.slept_ns)
        clock.add(ahead, sent=slow, received=now)
    async with sending(box, clock) as sender:
        press = pressed()
        sender.presses.add(press)
        await sender.sent()
        assert sender.presses.refused == []
        arrived = local_clock.stamp()
    [(_, action)] = box.done
    assert action.pressed_at_ns is not None
    pressed_ns, arrived_ns = (at.mono_ns + at.slept_ns + AHEAD_NS for at in (press, arrived))
    assert pressed_ns - 50 * MS < action.pressed_at_ns < arrived_ns + MS, "at the latest when it came"


async def test_stamps_never_go_back() -> None:
    """The clock is measured anew between two presses, and says that it was ahead by too much."""
    box, clock = LossyBox(), ServerClock()
    await measure(clock, box)
    async with sending(box, clock) as sender:
        late = pressed()
        sender.presses.add(late)
        await sender.sent()
        sender.presses.add(pressed(mono_ns=late.mono_ns - 5 * MS))
        await sender.sent()
    stamps = [action.pressed_at_ns for _, action in box.done]
    assert stamps == [stamps[0], stamps[0]]


async def test_what_is_answered_but_not_shown_yet_still_counts_for_what_may_be_pressed() -> None:
    box = LossyBox()
    async with sending(box) as sender:
        sender.presses.add(pressed(Kind.START))
        await sender.sent()
        assert sender.presses.unanswered("race-1", version=0) == [Kind.START]
        assert sender.presses.unanswered("race-1", version=1) == []


@pytest.mark.parametrize("tries", [1, 5])
async def test_a_press_waits_out_an_absence_of_any_length(tries: int) -> None:
    box = LossyBox([Fate.REQUEST_LOST] * tries)
    await send_all(box, [Kind.LAP])
    assert len(box.requests) == tries + 1


async def test_who_may_not_see_the_clock_any_more_is_told_what_was_refused() -> None:
    box, clock = LossyBox([Fate.REFUSED]), ServerClock()
    await measure(clock, box)
    box.clock_fails = Refused("You may not see races.", "Ask an admin.", status=403)
    async with sending(box, clock) as sender:
        sender.presses.add(pressed())
        await sender.sent()
        assert [one.message for one in sender.presses.refused] == ["The race is over."]


async def test_a_refusal_whose_stamp_cannot_be_checked_is_asked_again_after_a_pause() -> None:
    box, clock = LossyBox([Fate.REFUSED] * 1000), ServerClock()
    await measure(clock, box)
    box.clock_fails = BoxAway("The box does not answer.", "Wait.")
    async with sending(box, clock) as sender:
        sender.presses.add(pressed())
        for _ in range(50):
            await asyncio.sleep(0)
        assert sender.presses.waiting[0].tries >= len(box.requests) - 1 > 0  # each of them with its pause
        box.clock_fails = None
        await sender.sent()
        assert len(sender.presses.refused) == 1


async def test_a_refusal_right_behind_a_press_that_was_placed_too_late_is_told() -> None:
    box, clock = LossyBox([Fate.DONE, Fate.REFUSED, Fate.REFUSED]), ServerClock()
    sent = local_clock.stamp()
    ahead = await box.clock()
    for _ in range(5):
        clock.add(
            ClockReading(mono_ns=ahead.mono_ns + 80 * MS, wall_ns=0, boot_id="boot-1"),
            sent=sent,
            received=Stamp(sent.mono_ns + 1, sent.slept_ns),
        )
    async with sending(box, clock) as sender:
        sender.presses.add(pressed(Kind.LAP))
        sender.presses.add(pressed(Kind.RESUME))
        await sender.sent()
        assert [one.press.kind for one in sender.presses.refused] == [Kind.RESUME]
