"""The notebook's four results, made again and held to what they were: results → known hashes → a report."""
