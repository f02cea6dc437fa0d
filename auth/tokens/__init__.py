"""What a token is, from its signature to its end.

`signed` access and id tokens as this server makes them; `bearer` who shows one to the API, verified, `dpop` the proof
of the key that it may be bound to, `resource` both as HTTP has them; `endpoints` where clients ask about their tokens
and end them (introspection, revocation).
"""
