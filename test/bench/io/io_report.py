"""The tables of the I/O works: for each, a line for every contender."""

import math

COLUMNS = [  # of rows: the end of the variant, the heading
    ("of floor", "rate / floor's [95 %]"),
    ("CPU of floor", "floor's CPU / its"),
    ("rate", "k/s"),
    ("CPU", "CPU ns"),
    ("instructions", "instructions"),
    ("cycles", "cycles"),
    ("p50", "p50 us"),
    ("p99", "p99 us"),
    ("memory", "bytes"),
]


def is_io(row):
    return row["work"].startswith("io_")


def interval(values):
    """What holds the median with a probability of at least 95 %: two of the values in their order.

    The least and the greatest, when there are too few for that.
    """
    values = sorted(values)
    outside, chance = 0, 2 * 0.5 ** len(values)  # that the median lies beyond the outermost
    while True:
        chance += 2 * math.comb(len(values), outside + 1) * 0.5 ** len(values)
        if chance > 0.05 or outside + 1 >= len(values) / 2:
            return [values[outside], values[-1 - outside]]
        outside += 1


def values_of(row):
    """{contender: value}, the floor and Belfry first."""
    all_ = {"floor": row["floor"], "belfry": row["ours"], **row["rivals"]}
    return {name: value for name, value in all_.items() if value is not None}


def tables(rows):
    """[(name, lines)]: each line the contender and what its columns say."""
    groups = {}
    for row in filter(is_io, rows):
        shape, _, metric = row["variant"].partition("/")
        groups.setdefault(f"{row['work']}/{shape}", {})[metric] = row
    return [(name, lines(name, group)) for name, group in groups.items()]


def lines(name, group):
    columns = [(metric, heading) for metric, heading in COLUMNS if metric in group]
    contenders = list(dict.fromkeys(
        contender for metric, _ in columns for contender in values_of(group[metric])))
    contenders.sort(key=lambda contender: contender != "floor")
    result = [[name, *(heading for _, heading in columns)]]
    for contender in contenders:
        result.append([contender, *(cell(group[metric], contender) for metric, _ in columns)])
    return result


def cell(row, contender):
    value = values_of(row).get(contender)
    if value is None:
        return ""
    if row["unit"] != "x the floor":
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    low, high = row["intervals"][contender]
    return f"{value:.2f} [{low:.2f} {high:.2f}]"


def show(rows):
    for _, table in tables(rows):
        widths = [max(map(len, column)) for column in zip(*table)]
        print()
        for first, *rest in table:
            cells = [first.ljust(widths[0]),
                     *(text.rjust(width) for text, width in zip(rest, widths[1:]))]
            print("  ".join(cells).rstrip())
