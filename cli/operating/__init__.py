"""What `healthbook clients`, `organizations` and `keys` do once they run; their options stand beside `cli/main.py`."""
