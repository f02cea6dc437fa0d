"""`healthbook documents`: GraphQL documents that apps name by hash instead of sending them (trusted documents)."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)
Client = Annotated[str | None, typer.Option(help="Only for this client; for all unless told.")]
ClientId = Annotated[str, typer.Argument(help="The client_id.")]


@app.command()
def publish(
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help=".graphql files of one document each, or persisted documents (.json) of relay-compiler or codegen.",
        ),
    ],
    client: Client = None,
) -> None:
    """Check documents against the schema and its limits and let clients use them. Once more changes nothing."""
    from cli.operating import documents

    documents.publish(files, client)


@app.command(name="list")
def list_() -> None:
    """What is published: id, client, when, names of operations; and which clients may use nothing else."""
    from cli.operating import documents

    documents.show_all()


@app.command()
def withdraw(
    document: Annotated[str, typer.Argument(help="Its id, sha256:<hex>, as `list` tells it.")], client: Client = None
) -> None:
    """No longer answer a document by its id, within seconds. Apps in use may still name it."""
    from cli.operating import documents

    documents.withdraw(document, client)


@app.command()
def restrict(client_id: ClientId) -> None:
    """From now on this client may use published documents only."""
    from cli.operating import documents

    documents.restrict(client_id)


@app.command()
def release(client_id: ClientId) -> None:
    """Let a restricted client send documents of its own again."""
    from cli.operating import documents

    documents.release(client_id)
