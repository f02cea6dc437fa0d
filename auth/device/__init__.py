"""The device flow (RFC 8628): a screen without a browser shows a code, its owner types it on a phone.

`codes` what the citizen types; `grant` what the device asks of the token server; `page` what the citizen sees,
`answering` what he decides, `approvals` how that is written down; `routes` their addresses.
"""
