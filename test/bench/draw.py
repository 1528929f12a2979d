"""Draws the ratios of summary.json as an SVG that adapts to light and dark pages."""

import collections
import html
import math

import report

Panel = collections.namedtuple("Panel", "title works")
PANELS = (
    Panel("On the publishing thread", {
        "sync_same_type": "Publish to N inline listeners",
        "sync_mixed_types": "… of 16 callable types",
        "sync_two_threads": "Publish on two threads, 4 listeners",
        "churn": "Publish while another thread subscribes",
        "subscribe_reset": "Subscribe and reset beside N others",
        "types": "Publish N event types in random order",
        "memory": "Bytes",
        "header_cost": "A three-line program",
    }),
    Panel("Through workers", {
        "async": "Publishers to workers / listeners",
        "idle_ping": "From publish to a sleeping worker",
    }),
)
LEFT_OUT = {"sync_two_threads/4/one thread"}
AXIS_LABEL = "times better than this contender Belfry is (logarithmic)"

WIDTH, MARGIN = 960, 24
LABELS, VALUES = 300, 120  # the columns left and right of the plot
PLOT_LEFT, PLOT_RIGHT = MARGIN + LABELS, WIDTH - MARGIN - VALUES
ROW, GROUP, LEGEND = 21, 28, 22

# One colour and one shape for each contender of a panel, so that no one has to tell colours apart.
LIGHT = ("#0b62a4", "#c4500a", "#0a7d5a", "#a1337c", "#8a6d00", "#5a45c4", "#b3261e")
DARK = ("#6cb6f5", "#ff9d57", "#4fd1a5", "#f08cc8", "#e3c34d", "#b3a3ff", "#ff8a80")
SHAPES = (
    '<circle r="5.2"/>',
    '<rect x="-4.7" y="-4.7" width="9.4" height="9.4"/>',
    '<path d="M0-6 5.6 4.4H-5.6Z"/>',
    '<path d="M0-6.4 6.4 0 0 6.4-6.4 0Z"/>',
    '<path d="M0 6 5.6-4.4H-5.6Z"/>',
    '<path d="M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z"/>',
    '<path d="M0-6.2 5.9-1.9 3.6 5H-3.6L-5.9-1.9Z"/>',
)
FLOOR_SHAPES = {"floor": '<circle r="4.6"/>',
                "floor_unsafe": '<rect x="-4.2" y="-4.2" width="8.4" height="8.4"/>'}
FLOOR_NAMES = {"floor": "floor", "floor_unsafe": "floor, unsafe"}

STYLE = """
text { font: 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #24292f }
.page { fill: #ffffff } .title { font-size: 19px; font-weight: 600 }
.panel { font-size: 16px; font-weight: 600 } .group { font-weight: 600 }
.soft { fill: #59636e } .tick { fill: #59636e; font-size: 12px }
.grid { stroke: #d8dee4 } .row { stroke: #eef1f4 } .even { stroke: #24292f; stroke-width: 1.6 }
.mark { stroke: #ffffff; stroke-width: 1.2 }
.floor { fill: #ffffff; stroke: #59636e; stroke-width: 1.8 }
"""
STYLE_DARK = """
text { fill: #e6edf3 } .page { fill: #0d1117 } .soft, .tick { fill: #9198a1 }
.grid { stroke: #30363d } .row { stroke: #1c2129 } .even { stroke: #e6edf3 }
.mark { stroke: #0d1117 } .floor { fill: #0d1117; stroke: #9198a1 }
"""


def style():
    light = "".join(f".c{i} {{ fill: {color} }}\n" for i, color in enumerate(LIGHT))
    dark = "".join(f".c{i} {{ fill: {color} }}\n" for i, color in enumerate(DARK))
    return (f"<style>{STYLE}{light}@media (prefers-color-scheme: dark) {{{STYLE_DARK}{dark}}}"
            f"</style>")


def text(x, y, words, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f"{html.escape(words)}</text>")


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def mark(x, y, contender, order):
    if contender in FLOOR_SHAPES:
        shape, kind = FLOOR_SHAPES[contender], "floor"
    else:
        slot = order.index(contender) % len(SHAPES)
        shape, kind = SHAPES[slot], f"mark c{slot}"
    return f'<g transform="translate({x:.1f} {y:.1f})" class="{kind}">{shape}</g>'


