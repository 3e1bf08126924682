"""Writes a table of what takes longer, or does not, the more there are."""
import statistics


def table(what, times, sides):
    """Markdown of (how many, command, side) and their times in milliseconds; the first of how many is none."""
    counts = list(dict.fromkeys(count for count, _, _ in times))
    commands = list(dict.fromkeys(command for _, command, _ in times))
    sides = [side for side in sides if any(side == key[2] for key in times)]
    has_reference = len(sides) > 1 and sides[-1] == "reference"
    titles = [what, "command"]
    for side in sides:
        titles += [f"{side}, ms", "ratio to none"]
    titles += [f"{sides[0]} to the reference"] if has_reference else []
    lines = ["| " + " | ".join(titles) + " |", "| " + " | ".join(["---"] * len(titles)) + " |"]
    medians = {key: statistics.median(values) for key, values in times.items()}
    for count in counts:
        for command in commands:
            cells = [f"{count:,}" if isinstance(count, int) else count, command]
            for side in sides:
                key, none = (count, command, side), medians[counts[0], command, side]
                if key in times:
                    cells += [f"{medians[key]:.2f} ({min(times[key]):.2f} to {max(times[key]):.2f})",
                              f"{medians[key] / none:.2f}"]
                else:
                    cells += ["", ""]
            if has_reference:
                reference = medians.get((count, command, "reference"))
                ratio = medians[count, command, sides[0]] / reference if reference else None
                cells.append("" if ratio is None else f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.1g}")
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
