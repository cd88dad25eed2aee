"""The notebook's four results, reproduced and compared with known results: results → known hashes → a report.

    results   the four results, and `make`, which makes one and measures its time
    known     known.json: the hashes to compare with, and all that decides the pixels
    report    everything that a run made, and as JSON
    page      the report as one HTML file

Nothing here is public: `pydream reproduce` is the way in.
"""
