"""What the gallery shows of an example: the dreams that its last lines leave in variables."""

from sphinx_gallery.scrapers import figure_rst

from pydream import Dream


def scraper(block, block_vars, gallery_conf):
    """Save the dreams of this block that no block before had; return the text that shows them."""
    names = block_vars["example_globals"]
    shown = names.setdefault("__shown__", set())
    paths = []
    for dream in [value for value in names.values() if isinstance(value, Dream) and id(value) not in shown]:
        shown.add(id(dream))
        paths.append(next(block_vars["image_path_iterator"]))
        dream.save(paths[-1])
    return figure_rst(paths, gallery_conf["src_dir"])
