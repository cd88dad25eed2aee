"""Tables of Markdown, for the documents."""


def markdown(head, rows):
    """Lay out rows as a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |" for line in lines)
