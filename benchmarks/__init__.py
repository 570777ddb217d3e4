"""Speed, as ratios from one run: `make bench`, or `python -m benchmarks NAME`. Not part of the installed package."""
