"""The table of ratios, and the targets."""

import collections

import io_report

# A ratio is how many times better Belfry is than the other: above 1, Belfry is ahead.


def higher_is_better(unit):
    return unit.endswith("/s") or unit.startswith("x ")


def value(row, contender):
    """A contender's value in a row, or None."""
    if contender == "belfry":
        return row["ours"]
    if contender == "floor":
        return row["floor"]
    return row["rivals"].get(contender)


def ratio(row, contender):
    """How many times better Belfry is, or None."""
    ours, theirs = row["ours"], value(row, contender)
    if ours is None or theirs is None or not ours or not theirs:
        return None
    return ours / theirs if higher_is_better(row["unit"]) else theirs / ours


# --- targets --------------------------------------------------------------------------------------

Target = collections.namedtuple("Target", "row text limit at_least measure")
# measure takes all rows by name and returns the value that the limit is for, or None.


def floor_share(row, limit):
    """Belfry's time is at most `limit` floors."""
    def measure(rows):
        better = ratio(rows[row], "floor")
        return better and 1 / better
    return Target(row, "x the floor", limit, False, measure)


def times_better(row, limit, *rivals):
    """Belfry is at least `limit` times better than the best of these forms of a rival."""
    def measure(rows):
        ratios = [ratio(rows[row], rival) for rival in rivals]
        return min((each for each in ratios if each is not None), default=None)
    return Target(row, f"x better than {rivals[0]}", limit, True, measure)


def share_of_best(row, limit):
    """Belfry's time is at most `limit` times that of the best rival."""
    def measure(rows):
        times = [time for time in rows[row]["rivals"].values() if time]
        return rows[row]["ours"] / min(times) if times and rows[row]["ours"] else None
    return Target(row, "x the best rival", limit, False, measure)


def share_of(row, limit, rival):
    """Belfry's time is at most `limit` times that of the rival."""
    def measure(rows):
        better = ratio(rows[row], rival)
        return better and 1 / better
    return Target(row, f"x {rival}", limit, False, measure)


def absolute(row, limit, at_least=False):
    def unit(rows):
        return rows[row]["ours"]
    return Target(row, "", limit, at_least, unit)


def absolute_of(contender, row, limit):
    """The same for a contender that is not the column "belfry"."""
    return Target(row, contender, limit, False, lambda rows: value(rows[row], contender))


def surely(row, limit):
    """Belfry's share of the floor, as low as it may be with 95 % confidence."""
    def measure(rows):
        return rows[row]["intervals"].get("belfry", [None])[0]
    return Target(row, "(lower bound)", limit, True, measure)


def grows_at_most(row, start, limit):
    """Belfry's value in one row is at most `limit` times that in another."""
    def measure(rows):
        first, last = (rows[name]["ours"] if name in rows else None for name in (start, row))
        return last / first if first and last else None
    return Target(row, f"x {start}", limit, False, measure)


def share_of_row(row, whole, limit, at_least=True):
    """Belfry's value in one row is at least, or at most, `limit` times that in another."""
    def measure(rows):
        part, all_ = (rows[name]["ours"] if name in rows else None for name in (row, whole))
        return part / all_ if part and all_ else None
    return Target(row, f"x {whole}", limit, at_least, measure)


def all_targets():
    same = {1: 1.9, 4: 1.0, 16: 0.8, 64: 0.6, 256: 0.6}
    for listeners, limit in same.items():
        row = f"sync_same_type/{listeners}"
        yield floor_share(row, limit)
        yield times_better(row, 8 if listeners == 1 else 12, "Boost.Signals2")
        yield times_better(row, 5, "POCO")
    for listeners, limit in {16: 1.25, 64: 0.4, 256: 0.3}.items():
        yield floor_share(f"sync_mixed_types/{listeners}", limit)
    yield absolute("sync_two_threads/4/scaling", 1.85, at_least=True)
    yield absolute("churn/4/publish", 25)
    yield absolute("churn/4/pairs", 1, at_least=True)
    for others in (0, 1000):
        yield share_of(f"subscribe_reset/{others}", 0.35, "Boost.Signals2")
    yield grows_at_most("subscribe_reset/1000", "subscribe_reset/0", 2)
    yield floor_share("types/100", 1.5)
    yield floor_share("types/1000", 2.0)
    for threads in ("1to1", "2to2"):
        for listeners in (1, 4):
            row = f"async/{threads}/{listeners}"
            yield times_better(row, 10, "Asio thread_pool")
            yield times_better(row, 4, "oneTBB queue", "oneTBB graph")
            yield times_better(row, 4, "mutex+condvar")
            last = (threads, listeners) == ("2to2", 4)
            yield times_better(row, 0.8 if last else 1, "moodycamel", "moodycamel blocking")
    yield share_of_row("keyed/2to2/10000 keys", "keyed/2to2/no keys", 0.7)
    yield share_of_best("idle_ping/1to1/p50", 1.05)
    yield share_of_best("idle_ping/1to1/p99", 1.3)
    yield absolute("idle_ping/spinning/p50", 500)
    yield times_better("post/2 pointers", 5, "Asio")
    yield share_of_best("post_ping/asleep/p50", 1.1)
    yield absolute("explore/3 events/schedules", 20, at_least=True)
    yield absolute("explore/300 events/deliveries", 1, at_least=True)
    for work, limit in {"arm": 0.25, "cancel": 0.07, "re-arm": 0.05, "fire": 0.02}.items():
        yield share_of(f"timers/{work}", limit, "libuv")
    yield share_of("timers/arm", 0.7, "libev")
    yield absolute("timer_memory/armed", 48)
    yield absolute("memory/inline publish", 0)
    yield absolute("memory/queued publish", 0)
    yield share_of_row("compose/3 parts/1 open", "compose/3 events/inline, with ids", 3,
                       at_least=False)
    yield absolute("compose/1000000 open/memory", 300)
    yield share_of("plugin/queued through a pool", 1.2, "in the program")
    yield absolute("header_cost/compile", 1.0)
    yield from io_targets()


