"""A progress bar on a terminal, and a plain line where there is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

console = Console(highlight=False)


@contextmanager
def counting(words: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar that is told how far the work is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=False) as progress:
        task = progress.add_task(words, total=total)
        yield lambda done: progress.update(task, completed=done)
