"""Tags of both kinds in one Arrow array, strings and whole numbers: 7 and "7" are two tags.

An array of tags is of strings or of int64; only where it has both it is a dense union of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpora.tokens.buffers import list_offsets

BOTH: Any = pa.dense_union([pa.field("name", pa.string()), pa.field("number", pa.int64())])
KINDS = (pa.string(), pa.int64())  # by code
NAME, NUMBER = "s", "n"  # what a tag begins with where both kinds are written as strings

Codes = npt.NDArray[np.int8]  # 0 for a string, 1 for a whole number


def joined_tags(names: Any, numbers: Any, codes: Codes) -> Any:
    """Return one array of tags; codes (n): 0 for the next of `names`, 1 for the next of `numbers`.

    >>> joined_tags(pa.array(["a"]), pa.array([7]), np.array([1, 0], np.int8)).to_pylist()
    [7, 'a']
    """
    if len(names) and len(numbers):
        return _union(names, numbers, codes)
    return numbers if len(numbers) else names


def taken_apart(tags: Any) -> tuple[Codes, Any, Any]:
    """Return the kind of each of n tags, the strings and the int64s, each in their order.

    >>> codes, names, numbers = taken_apart(pa.array([5, 6]))
    >>> codes.tolist(), names.to_pylist(), numbers.to_pylist()
    ([1, 1], [], [5, 6])
    """
    if not pa.types.is_union(tags.type):
        code = int(pa.types.is_integer(tags.type))
        codes = np.full(len(tags), code, np.int8)
        none: Any = pa.array([], KINDS[1 - code])
        return (codes, none, tags) if code else (codes, tags, none)
    # Not by `type_codes` and `offsets`: of a slice these give what the whole begins with.
    _, kinds, at = tags.buffers()[:3]
    n, first = len(tags), tags.offset
    codes = np.frombuffer(kinds, np.int8, n, first) if n else np.zeros(0, np.int8)
    places = np.frombuffer(at, np.int32, n, 4 * first) if n else np.zeros(0, np.int32)
    return codes, *(_child(tags.field(kind), places[codes == kind]) for kind in (0, 1))


def filtered(tags: Any, staying: npt.NDArray[np.bool_]) -> Any:
    """Return the tags that stay, (n) bool; of one kind, if only one is left.

    >>> both = joined_tags(pa.array(["a"]), pa.array([7]), np.array([1, 0], np.int8))
    >>> str(filtered(both, np.array([True, False])).type)
    'int64'
    """
    if not pa.types.is_union(tags.type):
        return tags.filter(pa.array(staying))
    codes, *kinds = taken_apart(tags)
    names, numbers = (
        some.filter(pa.array(staying[codes == code])) for code, some in enumerate(kinds)
    )
    return joined_tags(names, numbers, codes[staying])


def is_in(tags: Any, wanted: Sequence[Any]) -> npt.NDArray[np.bool_]:
    """Return which tags are among some others: strings, int64s, or an array of each.

    >>> is_in(pa.array(["7", "a"]), [pa.array([7]), pa.array(["a"])]).tolist()
    [False, True]
    """
    codes, *kinds = taken_apart(tags)
    found = np.zeros(len(tags), bool)
    for code, some in enumerate(kinds):
        for others in wanted:
            if len(some) and others.type == some.type:
                found[codes == code] = np.asarray(pc.is_in(some, others))
    return found


def as_strings(tags: Any, name: str = "", number: str = "") -> Any:
    """Return tags as strings, whole numbers in decimal; name, number: what each kind begins with.

    >>> as_strings(pa.array([7]), number="#").to_pylist()
    ['#7']
    """
    codes, names, numbers = taken_apart(tags)
    marked: list[Any] = [
        pc.binary_join_element_wise(pa.scalar(mark), texts.cast(pa.string()), pa.scalar(""))
        for mark, texts in ((name, names), (number, numbers))
    ]
    order = np.empty(len(codes), np.int64)
    order[codes == 0], order[codes == 1] = np.split(np.arange(len(codes)), [len(names)])
    return pa.concat_arrays(marked).take(pa.array(order))


def tag_lists(rows: Sequence[Sequence[str | int]]) -> Any:
    """Return the tags of rows as lists of strings, or of int64, or where there are both, of both.

    >>> tag_lists([["a"], [7, "b"]]).to_pylist(), str(tag_lists([[], [7]]).type.value_type)
    ([['a'], [7, 'b']], 'int64')
    """
    first = next((row[0] for row in rows if row), "")
    try:
        return pa.array(rows, pa.list_(KINDS[not isinstance(first, str)]))
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        tags = [tag for row in rows for tag in row]
    codes = np.array([not isinstance(tag, str) for tag in tags], np.int8)
    names: Any = pa.array([tag for tag in tags if isinstance(tag, str)], pa.string())
    numbers: Any = pa.array([tag for tag in tags if not isinstance(tag, str)], pa.int64())
    ends = np.cumsum([0, *map(len, rows)])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), _union(names, numbers, codes))


def lists_of_both(lists: Any) -> Any:
    """Return lists of tags of any kind as lists of the union of both, with nothing beside them.

    >>> lists_of_both(pa.array([[7]])).to_pylist(), str(lists_of_both(pa.array([["a"]])).type)[:16]
    ([[7]], 'list<item: dense')
    """
    codes, names, numbers = taken_apart(_inner(lists))
    return _relisted(lists, _union(names.cast(KINDS[0]), numbers.cast(KINDS[1]), codes))


def marked(lists: Any) -> Any:
    """Return lists of tags of both kinds as lists of strings that tell the kinds apart.

    >>> marked(tag_lists([["7", 7]])).to_pylist()
    [['s7', 'n7']]
    """
    return _relisted(lists, as_strings(_inner(lists), NAME, NUMBER))


def unmarked(texts: Any) -> Any:
    """Return the tags that `marked` made strings of.

    >>> unmarked(pa.array(["s7", "n7"])).to_pylist()
    ['7', 7]
    """
    numbers: Any = pc.starts_with(texts, NUMBER)
    rest: Any = pc.utf8_slice_codeunits(texts, 1)
    codes = np.asarray(numbers).astype(np.int8)
    return joined_tags(
        rest.filter(pc.invert(numbers)), rest.filter(numbers).cast(pa.int64()), codes
    )


def _union(names: Any, numbers: Any, codes: Codes) -> Any:
    places = np.where(codes == 0, np.cumsum(codes == 0), np.cumsum(codes == 1)) - 1
    kinds, at = pa.array(codes, pa.int8()), pa.array(places, pa.int32())
    return pa.UnionArray.from_dense(kinds, at, [names, numbers], ["name", "number"])


def _child(child: Any, places: npt.NDArray[np.int32]) -> Any:
    """Return the items of a union's child that are pointed at."""
    if len(places) == len(child) and (places == np.arange(len(places))).all():
        return child
    return child.take(pa.array(places))


def _inner(lists: Any) -> Any:
    ends = list_offsets(lists)
    return lists.values.slice(int(ends[0]), int(ends[-1] - ends[0]))


def _relisted(lists: Any, values: Any) -> Any:
    """Return lists as long as others, of other values."""
    ends: Any = list_offsets(lists)
    missing = lists.is_null() if lists.null_count else None
    return pa.ListArray.from_arrays(pa.array(ends - ends[0], pa.int32()), values, mask=missing)
