"""The `healthbook` command. Commands import what they run when they run, so that --help is quick."""

import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cli import audit, clients, documents, emergencies, guardians, jobs, keys, links, organizations, webhooks

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(clients.app, name="clients")
app.add_typer(organizations.app, name="organizations")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(guardians.app, name="guardians")
app.add_typer(emergencies.app, name="emergencies")
app.add_typer(documents.app, name="documents")
app.add_typer(links.app, name="links")
app.add_typer(jobs.app, name="jobs")
app.add_typer(webhooks.app, name="webhooks")
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Files to import.")]


def main() -> None:
    """Entry point. A terminated command cleans up like one that was interrupted."""
    from cli.embedded_postgres_errors import EmbeddedPostgresError

    signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except EmbeddedPostgresError as failure:
        sys.exit(f"healthbook: {failure}")


def _terminated(_signal: int, _frame: Any) -> NoReturn:
    sys.exit(143)


@app.command()
def demo(
    people: Annotated[int, typer.Option(help="How many invented people.")] = 300,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; the next free one where it is taken.")] = 8000,
) -> None:
    """Load an invented population and serve it on this machine, with sign-in for its citizens."""
    from cli.demo import run

    run(people=people, port=port)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve the API. HEALTHBOOK_ISSUER must name the public origin."""
    from cli.serve import run

    run(host=host, port=port)


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    from cli.database import database
    from cli.migrations import upgrade
    from cli.settings import environment

    environ = environment()
    with database(environ) as addresses:
        upgrade(addresses.owner, role_password=environ.get("HEALTHBOOK_ROLE_PASSWORD"))
    typer.echo("The database is up to date.")


@app.command(name="import")
def import_(
    files: Files,
    facility: Annotated[str | None, typer.Option(help="MA_CSKCB of the sender of FHIR bundles.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="More than one is faster, and keeps no order of files.")] = 1,
) -> None:
    """Import QĐ 4750 files (.xml) and FHIR bundles (.json, .ndjson). Exit code 1 where anything was refused."""
    from cli.importing import run

    raise typer.Exit(run(files, facility=facility, processes=processes))


@app.command()
def replay() -> None:
    """Try again what was refused. Exit code 1 where anything is refused still."""
    from cli.importing import run_replay

    raise typer.Exit(run_replay())


@app.command()
def synthesize(
    people: Annotated[int, typer.Option(help="How many people.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; new or empty.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 1,
    visits_scale: Annotated[float, typer.Option(help="How often people are seen; 1 is ordinary.")] = 1.0,
) -> None:
    """Write an invented Vietnamese population as QĐ 4750 and FHIR files."""
    from cli.progress import counting
    from domain.synthetic import write_population

    today = datetime.now(UTC).date()
    with counting("Inventing people", people) as progress:
        made = write_population(
            out, people=people, seed=seed, today=today, progress=progress, visits_scale=visits_scale
        )
    typer.echo(f"{made.people} people, {made.visits} visits, {made.bundles} bundles in {made.files} files.")


@app.command()
def worker() -> None:
    """Tell citizens what there is to tell, and keep house: seal the log, end what ran out, clear away what is spent."""
    from cli.worker import run

    run()


@app.command()
def contracts() -> None:
    """Write openapi/schema.graphql and openapi/openapi.yaml from the code."""
    from cli.contracts import write

    for path in write():
        typer.echo(str(path))


if __name__ == "__main__":
    main()
