"""Damage, by chance: what a test feeds to a reader that must only raise gankit's own errors."""

import copy
import struct

VALUES = [None, True, "", "x", -1, 0, 1, 2.5, 10**30, 1e308, float("nan"), [], {}, [[]], [1, "a"], {"a": 1}, "\ud800"]
NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def mutated(content, rng):
    """Bytes of which one to eight places are changed, cut, doubled or made a number that is too large."""
    found = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        if not found:
            break
        at = int(rng.integers(len(found)))
        match rng.integers(5):
            case 0:
                found[at] ^= 1 << int(rng.integers(8))
            case 1:
                found[at] = int(rng.integers(256))
            case 2:
                found[at : at + 4] = struct.pack("<I", NUMBERS[rng.integers(len(NUMBERS))])
            case 3:
                del found[at : at + int(rng.integers(1, 65))]
            case 4:
                found[at:at] = found[at : at + int(rng.integers(1, 65))]
    return bytes(found)


def altered(document, rng):
    """JSON of which one to three values are others, or missing, or twice."""
    found = copy.deepcopy(document)
    for _ in range(rng.integers(1, 4)):
        places = list(_places(found))
        if not places:
            return VALUES[rng.integers(len(VALUES))]
        holder, key = places[rng.integers(len(places))]
        match rng.integers(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case _:
                holder[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
    return found


def _places(value):
    """Every list or mapping with each of its places."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])
