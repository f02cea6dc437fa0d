"""What came in and where it went: sources as received, their links to patients, refusals, reviews.

`tables` keeps them, `people` decides who a source belongs to, `facts` shows the same event once, `store` writes a
batch of sources in one transaction.
"""
