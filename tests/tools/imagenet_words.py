"""Write `pydream/dream/labels/words.txt` again: words of WordNet that mean several of ImageNet's 1,000 classes.

    python tests/tools/imagenet_words.py data.noun imagenet_synsets.txt

Both are files of packages; `pydream/dream/labels/README.md` says which.
"""

import sys
from collections import defaultdict
from pathlib import Path

from pydream.dream.objectives import channels_text

LEAST, MOST = 2, 500  # classes of a word: all things are an entity
HYPERNYM, INSTANCE = "@", "@i"


def read_nouns(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Read WordNet's nouns: offset of a synset → its words, and the offsets of its hypernyms. See wndb(5WN)."""
    nouns = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith(" "):  # the licence
            continue
        fields = line.split("|")[0].split(" ")
        count = int(fields[3], 16)
        words = [fields[4 + 2 * each].replace("_", " ").lower() for each in range(count)]
        pointers = fields[5 + 2 * count :]
        above = [pointers[at + 1] for at in range(0, len(pointers) - 3, 4) if pointers[at] in (HYPERNYM, INSTANCE)]
        nouns[fields[0]] = words, above
    return nouns


def words_of(nouns: dict[str, tuple[list[str], list[str]]], synsets: list[str]) -> dict[str, list[int]]:
    """Return each word with the classes that it stands for or that are a kind of it, where there are several."""
    found = defaultdict(set)
    for number, synset in enumerate(synsets):
        left, seen = [synset.removeprefix("n")], set()
        while left:
            offset = left.pop()
            if offset not in seen:
                seen.add(offset)
                words, above = nouns[offset]
                left += above
                for word in words:
                    found[word].add(number)
    return {word: sorted(numbers) for word, numbers in sorted(found.items()) if LEAST <= len(numbers) <= MOST}


if __name__ == "__main__":
    nouns, synsets = read_nouns(Path(sys.argv[1])), Path(sys.argv[2]).read_text(encoding="ascii").split()
    target = Path(__file__).parents[2] / "pydream" / "dream" / "labels" / "words.txt"
    lines = [f"{word}: {channels_text(numbers)}\n" for word, numbers in words_of(nouns, synsets).items()]
    target.write_text("".join(lines), encoding="ascii")
