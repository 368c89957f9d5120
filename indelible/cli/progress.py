"""Progress bars, on standard error; nothing is shown where that is not a terminal."""

from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_WORTH_A_BAR: Final = 2_000


class RateColumn(ProgressColumn):
    """Units per second since the start."""

    def render(self, task: Task) -> Text:
        """The rate, or nothing before there is one."""
        elapsed = task.finished_time if task.finished else task.elapsed
        if not elapsed or not task.completed:
            return Text("")
        return Text(f"{task.completed / elapsed:,.0f}/s", style="cyan")


def progress_bar() -> Progress:
    """A bar with counts, rate and time left."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


class CatchUpBar:
    """A `materializer.follower.Progress`: shows itself only if there is much to catch up."""

    def __init__(self, description: str = "catching up", *, at_once: bool = False) -> None:
        self._description, self._at_once = description, at_once
        self._progress: Progress | None = None

    def __call__(self, position: int, end: int) -> None:
        """Show that everything below `position` of `end` was read."""
        if self._progress is None:
            if not self._at_once and end - position < _WORTH_A_BAR:
                return
            self._progress = progress_bar()
            self._task = self._progress.add_task(self._description, total=end)
            self._progress.start()
        self._progress.update(self._task, completed=min(position, end), total=end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
