"""`healthbook jobs`: what the worker has to do, what it gave up on, and campaigns."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)
Job = Annotated[int, typer.Argument(help="The job's id.")]
What = Annotated[str, typer.Argument(help="An entrypoint (deliver, campaign), or a campaign's id.")]


@app.command(name="list")
def list_(
    status: Annotated[str | None, typer.Option(help="queued, picked or failed (parked).")] = None,
    entrypoint: Annotated[str | None, typer.Option(help="Only this kind of job.")] = None,
) -> None:
    """The oldest hundred jobs: id, entrypoint, status, starts, when."""
    from cli.operating import jobs

    jobs.show_all(status, entrypoint)


@app.command()
def show(job: Job) -> None:
    """All that is known of one job. Its payload holds ids only."""
    from cli.operating import jobs

    jobs.show(job)


@app.command()
def replay(job: Job) -> None:
    """Run a parked job again."""
    from cli.operating import jobs

    jobs.replay(job)


@app.command()
def drop(job: Job) -> None:
    """Throw a waiting or parked job away."""
    from cli.operating import jobs

    jobs.drop(job)


@app.command()
def pause(what: What) -> None:
    """Jobs of this kind wait, or the campaign stops after the page it is at."""
    from cli.operating import jobs

    jobs.pause(what)


@app.command()
def resume(what: What) -> None:
    """Go on where it was paused."""
    from cli.operating import jobs

    jobs.resume(what)


@app.command()
def campaign(kind: Annotated[str, typer.Argument(help="Kind of notice, such as dose_due.")]) -> None:
    """Tell every citizen with a registered phone, once. Prints the campaign's id."""
    from cli.operating import jobs

    jobs.campaign(kind)