def io_targets():
    for connections in (1, 100, 1000, 10000):
        shape = f"io_echo/{connections}x1"
        yield absolute(f"{shape}/instructions", 150)
        yield absolute_of("belfry events", f"{shape}/instructions", 300)
        yield absolute(f"{shape}/of floor", 0.97, at_least=True)
        yield surely(f"{shape}/of floor", 0.95)
    yield absolute("io_framed/100x16/of floor", 0.93, at_least=True)
    yield times_better("io_framed/100x16/rate", 1.4, "bufferevent")
    yield share_of("io_accept/64/CPU", 1.0, "libuv")
    yield absolute("io_idle/10000/memory", 128)


def judged(rows):
    """The targets whose work was measured: [(target, value or None, met)]."""
    by_name = {f"{row['work']}/{row['variant']}": row for row in rows}
    result = []
    for target in all_targets():
        if target.row not in by_name:
            continue
        measured = target.measure(by_name)
        if measured is None:
            result.append((target, None, False))
        else:
            met = measured >= target.limit if target.at_least else measured <= target.limit
            result.append((target, measured, met))
    return result


# --- the table ------------------------------------------------------------------------------------

def number(amount):
    """Three significant digits."""
    if amount is None:
        return ""
    if amount == 0:
        return "0"
    if abs(amount) >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.3g}"


def cell(row, contender):
    amount = value(row, contender)
    if amount is None:
        return "-"
    better = None if contender == "belfry" else ratio(row, contender)
    if better is None:
        return number(amount)
    return f"{number(amount)} ({number(better) if better >= 0.1 else f'{better:.2g}'})"


def verdicts(rows):
    """How many targets of a row are met: {row's name: 'met' | 'met 2 of 3' | 'MISSED'}."""
    counts = collections.defaultdict(list)
    for target, measured, met in judged(rows):
        if measured is not None:
            counts[target.row].append(met)
    return {name: "met" if all(met) else f"met {sum(met)} of {len(met)}" if any(met) else "MISSED"
            for name, met in counts.items()}


def show(rows):
    print("\nMedians; in parentheses how many times better Belfry is (above 1: Belfry is ahead).")
    verdict = verdicts(rows)
    # Works with the same contenders share the columns.
    for contenders, group in grouped([row for row in rows if not io_report.is_io(row)]):
        lines = [["work", "unit", *contenders, "targets"]]
        for row in group:
            name = f"{row['work']}/{row['variant']}"
            lines.append([name, row["unit"], *(cell(row, each) for each in contenders),
                          verdict.get(name, "")])
        print_columns(lines)
    io_report.show(rows)
    show_targets(rows)


def grouped(rows):
    """[(contenders, rows)], in the order of the rows."""
    groups = []
    for row in rows:
        if not groups or groups[-1][0] != row["work"]:
            groups.append((row["work"], []))
        groups[-1][1].append(row)
    merged = []
    for _, group in groups:
        names = {name for row in group for name in row["rivals"]}
        floor = any(row["floor"] is not None for row in group)
        unsafe = names & {"floor_unsafe"}
        contenders = ["belfry", *["floor"] * floor, *unsafe,
                      *sorted(names - unsafe, key=str.lower)]
        if merged and merged[-1][0] == contenders:
            merged[-1][1].extend(group)
        else:
            merged.append((contenders, list(group)))
    return merged


def print_columns(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    print()
    for line in lines:
        cells = [text.ljust(width) if i < 2 or i == len(line) - 1 else text.rjust(width)
                 for i, (text, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def show_targets(rows):
    results = judged(rows)
    if not results:
        return
    print(f"\nTargets: {sum(met for _, _, met in results)} of {len(results)} met")
    for target, measured, met in results:
        wanted = "at least" if target.at_least else "at most"
        mark = "met    " if met else "MISSED "
        if measured is None:
            mark, found = "unknown", "not measured"
        else:
            found = number(measured)
        print(f"  {mark}  {target.row:<28} {found:>8} {target.text:<34} "
              f"{wanted} {number(target.limit)}".rstrip())
