"""Who may read what of whose book: consents, denials, requests, visits. The decision itself is `access.begin`."""
