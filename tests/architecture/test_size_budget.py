"""Files of 500 lines, functions of 60, classes of 300, task bodies of 15; and files that are short as a rule."""

import ast
from statistics import median

from tests.architecture.source_tree import parsed, python_files, shown

LONGEST_FILE, LONGEST_FUNCTION, LONGEST_CLASS, LONGEST_TASK = 500, 60, 300, 15
MEDIAN_FILE = 100


def _lines(node: ast.AST) -> int:
    """Lines of a definition without its docstring and decorators."""
    body = node.body
    has_text = body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    text = body[0].end_lineno - body[0].lineno + 1 if has_text and isinstance(body[0].value.value, str) else 0
    return node.end_lineno - node.lineno + 1 - text


def _is_task(node: ast.AST) -> bool:
    return any("shared_task" in ast.unparse(one) for one in getattr(node, "decorator_list", []))


def _definitions(kind):
    for path in python_files():
        for node in ast.walk(parsed(path)):
            if isinstance(node, kind):
                yield path, node


def test_no_file_is_longer_than_its_budget():
    lengths = {shown(path): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}
    assert median(lines for lines in lengths.values() if lines > 1) < MEDIAN_FILE


def test_no_function_is_longer_than_its_budget():
    found = _definitions((ast.FunctionDef, ast.AsyncFunctionDef))
    long = [
        (shown(path, node.lineno), node.name, _lines(node)) for path, node in found if _lines(node) > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_class_is_longer_than_its_budget():
    long = [
        (shown(path, node.lineno), node.name)
        for path, node in _definitions(ast.ClassDef)
        if _lines(node) > LONGEST_CLASS
    ]
    assert long == []


def test_no_task_is_longer_than_its_budget():
    tasks = [(path, node) for path, node in _definitions(ast.FunctionDef) if _is_task(node)]
    assert tasks, "no task was found: the check looks at the wrong files"
    assert [(shown(path), node.name) for path, node in tasks if _lines(node) > LONGEST_TASK] == []
