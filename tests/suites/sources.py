# SPDX-License-Identifier: Apache-2.0
"""Suites that read the sources and build them."""

import re
import sys

from builds import BUILDS, build, musl_lack, static_lack
from machine import TOP, run, tool_version, tracked
from result import HOST_LACKS, parse_lines


def suite_layers(result):
    """the architecture: include arrows, cycles, forbidden calls"""
    where, failure = build('gcc')
    command = [sys.executable, 'tests/unit/layers.py']
    if failure is None:
        command += ['--objects', str(where)]
    else:
        result.fail('no mutable state at file scope', 'the objects could not be built')
    parse_lines(result, run(command).stdout, 'layers')


def shell_scripts():
    for name in tracked('contrib/*', '.ci/*', 'tests/*'):
        if name.startswith('tests/fuzz/corpus/'):
            continue
        with open(TOP / name, 'rb') as script:
            head = script.read(80)
        if re.match(rb'#!\S*/(env )?(ba)?sh\b', head) or head.startswith(b'# shellcheck shell='):
            yield name


def check_files(result, tool, names):
    """One check per file: all in one call, and where that complains one by one."""
    if run([*tool, *names]).returncode == 0:
        result.ok(len(names))
        return
    for name in names:
        result.check(f'{tool[0]} {name}', run([*tool, name]))


def suite_style(result):
    """formatting of C (clang-format 14), shell scripts (shellcheck), Python (compiles)"""
    version = tool_version('clang-format') or ''
    number = re.search(r'version (\d+)', version)
    files = tracked('*.c', '*.h')
    if number is None:
        result.skip('clang-format', HOST_LACKS + 'clang-format')
    elif number.group(1) != '14':
        result.skip('clang-format', f'{HOST_LACKS}clang-format 14: version {number.group(1)} formats differently')
    else:
        check_files(result, ['clang-format', '--dry-run', '-Werror'], files)
    if tool_version('shellcheck') is None:
        result.skip('shellcheck', HOST_LACKS + 'shellcheck')
    else:
        check_files(result, ['shellcheck', '-x'], list(shell_scripts()))
    for name in tracked('*.py'):
        source = (TOP / name).read_text(encoding='utf-8')
        try:
            compile(source, name, 'exec')
            result.ok()
        except SyntaxError as wrong:
            result.fail(f'python {name}', str(wrong))


def suite_build(result):
    """gcc and clang, dynamic and static, with glibc and musl, all warnings being errors"""
    lack = static_lack()
    for name in ('gcc', 'gcc-static', 'gcc-musl', 'clang', 'clang-static'):
        if name.endswith('static') and lack:
            result.skip(name, HOST_LACKS + 'static archives: ' + lack)
            continue
        if name.endswith('musl') and musl_lack():
            result.skip(name, HOST_LACKS + musl_lack())
            continue
        if tool_version(BUILDS[name][0]) is None:
            result.skip(name, HOST_LACKS + BUILDS[name][0])
            continue
        where, failure = build(name)
        if failure is not None:
            result.fail(name, failure)
            continue
        version = run([str(where / 'src/cli/knarr'), '--version'])
        result.check(f'{name}: knarr --version', version)
