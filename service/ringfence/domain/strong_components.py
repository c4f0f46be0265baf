"""The knots of a directed graph: sets of nodes each of which leads to every other (Tarjan, SIAM J. Comput. 1972)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def strong_components(after: Mapping[str, Sequence[str]]) -> list[frozenset[str]]:
    """Every knot that a walk can go round in: of two nodes or more, or of one that leads to itself. Linear in nodes and
    edges; without recursion, for a chain may be as long as the table."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_nodes: list[str] = []
    is_open: set[str] = set()
    found: list[frozenset[str]] = []

    def enter(node: str) -> tuple[str, Iterator[str]]:
        index[node] = lowest[node] = len(index)
        open_nodes.append(node)
        is_open.add(node)
        return node, iter(after.get(node, ()))

    for root in after:
        walk = [] if root in index else [enter(root)]
        while walk:
            node, further = walk[-1]
            following = next(further, None)
            if following is None:
                walk.pop()
                if walk:
                    lowest[walk[-1][0]] = min(lowest[walk[-1][0]], lowest[node])
                if lowest[node] == index[node]:
                    place = _place(open_nodes, node)
                    knot = open_nodes[place:]
                    del open_nodes[place:]
                    is_open.difference_update(knot)
                    if len(knot) > 1 or node in after.get(node, ()):
                        found.append(frozenset(knot))
            elif following not in index:
                walk.append(enter(following))
            elif following in is_open:
                lowest[node] = min(lowest[node], index[following])
    return found


def _place(nodes: list[str], wanted: str) -> int:
    """From the end, where it is: the walk stays linear."""
    place = len(nodes) - 1
    while nodes[place] != wanted:
        place -= 1
    return place
