"""Consents and denials for phones: giving, narrowing, taking back, and seeing who can see what."""
