"""The lesson of now in three lines, below whatever screen of the seat is shown."""

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tui.practice.lessons import LESSONS, Course
from tui.screens.base import RoomScreen
from tui.widgets.panel import GOOD, STRONG, WARN

WELCOME = "Welcome. Nothing here counts. Do what the arrow says; you can always skip it."
KEYS = "F3 skips this   F4 begins again   Q leaves"


class HintPanel(Static):
    """Says what was done, what to do now and how far it is."""

    DEFAULT_CSS = """
    HintPanel { height: 3; padding: 0 1; background: $primary-background; color: $foreground; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._course: Course | None = None

    def show(self, course: Course) -> None:
        """Show how far somebody is."""
        if self._course is None or _words(course) != _words(self._course):
            self._course = course
            self.update(self._text(course))

    def on_resize(self) -> None:
        """The same in another width."""
        if self._course is not None:
            self.update(self._text(self._course))

    def _text(self, course: Course) -> Content:
        above, do, below = _words(course)
        look = WARN if course.wrong else GOOD
        room = " " * max(1, self.content_size.width - cell_len(below) - cell_len(KEYS))
        return Content("\n").join(
            (Content.styled(above, look), Content.styled(do, STRONG), Content.assemble(below, room, KEYS))
        )


def _words(course: Course) -> tuple[str, str, str]:
    number = min(course.index + 1, len(LESSONS))
    return course.wrong or course.said or WELCOME, f"► {course.do}", f"Practice {number} of {len(LESSONS)}"


def with_hints(room: type[RoomScreen]) -> type[RoomScreen]:
    """The same screen with the lesson below it."""

    class Hinted(room):  # type: ignore[valid-type,misc]
        def compose(self) -> ComposeResult:
            yield from super().compose()
            yield HintPanel()

    Hinted.__name__ = room.__name__
    return Hinted
