#!/usr/bin/env python3
"""causes.py AUDIT_LOG [CORRELATION]: draws what caused what in one story, from the log and nothing else.

A story is named by its correlation id; without one it is the story of the last UserSignedUp. Each event
stands below the event in whose delivery it was published; behind the arrow are those who listen to it.
"""

import collections
import json
import sys


def read(path):
    events = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                events.append(json.loads(line))
            except json.JSONDecodeError as error:
                sys.exit(f"{path}:{number}: not a line of an audit log: {error}")
    return events


def short(event_id):
    return "#" + event_id.rpartition("-")[2]


def sequence(event):
    return int(event["id"].rpartition("-")[2])


def draw(event, children, prefix, last):
    """Yields the lines of an event and of all that it caused."""
    branch = "" if prefix is None else ("└─ " if last else "├─ ")
    listeners = ", ".join(event["listeners"]) or "nobody"
    linked = "".join(f" +{short(link)}" for link in event["links"])
    head = f"{prefix or ''}{branch}{event['event']} {short(event['id'])}{linked}"
    yield f"{head:<62} → {listeners}"
    below = "" if prefix is None else prefix + ("   " if last else "│  ")
    caused = sorted(children[event["id"]], key=sequence)
    for child in caused:
        yield from draw(child, children, below, child is caused[-1])


def main(arguments):
    if not 1 <= len(arguments) <= 2 or arguments[0].startswith("-"):
        sys.exit(__doc__)
    events = read(arguments[0])
    if len(arguments) == 2:
        story = arguments[1]
    else:
        signed_up = [event for event in events if event["event"] == "signup.user_signed_up"]
        if not signed_up:
            sys.exit(f"{arguments[0]}: nobody has signed up")
        story = signed_up[-1]["correlation"]

    told = [event for event in events if event["correlation"] == story]
    ids = {event["id"] for event in told}
    children = collections.defaultdict(list)
    for event in told:
        children[event["causation"]].append(event)
    roots = [event for event in told if event["causation"] not in ids]
    if not roots:
        sys.exit(f"{arguments[0]}: there is no story {story}")
    for root in sorted(roots, key=sequence):
        print("\n".join(draw(root, children, None, True)))


main(sys.argv[1:])
