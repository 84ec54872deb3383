# SPDX-License-Identifier: GPL-2.0
"""Recorded machines: parts of sysfs and of what is beside it, as lines of text.

Each line is a path, a tab, and

    -> TARGET   a symbolic link,
    = TEXT      a line of a file of text,
    : HEX       the bytes of a file,
    /           a directory.

A tree is a dictionary of such entries by path: ("->", str), (":", bytes) or
("/", None).
"""
import os
import pathlib


def parse(text):
    """The tree that lines describe."""
    tree = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        path, tab, entry = line.partition("\t")
        kind, _, value = entry.partition(" ")
        if not tab or kind not in ("->", "=", ":", "/"):
            raise ValueError(f"line {number}: {line!r}")
        if kind == "=":
            so_far = tree.get(path, (":", b""))[1]
            tree[path] = (":", so_far + value.encode() + b"\n")
        elif kind == ":":
            tree[path] = (":", bytes.fromhex(value))
        else:
            tree[path] = (kind, value if kind == "->" else None)
    return tree


def make(place, kind, value):
    """Make a file, a directory or a link."""
    (place if kind == "/" else place.parent).mkdir(parents=True, exist_ok=True)
    if kind == ":":
        place.write_bytes(value)
    elif kind == "->":
        os.symlink(value, place)


def unpack(tree, root, strict=True):
    """Make the files of a tree below a directory.

    Nothing may be below a link, so that nothing is written through one. Unless
    it is to be strict, what has no place is left out.
    """
    links = {path for path, (kind, _) in tree.items() if kind == "->"}
    for path in tree:
        if any(str(p) in links for p in pathlib.PurePath(path).parents):
            raise ValueError(f"{path} is below a link")
    for path, (kind, value) in tree.items():
        try:
            make(pathlib.Path(root) / path, kind, value)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            if strict:
                raise


def remove(tree, *paths):
    """A tree without some paths and all that is below them."""
    return {path: entry for path, entry in tree.items()
            if not any(path == p or path.startswith(p + "/") for p in paths)}
