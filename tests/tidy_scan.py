"""Scanners of the tidy test: what they find in a source text, nothing about what is allowed."""

import ast
import re
from dataclasses import dataclass
from typing import NamedTuple


class Function(NamedTuple):
    """A function with its first line and its length in lines, signature and docstring included."""

    name: str
    line: int
    length: int


@dataclass(frozen=True)
class Import:
    """One imported name, dotted and whole. `lazy`: inside a function."""

    name: str
    line: int
    lazy: bool


def python_functions(source: str) -> list[Function]:
    """Return all functions and methods; a nested one counts for itself and for its parent."""
    return [
        Function(node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def python_imports(source: str, *, package: str = "") -> list[Import]:
    """Return what is imported: `from a import b` gives a.b. `package` resolves relative imports."""
    found: list[Import] = []

    def visit(node: ast.AST, *, lazy: bool) -> None:
        for child in ast.iter_child_nodes(node):
            inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            if isinstance(child, ast.Import):
                found.extend(Import(alias.name, child.lineno, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = _absolute(child, package)
                found.extend(
                    Import(f"{base}.{alias.name}", child.lineno, inside) for alias in child.names
                )
            visit(child, lazy=inside)

    visit(ast.parse(source), lazy=False)
    return found


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def undocumented(source: str) -> list[str]:
    """Return public modules, classes, functions and methods that have no docstring."""
    tree = ast.parse(source)
    missing = [] if ast.get_docstring(tree) else ["the module"]

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_") or _is_derived(node):
                continue
            if not ast.get_docstring(node):
                missing.append(f"{prefix}{node.name} (line {node.lineno})")
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")

    visit(tree.body, "")
    return missing


def _is_derived(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A setter, an overload or an override says nothing that the first place did not say."""
    names = {ast.unparse(decorator).rsplit(".", 1)[-1] for decorator in node.decorator_list}
    return bool(names & {"setter", "overload", "override"})


# In flight/core, numbers must be the same on every machine and nothing may reach outside.
IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__"})
INEXACT = frozenset(
    "average cos cosh cumprod cumsum dot einsum exp exp2 expm1 hypot inner linalg log log10 log1p "
    "log2 matmul mean median nanmean nansum norm outer percentile pow power prod quantile random "
    "sin sinh std sum tan tanh tensordot trapezoid var vdot".split()
)


def impurities(source: str) -> list[str]:
    """Return what a pure, bit-exact module does without; a method counts whatever its object."""
    found = []
    for node in ast.walk(ast.parse(source)):
        where = f"line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in IMPURE_CALLS:
                found.append(f"{node.func.id}() at {where}")
        elif isinstance(node, ast.Attribute) and node.attr in INEXACT:
            found.append(f"{ast.unparse(node)} at {where}")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.MatMult):
            found.append(f"{'**' if isinstance(node.op, ast.Pow) else '@'} at {where}")
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
            found.append(f"async at {where}")
    return found


# Where a program reads the clock of the host: UTC, or a day of the calendar.
_HOST_CLOCK = frozenset(
    "time.time time.time_ns time.localtime time.gmtime time.ctime datetime.now datetime.utcnow "
    "datetime.today date.today time.CLOCK_REALTIME".split()
)


def host_clock_reads(source: str) -> list[str]:
    """Return where a module reads the clock of the host, or imports the means by name."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            name = ".".join(ast.unparse(node).split(".")[-2:])
            if name in _HOST_CLOCK:
                found.append(f"{name} at line {node.lineno}")
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            names = [alias.name for alias in node.names if f"time.{alias.name}" in _HOST_CLOCK]
            found.extend(f"from time import {name} at line {node.lineno}" for name in names)
    return found


_C_NOISE = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.DOTALL | re.VERBOSE
)
_C_DIRECTIVE = re.compile(r"^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_C_HEAD = re.compile(r"(\w+)\s*\([^;{}]*\)\s*$", re.DOTALL)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())


def c_code(source: str) -> str:
    """Return C source of the same shape without comments, strings and preprocessor lines."""
    code = _C_DIRECTIVE.sub(_blank, _C_NOISE.sub(_blank, source))
    return re.sub(r"extern\s+\{", _blank, code)  # what is left of extern "C" {


def c_functions(source: str) -> list[Function]:
    """Return the functions defined in a C file; the length runs from the name to the last brace."""
    code = c_code(source)
    found, depth, start, name, first = [], 0, 0, "", 0
    for i, character in enumerate(code):
        if character == "{":
            if depth == 0:
                head = _C_HEAD.search(code, start, i)
                name = head.group(1) if head else ""
                first = code.count("\n", 0, head.start()) + 1 if head else 0
            depth += 1
        elif character == "}":
            depth = max(0, depth - 1)
            if depth == 0 and name:
                found.append(Function(name, first, code.count("\n", 0, i) + 2 - first))
                name = ""
            start = i + 1
        elif character == ";" and depth == 0:
            start = i + 1
    return found


def undocumented_c(header: str) -> list[str]:
    """Return types and functions of a header that no /** comment stands before or behind."""
    code = c_code(header)
    missing, depth, start = [], 0, 0
    for i, character in enumerate(code):
        depth += (character == "{") - (character == "}")
        if character != ";" or depth > 0:
            continue
        depth = 0
        statement = code[start:i]
        first = start + len(statement) - len(statement.lstrip())
        line_end = header.find("\n", i)
        behind = header[i : line_end if line_end >= 0 else len(header)]
        comment = re.search(r"/\*\*(?:(?!\*/).)*\*/\s*$", header[:first], re.DOTALL)
        is_forward = re.fullmatch(r"\s*typedef\s+(?:struct|union)\s+\w+\s+\w+\s*", statement)
        if statement.strip() and not (comment or is_forward or "/**<" in behind):
            missing.append(f"line {header.count(chr(10), 0, first) + 1}: {_c_name(statement)}")
        start = i + 1
    return missing


def _c_name(statement: str) -> str:
    words = re.findall(r"enum\s+\w+|\w+(?=\s*\()|\w+\s*$", statement)
    return words[0].strip() if words else statement.strip()[:40]


def c_enumerators(header: str, prefix: str) -> list[str]:
    """Return the enumerators that begin with `prefix`, in order, without it and in lower case."""
    names = re.findall(rf"^\s*{prefix}(\w+)\s*=", c_code(header), re.MULTILINE)
    return [name.lower() for name in names]


def c_fields(header: str) -> list[str]:
    """Return the names of all fields of type double."""
    return re.findall(r"^\s*double\s+(\w+)\s*(?:\[|;)", c_code(header), re.MULTILINE)
