"""Code tables: what a code of the state or of a standard means, kept as data, not as Python.

Each table is a JSON file beside a small module that answers questions about it. The file is an object with

    title     what the table holds
    source    where the rows come from: a document, or "own" for own knowledge; a string, or one per kind of row
    valid     {"from": date or null, "to": date or null}: when the table as a whole holds; null is open
    note      what a reader must know before using it (optional)
    rows      the table; a row may narrow `valid` with its own `valid_from` and `valid_to` (both days included)

`qd4750_codes.json` holds many short lists under `lists` instead, each with its own source and validity.
Rows that nobody has compared with the original say `verified: false`. A code that a table does not know is
never an error: tables age, records stay.
"""
