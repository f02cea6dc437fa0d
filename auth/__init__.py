"""Who is calling: healthbook's OAuth 2 / OpenID Connect server, sign-in, consent page and bearer tokens.

    routes.py   the way in: every path
    server/     the one door to Authlib, and the endpoints around it
    clients/    who may ask: kinds of clients, their registration and authentication
    grants/     how they come by tokens; device/ by a code that is typed on a phone
    sign_in/    who the citizen is; consent/ what he allows; pages/ how both look
    tokens/     access and id tokens, made, shown to the API (`bearer`), asked about, ended
    signing/    the keys, and the receipts and passes that are signed with them

Beside them is what they share: the tables, settings, scopes (`smart` their SMART names), requests and browser sessions.

A token names a grant (`tables.TokenGrant`); what that grant may read is decided in the database at every request,
never here.
"""
