"""Who is calling: healthbook's OAuth 2 / OpenID Connect server, sign-in, consent page and bearer tokens.

`routes.py` is the way in, `server.py` the one door to Authlib, `bearer.py` what the API asks. A token names a
grant (`tables.TokenGrant`); what that grant may read is decided in the database at every request, never here.
"""
