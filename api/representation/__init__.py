"""People who act for others: who may, inviting and accepting, ending, and what a child from fifteen on shares."""
