"""People who act for others: until which age parents may, what a delegate may be given, how a right begins and ends.

The rows are `domain/related_persons.py`; `access.begin` reads them at every request. The terms of a right never change:
it ends, and another one begins, so that what was open on a day can be told years later.
"""
