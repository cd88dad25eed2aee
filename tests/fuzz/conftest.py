"""The driver's files are programs, run by hand (CONTRIBUTING.md): no doctests are looked for in them."""

collect_ignore = ["drive.py", "make_corpus.py", "run.py"]
