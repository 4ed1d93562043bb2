"""Imports the Autobahn testsuite, which is Python 2 source, into Python 3.9 and later.

An import hook translates the package's modules in memory: lib2to3 changes the syntax, a small pass over the syntax tree
changes what only shows at run time (`str.encode`, integer division). A byte string of the suite becomes a `str` whose
characters are its bytes (Latin-1); wstest3.py turns those into real bytes where they meet Autobahn|Python.
"""

import ast
import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import warnings

warnings.simplefilter("ignore")

try:
    from lib2to3 import refactor

    FIXERS = "lib2to3.fixes.fix_"
except ImportError:  # Python 3.13 dropped it; the package fissix carries it on
    from fissix import refactor

    FIXERS = "fissix.fixes.fix_"

PACKAGE = "autobahntestsuite"
SYNTAX = "print except raise has_key dict xrange unicode basestring long exec ne repr numliterals map filter zip import"

translator = refactor.RefactoringTool([FIXERS + name for name in SYNTAX.split()])


def to_bytes(value):
    """Real bytes for a byte string of the suite; anything else as it is."""
    return value.encode("latin-1") if isinstance(value, str) else value


def to_text(value):
    """The suite's form of bytes; anything else as it is."""
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else value


def py2_encode(value, encoding="ascii", errors="strict"):
    """`value.encode` with a byte string as its result; Python 2 encoded lone surrogates without complaint."""
    if hasattr(value, "encode") and not isinstance(value, str):
        return value.encode(encoding, errors)
    if encoding.lower().replace("-", "") == "utf8" and errors == "strict":
        errors = "surrogatepass"
    return value.encode(encoding, errors).decode("latin-1")


def py2_decode(value, encoding="ascii", errors="strict"):
    """`value.decode` of a byte string."""
    return to_bytes(value).decode(encoding, errors)


def py2_divide(left, right):
    """`left / right`, rounded down between integers."""
    return left // right if isinstance(left, int) and isinstance(right, int) else left / right


def py2_type(*arguments):
    """`type` with three arguments took `object` before other bases; Python 3 finds no method order for that."""
    if len(arguments) == 1:
        return type(*arguments)
    name, bases, members = arguments
    return type(name, tuple(base for base in bases if base is not object or len(bases) == 1), members)


class RunTimeDifferences(ast.NodeTransformer):
    """Sends calls whose meaning changed to the functions above."""

    def visit_Call(self, node):
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Attribute) and node.func.attr in ("encode", "decode")):
            return node
        function = ast.Name(id="py2_" + node.func.attr, ctx=ast.Load())
        call = ast.Call(func=function, args=[node.func.value, *node.args], keywords=node.keywords)
        return ast.copy_location(call, node)

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        function = ast.Name(id="py2_divide", ctx=ast.Load())
        return ast.copy_location(ast.Call(func=function, args=[node.left, node.right], keywords=[]), node)

    def visit_Import(self, node):
        for alias in node.names:
            if alias.name in ("binascii", "hashlib"):
                alias.asname, alias.name = alias.asname or alias.name, "py2_" + alias.name
        return node


class ReportFile:
    """A report opened for writing: Python 2 wrote bytes, the translated suite writes text."""

    def __init__(self, path):
        self._file = open(path, "wb")  # noqa: SIM115 the suite closes it

    def write(self, text):
        wide = any(ord(character) > 255 for character in text)
        self._file.write(text.encode("utf-8", "surrogateescape") if wide else to_bytes(text))

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def py2_open(path, mode="r"):
    """`open` for the modules that write reports."""
    return ReportFile(path) if mode == "w" else open(path, mode)


class Loader(importlib.machinery.SourceFileLoader):
    """Compiles one module of the suite after translation."""

    def get_code(self, fullname):
        with open(self.path, encoding="latin-1") as file:  # a literal beyond ASCII is its UTF-8 bytes
            source = file.read()
        if not source.endswith("\n"):
            source += "\n"
        source = str(translator.refactor_string(source.expandtabs(), self.path))
        tree = ast.fix_missing_locations(RunTimeDifferences().visit(ast.parse(source, self.path)))
        return compile(tree, self.path, "exec", dont_inherit=True)

    def exec_module(self, module):
        module.__dict__.update(unichr=chr, type=py2_type)
        if module.__name__.split(".")[-1] in ("fuzzing", "report"):
            module.__dict__["open"] = py2_open
        super().exec_module(module)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the suite's modules before the ordinary import does."""

    def __init__(self):
        self._root = os.path.dirname(importlib.machinery.PathFinder.find_spec(PACKAGE).origin)

    def find_spec(self, name, path=None, target=None):
        if name != PACKAGE and not name.startswith(PACKAGE + "."):
            return None
        place = os.path.join(self._root, *name.split(".")[1:])
        if os.path.isdir(place):
            file = os.path.join(place, "__init__.py")
            return importlib.util.spec_from_file_location(
                name, file, loader=Loader(name, file), submodule_search_locations=[place]
            )
        file = place + ".py"
        if os.path.exists(file):
            return importlib.util.spec_from_file_location(name, file, loader=Loader(name, file))
        return None


def install():
    """From here on `import autobahntestsuite` is the translated suite."""
    for function in (py2_encode, py2_decode, py2_divide):
        setattr(builtins, function.__name__, function)
    sys.meta_path.insert(0, Finder())
