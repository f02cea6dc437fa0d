"""The inbox, the phones it hints at, and how a citizen wants to be told. His own only: no facility, no other's app."""
