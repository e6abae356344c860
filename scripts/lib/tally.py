#!/usr/bin/env python3
"""tally.py STEPS BUILD...: sums the cases of test runs into a closing line, "N passed, N failed[, N skipped]"; exit 1 where one failed.

STEPS has lines "passed NAME" or "failed NAME". BUILD/results/ctest.xml is CTest's own report; BUILD/results/TEST.xml, where a test wrote
one, has its cases (Catch2's XML reporter or pytest's JUnit). A test that died before its report was complete counts as one failed case."""
import os, sys
import xml.etree.ElementTree as ET
from collections import Counter


def catch2_cases(root):
    cases = root.find('OverallResultsCases').attrib
    failed = [case.get('name') for case in root.iter('TestCase') if case.find('OverallResult').get('success') == 'false']
    return Counter(passed=int(cases['successes']) + int(cases['expectedFailures']), failed=int(cases['failures']), skipped=int(cases.get('skips', 0))), failed


def junit_cases(root):
    count, failed = Counter(), []
    for case in root.iter('testcase'):
        bad, skipped = case.find('failure') is not None or case.find('error') is not None, case.find('skipped') is not None
        count['failed' if bad else 'skipped' if skipped else 'passed'] += 1
        if bad:
            failed.append(f"{case.get('classname')}::{case.get('name')}")
    return count, failed


def cases_of(report):
    """The cases a test reported, or None where it wrote no report or died while writing it."""
    try:
        root = ET.parse(report).getroot()
        return catch2_cases(root) if root.tag == 'Catch2TestRun' else junit_cases(root)
    except (OSError, ET.ParseError, AttributeError, KeyError):
        return None


def tally_test(test, results):
    name, status = test.get('name'), test.get('status')
    good, skipped = status == 'run', status in ('notrun', 'disabled') and test.find('skipped') is not None
    cases = cases_of(f'{results}/{name}.xml')
    if cases is None:
        outcome = 'passed' if good else 'skipped' if skipped and not os.path.exists(f'{results}/{name}.xml') else 'failed'
        return Counter({outcome: 1}), [] if outcome != 'failed' else [f'{name} (no complete report)']
    count, failed = cases
    if status == 'fail' and not count['failed']:
        return count + Counter(failed=1), [f'{name} (failed at its end)']
    return count, [f'{name}: {case}' for case in failed]


def tally_build(build):
    count, failed = Counter(), []
    for test in ET.parse(f'{build}/results/ctest.xml').getroot().iter('testcase'):
        c, f = tally_test(test, f'{build}/results')
        count += c
        failed += [f'{build}: {name}' for name in f]
    return count, failed


def tally_steps(path):
    rows = [line.split(' ', 1) for line in open(path).read().splitlines()] if os.path.exists(path) else []
    return Counter(verdict for verdict, _ in rows), [name for verdict, name in rows if verdict == 'failed']


def main(steps, *builds):
    count, failed = tally_steps(steps)
    for build in builds:
        c, f = tally_build(build)
        count += c
        failed += f
    for name in failed:
        print('failed:', name)
    print(f"{count['passed']} passed, {count['failed']} failed" + (f", {count['skipped']} skipped" if count['skipped'] else ''))
    return 1 if failed or count['failed'] or not count['passed'] else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
