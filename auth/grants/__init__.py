"""How a client comes by a token: the grant types of the token endpoint (the device flow's is `auth.device.grant`).

`grant_types` those of RFC 6749, `exchange` that of RFC 8693; `issuing` what all of them must fit to bring a token.
"""
