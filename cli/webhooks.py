"""`healthbook webhooks`: where partners' apps hear that there is something new."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)
Webhook = Annotated[str, typer.Argument(help="The webhook's id.")]


@app.command()
def register(
    client_id: Annotated[str, typer.Argument(help="The app's client_id.")],
    url: Annotated[str, typer.Argument(help="https address on the public internet.")],
) -> None:
    """Prints the id and, this once, the secret that messages are signed with (Standard Webhooks)."""
    from cli.operating import webhooks

    webhooks.register(client_id, url)


@app.command(name="list")
def list_() -> None:
    """Every webhook: id, client, state, address."""
    from cli.operating import webhooks

    webhooks.show_all()


@app.command()
def resume(webhook: Webhook) -> None:
    """Send again to a webhook that was held after three days of failures."""
    from cli.operating import webhooks

    webhooks.resume(webhook)


@app.command()
def end(webhook: Webhook) -> None:
    """Send nothing more to it."""
    from cli.operating import webhooks

    webhooks.end(webhook)
