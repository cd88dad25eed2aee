"""Files ↔ pictures: image files, films, contact sheets."""
