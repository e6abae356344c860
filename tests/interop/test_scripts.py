"""The scripts that judge the project: a wrong sum or a missed include would hide failures."""
import importlib.util, pathlib, subprocess, sys
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATCH2 = """<?xml version="1.0"?>
<Catch2TestRun name="t"><TestCase name="good"><OverallResult success="true" skips="0"/></TestCase>
<TestCase name="bad"><OverallResult success="false" skips="0"/></TestCase>
<OverallResultsCases successes="5" failures="{failures}" expectedFailures="0" skips="2"/></Catch2TestRun>"""
PYTEST = """<testsuites><testsuite><testcase classname="c" name="a"/><testcase classname="c" name="b"><failure/></testcase>
<testcase classname="c" name="d"><skipped/></testcase></testsuite></testsuites>"""


def script(path):
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tally(tmp_path):
    def run(tests, steps='', **reports):
        results = tmp_path / 'results'
        results.mkdir()
        rows = ''.join(f'<testcase name="{name}" status="{status}"/>' for name, status in tests.items())
        (results / 'ctest.xml').write_text(f'<testsuite>{rows}</testsuite>')
        for name, text in reports.items():
            (results / f'{name}.xml').write_text(text)
        (tmp_path / 'steps').write_text(steps)
        done = subprocess.run([sys.executable, ROOT / 'scripts/lib/tally.py', tmp_path / 'steps', tmp_path], capture_output=True, text=True)
        return done.stdout.splitlines()[-1], done.returncode
    return run


def test_tally_sums_the_cases_not_the_programs(tally):
    assert tally({'a': 'run', 'layering': 'run'}, a=CATCH2.format(failures=0).replace('"false"', '"true"')) == ('6 passed, 0 failed, 2 skipped', 0)


def test_tally_fails_on_a_failed_case(tally):
    assert tally({'a': 'fail', 'b': 'fail'}, a=CATCH2.format(failures=1), b=PYTEST) == ('6 passed, 2 failed, 3 skipped', 1)


def test_tally_counts_a_program_that_died_before_its_report_was_complete(tally):
    assert tally({'a': 'fail', 'b': 'run'}, a=CATCH2[:90]) == ('1 passed, 1 failed', 1)


def test_tally_counts_a_program_that_failed_after_its_cases(tally):
    passed = CATCH2.format(failures=0).replace('"false"', '"true"')
    assert tally({'a': 'fail'}, a=passed) == ('5 passed, 1 failed, 2 skipped', 1)


def test_tally_counts_steps(tally):
    assert tally({'a': 'run'}, steps='passed one\nfailed build asan\n') == ('2 passed, 1 failed', 1)


def test_tally_of_nothing_is_a_failure(tally):
    assert tally({}) == ('0 passed, 0 failed', 1)


@pytest.fixture
def layering(tmp_path, monkeypatch):
    module = script('tests/layering.py')
    monkeypatch.setattr(module, 'ROOT', tmp_path)

    def run(path, text):
        (tmp_path / 'lib').mkdir()
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        return module.main()
    return run


@pytest.mark.parametrize('path, include, violated', [
    ('lib/tensor/a.h', '"base/error.h"', False),
    ('lib/base/a.h', '"tensor/tensor.h"', True),
    ('lib/ops/a.cpp', '"lib/config/qconfig.h"', True),
    ('lib/exec/arm/a.cpp', '"kernels/contract.h"', False),
    ('kernels/gemm/a.cpp', '"base/error.h"', True),
    ('lib/exec/onednn/a.cpp', '<dnnl.hpp>', False),
    ('lib/exec/a.cpp', '<dnnl.hpp>', True),
    ('lib/graph/a.h', '<onnx/onnx_pb.h>', True),
    ('lib/onnxio/load.cpp', '<google/protobuf/message.h>', False),
    ('lib/base/a.cpp', '<CLI/CLI.hpp>', True),
    ('lib/surprise/a.cpp', '<string>', True),
])
def test_layering(layering, path, include, violated):
    assert layering(path, f'#include {include}\n') == violated


@pytest.mark.parametrize('module, violated', [('ops', False), ('base', True)])
def test_layering_of_precompiled_headers(layering, tmp_path, module, violated):
    headers = tmp_path / 'cmake/precompiled'
    headers.mkdir(parents=True)
    (headers / 'all.h').write_text('#include "cmake/precompiled/graph.h"\n')
    (headers / 'graph.h').write_text('#include "graph/model.h"\n')
    assert layering(f'lib/{module}/CMakeLists.txt', f'qtool_module({module} PRECOMPILED all)\n') == violated


@pytest.mark.parametrize('own, elsewhere, size, count', [
    (0.966, 0.97, 100, 0), (0.964, 0.97, 100, 1), (0.97, 0.964, 100, 1), (0.97, 0.97, 101, 1), (0.9, 0.9, 200, 3)])
def test_table_complains_of_lost_accuracy_and_of_size(own, elsewhere, size, count):
    table = script('scripts/tasks/table.py')
    rows = [{'peer': 'float', 'top1': 0.97}, {'peer': table.SIZE_PEER, 'top1': 0.97, 'file_kb': 100},
            {'task': 't', 'peer': 'qtool', 'top1': own, 'file_kb': size}, {'task': 't', 'peer': 'qtool file in ort', 'top1': elsewhere}]
    assert len(list(table.complaints(rows))) == count


def test_table_summary_names_the_fastest_peer_and_the_speed_up():
    table = script('scripts/tasks/table.py')
    rows = [{'peer': 'float', 'top1': 0.97}, {'peer': 'qtool', 'top1': 0.96, 'file_kb': 90}, {'peer': table.SIZE_PEER, 'failed': 'no'}]
    race = {'qtool-int8': 100, 'ort-int8': 150, 'openvino-int8': 120, 'xnnpack-int8': None, 'qtool-float': 300, 'ort-float': 330}
    row = table.summary('m', rows, {1: race, 2: {}})
    assert row == {'model': 'm', 'float': 0.97, 'qtool int8': '0.96, 90 KiB', 'ONNX Runtime min-max': '',
                   'int8 (1T)': '100 / 120 openvino = 1.20x', 'float (1T)': '300 / 330 ort = 1.10x'}


def test_weight_only_compares_with_onnx_runtime(qtool):
    """Small models: a row a model, form and number of rows, and no error beyond that of float sums."""
    command = [sys.executable, ROOT / 'scripts/tasks/weight_only.py', '--qtool', qtool, '--width', '64', '--words', '300', '--rounds', '1']
    rows = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(rows) == 18
    assert all(float(row.split('|')[5].split('(')[1].rstrip(') ')) < 1e-5 for row in rows), rows
