"""Side-by-side measurements of healthbook: `python -m benchmarks`. Method and results: docs/benchmarks.md."""
