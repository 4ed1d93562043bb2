"""Reads the functions that a C header declares, so that scripts can compare them with what a library exports and with what
a binding calls. The compiler's preprocessor does the hard part; what is left are declarations that end in semicolons."""

import re
import subprocess
from dataclasses import dataclass

# Integer types of the contract: size in bytes and whether signed, as on every 64-bit Linux.
INTEGERS = {
    "char": (1, True), "int8_t": (1, True), "uint8_t": (1, False), "int16_t": (2, True), "uint16_t": (2, False),
    "int": (4, True), "int32_t": (4, True), "uint32_t": (4, False), "int64_t": (8, True), "uint64_t": (8, False),
    "size_t": (8, False),
}  # fmt: skip


@dataclass(frozen=True)
class Function:
    """One declaration: its name, the kind of its result, and the kinds and texts of its parameters."""

    name: str
    result: str
    parameters: tuple[str, ...]
    texts: tuple[str, ...]


def functions(header, compiler="cc"):
    """All functions that this header itself declares (not those of the headers that it includes), by name."""
    declarations = _declarations(_own_text(header, compiler))
    callbacks = {name for name in (_callback_name(text) for text in declarations) if name}
    found = [_function(text, callbacks) for text in declarations]
    return {function.name: function for function in found if function}


def version(header):
    """The version that the header states, as text."""
    with open(header, encoding="utf-8") as file:
        text = file.read()
    parts = [re.search(rf"#define WSSWIFT_VERSION_{part} (\d+)", text).group(1) for part in ("MAJOR", "MINOR", "PATCH")]
    return ".".join(parts)


def _own_text(header, compiler):
    """The preprocessed text without what came from other files, told apart by the line markers."""
    command = [compiler, "-E", "-std=c99", str(header)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ours, lines = False, []
    for line in output.splitlines():
        marker = re.match(r'# \d+ "(.*?)"', line)
        if marker:
            ours = marker.group(1) == str(header)
        elif ours:
            lines.append(line)
    return "\n".join(lines)


def _declarations(text):
    """The text between semicolons outside braces, with attributes and white space removed."""
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", text, flags=re.S)
    depth, current, found = 0, [], []
    for character in text:
        depth += (character == "{") - (character == "}")
        if character == ";" and depth == 0:
            found.append(" ".join("".join(current).split()))
            current = []
        else:
            current.append(character)
    return found


def _callback_name(declaration):
    match = re.match(r"typedef [^{]*\(\s*\*\s*(\w+)\s*\)\s*\(", declaration)
    return match.group(1) if match else None


def _function(declaration, callbacks):
    match = re.match(r"(?!typedef\b)([\w\s*]+?)\b(\w+)\s*\((.*)\)$", declaration)
    if not match:
        return None
    result, name, inside = match.groups()
    texts = () if inside.strip() in ("", "void") else tuple(part.strip() for part in inside.split(","))
    return Function(name, _kind(result, callbacks), tuple(_kind(text, callbacks, True) for text in texts), texts)


def _kind(text, callbacks, named=False):
    """A type as a binding sees it: pointer, callback, void, or an integer such as u8 bytes wide: "unsigned 8"."""
    if "*" in text or "[" in text:
        return "pointer"
    words = [word for word in text.split() if word not in ("const", "extern", "enum")]
    words = words[:-1] if named and len(words) > 1 else words
    if words == ["void"]:
        return "void"
    if len(words) == 1 and words[0] in callbacks:
        return "callback"
    if len(words) == 1 and words[0] in INTEGERS:
        size, signed = INTEGERS[words[0]]
        return f"{'signed' if signed else 'unsigned'} {size}"
    raise ValueError(f"this type has no place in the contract: {text!r}")
