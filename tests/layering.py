#!/usr/bin/env python3
"""Holds the #includes of lib/, kernels/ and cmd/ against the direction of dependencies, and third-party headers against their one owner."""
import pathlib, re, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Direct dependencies; a module may include what these may include too.
DIRECT = {
    'base': [], 'tensor': ['base'], 'graph': ['tensor'], 'onnxio': ['graph'], 'ops': ['graph'], 'config': ['graph'],
    'observe': ['tensor'], 'data': ['tensor', 'onnxio'], 'pass': ['ops', 'config'], 'exec': ['pass', 'kernels'], 'kernels': [],
    'calibrate': ['exec', 'observe', 'data'], 'quantize': ['pass', 'exec', 'observe', 'config', 'data'],
    'debug': ['quantize'],
}
# Third-party header -> the only folder that sees it.
OWNERS = {r'onnx/|google/protobuf/': 'lib/onnxio', r'dnnl|oneapi/': 'lib/exec/onednn', r'CLI/': 'cmd'}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def closure(module):
    seen, queue = set(), [module]
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += DIRECT[name]
    return seen


def sources(folder):
    return sorted(f for f in (ROOT / folder).rglob('*') if f.suffix in ('.h', '.cpp', '.inc'))


def includes(file):
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if found := INCLUDE.match(line):
            yield number, found[1]


def module_of(include):
    parts = include.split('/')
    if parts[0] == 'lib':
        parts = parts[1:]
    return parts[0] if len(parts) > 1 and parts[0] in DIRECT else None


def violations(file, allowed):
    where = file.relative_to(ROOT).as_posix()
    for number, include in includes(file):
        module = module_of(include)
        if module and module not in allowed:
            yield f'{where}:{number}: includes {include}: {module} is not below {where.split("/")[-2]}'
        for pattern, owner in OWNERS.items():
            if not module and re.match(pattern, include) and not where.startswith(owner + '/'):
                yield f'{where}:{number}: includes {include}: only {owner} may'


def precompiled_headers(folder):
    """The headers that a module's files begin with (cmake/QtoolPrecompiled.cmake): what they include is as if it stood in each."""
    module = ROOT / folder / 'CMakeLists.txt'
    described = module.exists() and re.search(r'PRECOMPILED (\w+)', module.read_text())
    queue = [f'cmake/precompiled/{described[1]}.h'] if described else []
    while queue:
        yield (file := ROOT / queue.pop())
        queue += [include for _, include in includes(file) if include.startswith('cmake/')]


def main():
    found = []
    for module in DIRECT:
        folder = 'kernels' if module == 'kernels' else f'lib/{module}'
        for file in [*sources(folder), *precompiled_headers(folder)]:
            found += violations(file, closure(module))
    for file in sources('cmd'):
        found += violations(file, set(DIRECT))
    found += [f'lib/{f.name}: no such module in {__file__}' for f in sorted((ROOT / 'lib').iterdir()) if f.is_dir() and f.name not in DIRECT]
    print('\n'.join(found) or 'layering holds')
    return bool(found)


if __name__ == '__main__':
    sys.exit(main())
