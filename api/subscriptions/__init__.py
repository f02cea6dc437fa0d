"""Subscriptions: what happens in the book, told at once to those who may know it, and to nobody a second longer.

`fields` is the schema's part. `live` holds the rest together: `feed` hears what `domain.changes_feed` tells, `hub`
hands it to the `follower` of each subscription, which asks `decisions` before every push; `operations` runs the
GraphQL of it, over websockets (`sockets`) or server-sent events (`streams`), within `limits`.
"""
