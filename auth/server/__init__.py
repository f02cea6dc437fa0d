"""The authorization server as clients meet it; what citizens meet of it is in `sign_in`, `consent` and `device`.

`authorization_server` the one door to Authlib, the token endpoint among what goes through; `authorization_requests`
what may be asked for, `pushed_requests` asking ahead (RFC 9126); `metadata` what clients find out by themselves,
`userinfo` and `logout` the endpoints of OpenID Connect; `cors` which browser apps may call.
"""
