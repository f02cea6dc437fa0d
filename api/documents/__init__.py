"""Documents that a client names instead of sending: published by an operator, or met before (persisted documents).

A document holds no data and gives no right. Whatever its name, it is decided for each request who may read what.
"""
