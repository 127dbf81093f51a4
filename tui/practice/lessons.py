"""
The lessons of the practice: what to do, how the terminal knows that it was done, what to say afterwards. Pure.

Owns the table, its order and the course through it. A course only goes forward; `restarted` begins a new one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from timing.structs import RaceState, RaceView


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the terminal sees at one moment; `laps` of the race so far by how they were taken."""

    race_id: str | None = None
    state: RaceState | None = None
    strip_laps: int = 0
    hand_laps: int = 0
    dnf_laps: int = 0
    invalid_laps: int = 0
    resets: int = 0
    waiting_laps: int = 0
    waiting: int = 0
    is_live: bool = True
    room: str = ""
    help_open: bool = False

    @property
    def laps(self) -> int:
        """All of them."""
        return self.strip_laps + self.hand_laps + self.dnf_laps


Done = Callable[[Facts, Facts], bool]
"""Whether a lesson was done, from the facts before and now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """
    One thing to learn. `needs`: in which states of the race it can be done; empty: always. `keys`: what is right to
    press. `drives`: the car comes round by itself. `is_cut`: the network is away; `mends`: it comes back by itself.
    """

    do: str
    said: str
    done: Done
    keys: tuple[str, ...] = ()
    needs: frozenset[RaceState | None] = frozenset()
    drives: bool = False
    is_cut: bool = False
    mends: bool = False


def more(count: Callable[[Facts], int]) -> Done:
    """It has become more, in one race."""
    return lambda before, now: before.race_id == now.race_id and count(now) > count(before)


def fewer(count: Callable[[Facts], int]) -> Done:
    """It has become less, in one race."""
    return lambda before, now: before.race_id == now.race_id and count(now) < count(before)


def state_is(*states: RaceState | None) -> Done:
    """The race is in one of these states; None: no race is on the track."""
    return lambda _, now: now.state in states


def any_of(*ways: Done) -> Done:
    """One of several ways to do it."""
    return lambda before, now: any(way(before, now) for way in ways)


RUNNING = frozenset({RaceState.RUNNING})
HELD = frozenset({RaceState.RUNNING, RaceState.PAUSED})
ON_TRACK = frozenset({RaceState.READY, *HELD, RaceState.OVER})

LESSONS: tuple[Lesson, ...] = (
    Lesson(
        do="Press N: the first in line gets ready.",
        said="The racer is on the track. The clocks wait for the car.",
        done=state_is(*ON_TRACK),
        keys=("n",),
    ),
    Lesson(
        do="Press Space to start. Or wait: the car starts the clocks at the strip.",
        said="Both clocks run: what is left of the race, and this lap.",
        done=state_is(RaceState.RUNNING),
        keys=("space",),
        needs=frozenset({RaceState.READY, *HELD}),
        drives=True,
    ),
    Lesson(
        do="Press nothing: the car comes round, and the strip takes the lap.",
        said="A lap by the strip. On a good day that is all: you watch.",
        done=more(lambda facts: facts.strip_laps),
        needs=RUNNING,
        drives=True,
    ),
    Lesson(
        do="The car is off the track and is put back: press R, a reset.",
        said="A reset. Two are allowed; with a third the lap does not count.",
        done=more(lambda facts: facts.resets),
        keys=("r",),
        needs=RUNNING,
    ),
    Lesson(
        do="It was on the track after all: press E to take the reset back.",
        said="Taken back, as if it had never been pressed.",
        done=fewer(lambda facts: facts.resets),
        keys=("e",),
        needs=RUNNING,
    ),
    Lesson(
        do="The car has just crossed, and the strip missed it: press L (or Enter).",
        said='A lap by hand, at the moment of your key. The list says "hand".',
        done=more(lambda facts: facts.hand_laps),
        keys=("l", "enter"),
        needs=RUNNING,
    ),
    Lesson(
        do="No, that was a shadow, not the car: press U to undo the lap.",
        said="Undone. The lap runs on as if you had never pressed L.",
        done=fewer(lambda facts: facts.laps),
        keys=("u",),
        needs=RUNNING | HELD,
    ),
    Lesson(
        do="A child runs onto the track: press Space to pause.",
        said="Both clocks stand. Nobody loses time.",
        done=state_is(RaceState.PAUSED),
        keys=("space",),
        needs=HELD,
    ),
    Lesson(
        do="The track is clear: press Space again to go on.",
        said="The clocks go on where they stood.",
        done=state_is(RaceState.RUNNING),
        keys=("space",),
        needs=HELD,
    ),
    Lesson(
        do="The car has broken down in this lap: press D, did not finish.",
        said="An invalid lap, and the race is paused until the car is back.",
        done=more(lambda facts: facts.dnf_laps),
        keys=("d",),
        needs=HELD,
    ),
    Lesson(
        do="The car is mended and back at the line: press Space to go on.",
        said="Off it goes again.",
        done=state_is(RaceState.RUNNING),
        keys=("space",),
        needs=HELD,
    ),
    Lesson(
        do="The network is cut, and the car crosses: press L all the same.",
        said="Your lap waits, with its moment. The top line says how many wait.",
        done=lambda _, now: now.waiting_laps > 0,
        keys=("l", "enter"),
        needs=RUNNING,
        is_cut=True,
    ),
    Lesson(
        do="Press nothing: in some seconds the network is back, and it arrives.",
        said="Arrived, and it counts as of when you pressed. Trust your keys.",
        done=lambda _, now: now.is_live and now.waiting == 0,
        is_cut=True,
        mends=True,
    ),
    Lesson(
        do="The racer has had enough: press X to end the race.",
        said="Over, but not handed in: C would go back to the race.",
        done=state_is(RaceState.OVER),
        keys=("x",),
        needs=HELD | {RaceState.OVER},
    ),
    Lesson(
        do="In the newest lap it cut a corner: press V (↑ ↓ choose another lap).",
        said="It counts no more; V again would count it. The time stays in sight.",
        done=any_of(more(lambda facts: facts.invalid_laps), fewer(lambda facts: facts.invalid_laps)),
        keys=("v", "up", "down", "escape"),
        needs=ON_TRACK - {RaceState.READY},
    ),
    Lesson(
        do="All is right: press S to hand the race in.",
        said="Submitted. It counts, and the track is free for the next racer.",
        done=any_of(state_is(None), lambda before, now: before.race_id != now.race_id),
        keys=("s",),
        needs=frozenset({RaceState.OVER}),
    ),
    Lesson(
        do="Press 4 to find the racer on the board.",
        said="The hall's screens show the same. 1 brings you back to the race.",
        done=lambda _, now: now.room == "board",
        keys=("4",),
    ),
    Lesson(
        do="Press ? for help: it has every key of the screen you are on.",
        said="Esc closes the help.",
        done=lambda _, now: now.help_open,
        keys=("question_mark", "f1"),
    ),
)
"""In the order of a race day; about five minutes in all."""

FIRST: dict[RaceState | None, str] = {
    None: "First press N (on screen 1): the next racer gets ready.",
    RaceState.READY: "First press Space to start the race.",
    RaceState.RUNNING: "First press X to end the race.",
    RaceState.PAUSED: "First press Space: the race is paused.",
    RaceState.OVER: "The race is over: first C to go back to it, then Space.",
}
"""What leads back to where a lesson can be done, by the state the race is in."""
AT_END = "That was all. Race on as you like, the car drives. Q leaves."

KEY_WORDS: dict[str, str] = {
    "n": "N makes the next racer ready",
    "space": "Space starts, pauses and goes on",
    "l": "L is a lap by hand; U undoes it",
    "enter": "Enter is a lap by hand; U undoes it",
    "r": "R counts a reset; E takes it back",
    "e": "E takes a reset back",
    "u": "U undoes the last lap",
    "d": "D is for did not finish",
    "x": "X ends the race",
    "c": "C goes back to a race that is over",
    "v": "V makes a lap invalid, or valid again",
    "s": "S hands the race in",
    "p": "P marks that somebody else drives",
}


@dataclass(frozen=True, slots=True)
class Course:
    """
    How far somebody is: `index` counts lessons from 0 and is `len(LESSONS)` at the end. `said` belongs to the lesson
    before, `wrong` to a key that was not asked for.
    """

    index: int = 0
    facts: Facts = Facts()
    said: str = ""
    wrong: str = ""

    @property
    def lesson(self) -> Lesson | None:
        """What to do now; None at the end."""
        return LESSONS[self.index] if self.index < len(LESSONS) else None

    @property
    def can_be_done(self) -> bool:
        """Whether the race is in a state in which the lesson makes sense."""
        return self.lesson is None or not self.lesson.needs or self.facts.state in self.lesson.needs

    @property
    def drives(self) -> bool:
        """Whether the car comes round by itself."""
        return self.lesson is None or self.lesson.drives

    @property
    def is_cut(self) -> bool:
        """Whether the network is away."""
        return self.lesson is not None and self.lesson.is_cut and self.can_be_done

    @property
    def do(self) -> str:
        """One sentence: what to press."""
        if self.lesson is None:
            return AT_END
        return self.lesson.do if self.can_be_done else FIRST.get(self.facts.state, FIRST[None])


def after(course: Course, facts: Facts) -> Course:
    """The course when these facts are seen: the same lesson or the next, never one before."""
    before, lesson = course.facts, course.lesson
    course = replace(course, facts=facts)
    if lesson is None or not lesson.done(before, facts):
        return course
    return replace(course, index=course.index + 1, said=f"√ {lesson.said}", wrong="")


def skipped(course: Course) -> Course:
    """The next lesson, without having done this one."""
    if course.lesson is None:
        return course
    return replace(course, index=course.index + 1, said="Skipped.", wrong="")


def restarted(course: Course) -> Course:
    """From the first lesson on."""
    return Course(facts=course.facts)


def pressed(course: Course, key: str) -> Course:
    """A key went down: one that another lesson is about is told apart in words."""
    name = key.lower() if len(key) == 1 else key
    if course.lesson is None or not course.can_be_done or name not in KEY_WORDS:
        return course
    wrong = "" if name in course.lesson.keys else f"{KEY_WORDS[name]}. It is not asked for just now."
    return replace(course, wrong=wrong)


def facts_of(race: RaceView | None) -> Facts:
    """What the lessons look at in a race."""
    if race is None:
        return Facts()
    return Facts(
        race_id=race.race_id,
        state=race.state,
        strip_laps=sum(lap.source == "strip" and not lap.dnf for lap in race.laps),
        hand_laps=sum(lap.source == "hand" and not lap.dnf for lap in race.laps),
        dnf_laps=sum(lap.dnf for lap in race.laps),
        invalid_laps=sum(not lap.valid for lap in race.laps),
        resets=race.resets + sum(lap.resets for lap in race.laps),
    )
