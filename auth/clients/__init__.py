"""What a client is: how it gets to be known, what its kind may do and must prove, and where its answers may go.

`registration` every registration and a client's life after it, `dynamic_registration` the endpoint by which developers
register their own (RFC 7591, RFC 7592), `metadata` and `names` what they say of them; `profiles` what each kind may be,
`authentication` how a client proves itself, `redirects` the addresses it may have.
"""
