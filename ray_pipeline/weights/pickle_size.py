"""What a pickle would build, counted without building it.

A few hundred bytes can name lists of lists of lists that share each other: whoever walks them,
hashes them or writes them out never ends. So the program of a pickle is followed here with
nothing but a node for each container, and what it would unfold to is added up.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from typing import IO

MAX_DEPTH = 40  # the original's checkpoints nest six deep
MAX_ITEMS = 2_000_000  # a training checkpoint of the largest model has some 50,000
_MAX_OPCODES = 4_000_000

_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE")
_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BINUNICODE8", "BYTEARRAY8")
_PUSHES_VALUE = frozenset(
    (*_NUMBERS, *_TEXTS, *_BYTES, "NONE", "NEWTRUE", "NEWFALSE", "GLOBAL"),
)
_EMPTY_CONTAINERS = frozenset(("EMPTY_LIST", "EMPTY_DICT", "EMPTY_TUPLE", "EMPTY_SET"))
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_FROM_MARK = frozenset(("TUPLE", "LIST", "DICT", "FROZENSET"))
_INTO_CONTAINER = {"APPEND": 1, "SETITEM": 2, "BUILD": 1}
_MARKED_INTO_CONTAINER = frozenset(("APPENDS", "SETITEMS", "ADDITEMS"))
_PAIRS = frozenset(("REDUCE", "NEWOBJ", "STACK_GLOBAL"))
_PUTS = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_GETS = frozenset(("GET", "BINGET", "LONG_BINGET"))
_NOTHING = frozenset(("PROTO", "FRAME"))


class TooMuch(ValueError):
    """A pickle would build more than any weight file has, or cannot be followed."""


class _Node:
    """A container, by what is put into it."""

    __slots__ = ("items",)

    def __init__(self, items: list[_Node | None] | None = None) -> None:
        self.items = items or []


_Stack = list["_Node | None"]


def check_pickle(stream: IO[bytes]) -> None:
    """Read one pickle from `stream`. Raises TooMuch for one that would unfold to over
    `MAX_ITEMS` values, nests deeper than `MAX_DEPTH`, holds itself, or has opcodes that weight
    files have no need of."""
    try:
        _check_unfolded(_follow(pickletools.genops(stream)))
    except TooMuch:
        raise
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise TooMuch(f"it is no complete pickle ({error})") from error


def _follow(opcodes: Iterator[tuple[pickletools.OpcodeInfo, object, int | None]]) -> _Node | None:
    """The pickle's result as nodes; None for a plain value."""
    stack: _Stack = []
    below: list[_Stack] = []
    memo: dict[int, _Node | None] = {}
    for count, (opcode, argument, _) in enumerate(opcodes):
        name = opcode.name
        if count > _MAX_OPCODES:
            raise TooMuch("it has millions of instructions")
        if name in _PUSHES_VALUE:
            stack.append(None)
        elif name in _PUTS:
            memo[int(str(argument))] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in _GETS:
            stack.append(memo[int(str(argument))])
        elif name == "MARK":
            below.append(stack)
            stack = []
        elif name in _EMPTY_CONTAINERS:
            stack.append(_Node())
        elif name in _TUPLES:
            stack[-_TUPLES[name] :] = [_Node(stack[-_TUPLES[name] :])]
        elif name in _FROM_MARK:
            items, stack = stack, below.pop()
            stack.append(_Node(items))
        elif name in _INTO_CONTAINER:
            added = stack[-_INTO_CONTAINER[name] :]
            del stack[-_INTO_CONTAINER[name] :]
            _put_into(stack, added)
        elif name in _MARKED_INTO_CONTAINER:
            added, stack = stack, below.pop()
            _put_into(stack, added)
        elif name in _PAIRS:
            stack[-2:] = [_Node(stack[-2:])]
        elif name == "BINPERSID":
            stack[-1:] = [_Node(stack[-1:])]
        elif name == "POP":
            stack.pop()
        elif name == "POP_MARK":
            stack = below.pop()
        elif name == "STOP":
            return stack.pop()
        elif name not in _NOTHING:
            raise TooMuch(f"it uses the instruction {name}")
    raise TooMuch("it ends in the middle")


def _put_into(stack: _Stack, added: _Stack) -> None:
    container = stack[-1]
    if container is None:  # a plain value takes nothing; torch's reader refuses it then
        raise TooMuch("it puts something into a plain value")
    container.items += added


def _check_unfolded(root: _Node | None) -> None:
    """Adds up from the leaves, without recursion: the pickle may nest as deep as it is long."""
    sizes: dict[int, tuple[int, int]] = {}  # by id: how many values, how deep
    open_nodes: set[int] = set()
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting[-1]
        if id(node) in sizes:
            waiting.pop()
            continue
        children = [item for item in node.items if item is not None]
        missing = [child for child in children if id(child) not in sizes]
        if missing:
            if id(node) in open_nodes or any(id(child) in open_nodes for child in missing):
                raise TooMuch("it holds itself")
            open_nodes.add(id(node))
            waiting += missing
            continue
        open_nodes.discard(id(node))
        known = [sizes[id(child)] for child in children]
        size = len(node.items) + 1 + sum(size for size, _ in known)
        depth = 1 + max((depth for _, depth in known), default=0)
        if size > MAX_ITEMS:
            raise TooMuch(f"it unfolds to over {MAX_ITEMS:,} values")
        if depth > MAX_DEPTH:
            raise TooMuch(f"it nests deeper than {MAX_DEPTH}")
        sizes[id(node)] = (size, depth)
