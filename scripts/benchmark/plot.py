"""A picture of what scripts/bench has measured: two bars for each case and command, as SVG."""
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, GAP = 900, 380, 11, 8
COLOURS = {"ours": "#f05138", "reference": "#6ba5b8"}  # Swift's orange, Go's blue


def svg(rows, subtitle):
    """A chart of rows: a text, and the medians of the sides in milliseconds."""
    longest = max(max(medians.values()) for _, medians in rows)
    height = 70 + len(rows) * (2 * BAR + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
        f'font-size="11">', f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        '<text x="10" y="20" font-size="15">Milliseconds for one container, less is better</text>',
        f'<text x="10" y="38" fill="#555">{escape(subtitle)}</text>',
    ]
    for position, (side, colour) in enumerate(COLOURS.items()):
        left = 10 + position * 110
        lines.append(f'<rect x="{left}" y="46" width="10" height="10" fill="{colour}"/>')
        lines.append(f'<text x="{left + 14}" y="55">{side}</text>')
    top = 66
    for text, medians in rows:
        lines.append(f'<text x="{LABEL - 8}" y="{top + BAR + 4}" text-anchor="end">{escape(text)}</text>')
        for position, (side, colour) in enumerate(COLOURS.items()):
            if side not in medians:
                continue
            width = max(1, medians[side] / longest * (WIDTH - LABEL - 60))
            y = top + position * BAR
            lines.append(f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR - 1}" fill="{colour}"/>')
            lines.append(f'<text x="{LABEL + width + 4:.1f}" y="{y + BAR - 2}">{medians[side]:.1f}</text>')
        top += 2 * BAR + GAP
    return "\n".join(lines + ["</svg>", ""])
