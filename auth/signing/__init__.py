"""What this server signs with, and what it signs besides tokens: statements that anybody verifies with its public keys.

`keys` the signing keys of every use, how they are kept, rotated and published; `receipts` what a citizen decided about
his consents, `passes` what a phone shows at the desk of a clinic.
"""