def ratios(row):
    """[(contender, ratio)] of a row, floors first: what is drawn later lies on top."""
    names = ["floor_unsafe", "floor"] + [each for each in row["rivals"] if each != "floor_unsafe"]
    found = [(name, report.ratio(row, name)) for name in names]
    return [(name, each) for name, each in found if each is not None]


class Scale:
    """From a ratio to x, over whole decades that hold all of them and 1."""

    def __init__(self, all_ratios):
        logs = [math.log10(each) for each in all_ratios] + [-0.1, 0.1]
        self.low, self.high = math.floor(min(logs)), math.ceil(max(logs))

    def x(self, ratio):
        part = (math.log10(ratio) - self.low) / (self.high - self.low)
        return PLOT_LEFT + part * (PLOT_RIGHT - PLOT_LEFT)

    def decades(self):
        return [10.0 ** exponent for exponent in range(self.low, self.high + 1)]


def drawn(rows, panel):
    """The rows of a panel by work, those with something to compare."""
    groups = {}
    for work in panel.works:
        group = [row for row in rows if row["work"] == work and ratios(row)
                 and f"{work}/{row['variant']}" not in LEFT_OUT
                 and not row["variant"].endswith("/deliveries")]
        if group:
            groups[work] = group
    return groups


def draw_legend(y, order, floors):
    parts, x = [], MARGIN
    for name in [*floors, *order]:
        wide = 38 + 7.2 * len(name)
        if x + wide > WIDTH - MARGIN:
            x, y = MARGIN, y + LEGEND
        parts += [mark(x + 6, y - 4.5, name, order), text(x + 18, y, FLOOR_NAMES.get(name, name))]
        x += wide
    return parts, y + LEGEND


def draw_axis(y_top, y_bottom, scale):
    parts = []
    for ratio in scale.decades():
        x = scale.x(ratio)
        parts.append(line(x, y_top, x, y_bottom, "even" if ratio == 1 else "grid"))
        parts.append(text(x, y_bottom + 17, f"{ratio:g}×", "tick", "middle"))
    one = scale.x(1)
    parts.append(text(one + 8, y_top - 5, "Belfry ahead →", "tick"))
    if scale.low < 0:
        parts.append(text(one - 8, y_top - 5, "← Belfry behind", "tick", "end"))
    middle = (PLOT_LEFT + PLOT_RIGHT) / 2
    parts.append(text(middle, y_bottom + 36, AXIS_LABEL, "soft", "middle"))
    return parts


def draw_row(y, row, scale, order):
    unit = "x" if row["unit"].startswith("x ") else row["unit"]
    parts = [
        text(PLOT_LEFT - 14, y + 4.5, row["variant"], "", "end"),
        line(PLOT_LEFT, y, PLOT_RIGHT, y, "row"),
        text(WIDTH - MARGIN, y + 4.5, f"{report.number(row['ours'])} {unit}", "soft", "end"),
    ]
    return parts, [mark(scale.x(ratio), y, name, order) for name, ratio in ratios(row)]


def draw_panel(y, panel, groups):
    found = [pair for group in groups.values() for row in group for pair in ratios(row)]
    names = {name for name, _ in found}
    order = sorted(names - set(FLOOR_SHAPES), key=str.lower)
    scale = Scale([ratio for _, ratio in found])

    parts = [text(MARGIN, y, panel.title, "panel")]
    legend, y = draw_legend(y + 26, order, [name for name in FLOOR_SHAPES if name in names])
    parts.append(text(WIDTH - MARGIN, y + 14, "Belfry", "soft", "end"))
    top, y = y + 20, y + 12
    below, above = [], []
    for work, group in groups.items():
        y += GROUP
        below.append(text(MARGIN, y, panel.works[work], "group"))
        for row in group:
            y += ROW
            labels, marks = draw_row(y, row, scale, order)
            below += labels
            above += marks
    bottom = y + 16
    return parts + legend + draw_axis(top, bottom, scale) + below + above, bottom + 76


def svg(rows):
    parts, y = [text(MARGIN, 38, "Belfry and its rivals, in one run", "title")], 76
    for panel in PANELS:
        groups = drawn(rows, panel)
        if groups:
            drawing, y = draw_panel(y, panel, groups)
            parts += drawing
    height = y - 24
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" role="img">',
        "<title>How many times better Belfry is than each rival, by work</title>",
        style(), f'<rect width="{WIDTH}" height="{height:.0f}" class="page"/>', *parts, "</svg>",
    ]) + "\n"
