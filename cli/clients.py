"""`healthbook clients`: the applications that may ask, registered and watched over by an operator."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)
ClientId = Annotated[str, typer.Argument(help="The client_id.")]
Jwks = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Public keys, a JWKS file.")]
Uris = Annotated[list[str] | None, typer.Option(help="May be given several times.")]


@app.command(name="list")
def list_(
    kind: Annotated[str | None, typer.Option(help="Only clients of this kind.")] = None,
    status: Annotated[str | None, typer.Option(help="Only active, suspended or pending ones.")] = None,
) -> None:
    """Every client: id, kind, status, name."""
    from cli.operating import clients

    clients.show_all(kind, status)


@app.command()
def register(
    name: Annotated[str, typer.Option(help="What citizens read on the consent page.")],
    kind: Annotated[str, typer.Option(help="first_party, facility, clinician, third_party or sandbox.")],
    scope: Annotated[str, typer.Option(help="Everything it may ever ask for, with spaces between.")],
    grant_type: Annotated[list[str], typer.Option(help="May be given several times.")],
    auth_method: Annotated[str, typer.Option(help="none, private_key_jwt or client_secret_basic.")] = "none",
    redirect_uri: Uris = None,
    post_logout_redirect_uri: Uris = None,
    organization: Annotated[str | None, typer.Option(help="MA_CSKCB of the facility it belongs to.")] = None,
    jwks: Jwks = None,
    client_id: Annotated[str | None, typer.Option(help="A name of its own; made up unless given.")] = None,
) -> None:
    """Add a client. A third-party client waits for `activate`. A secret, if it gets one, is shown this once."""
    from cli.operating import clients

    told = {
        "name": name,
        "kind": kind,
        "scope": scope,
        "grant_types": grant_type,
        "auth_method": auth_method,
        "redirect_uris": redirect_uri or (),
        "post_logout_redirect_uris": post_logout_redirect_uri or (),
        "client_id": client_id,
    }
    clients.register(told, organization=organization, jwks=jwks)


@app.command()
def show(client_id: ClientId) -> None:
    """All that is registered of one client. Never a secret: none is kept."""
    from cli.operating import clients

    clients.show(client_id)


@app.command()
def suspend(client_id: ClientId) -> None:
    """From the next request on nothing of this client is answered."""
    from cli.operating import clients

    clients.suspend(client_id)


@app.command()
def activate(client_id: ClientId) -> None:
    """Let a reviewed or suspended client work."""
    from cli.operating import clients

    clients.activate(client_id)


@app.command(name="rotate-secret")
def rotate_secret(client_id: ClientId, jwks: Jwks = None) -> None:
    """A new secret, shown this once; or with --jwks new keys. The old ones are void at once."""
    from cli.operating import clients

    clients.rotate_secret(client_id, jwks)


@app.command(name="registration-token")
def registration_token(
    developer: Annotated[str, typer.Option(help="Who gets it.")],
    uses: Annotated[int, typer.Option(min=1, max=1000, help="How many clients may be registered with it.")] = 10,
) -> None:
    """A token with which a developer registers sandbox clients at /oauth/register, shown this once."""
    from cli.operating import clients

    clients.registration_token(developer, uses)
