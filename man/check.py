#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the manual pages against what the program says of itself: check.py GENERATE SOURCES KNARR."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def plain(page):
    """Roff without its dashes and fonts."""
    return re.sub(r'\\f[BIR]', '', page.replace('\\-', '-'))


def prose_of(sources):
    return (sources / 'knarr-config.prose').read_text()


def options_of(text):
    return set(re.findall(r'^ +(?:-\w, )?--([\w-]+)', text, re.MULTILINE))


def main(generate, sources, knarr):
    overview = output(knarr, '--help')
    commands = re.findall(r'^  (\w+) ', overview.split('global options:')[0], re.MULTILINE)
    assert len(commands) >= 10, commands
    completions = {shell: output(generate, 'completion', shell) for shell in ('bash', 'zsh', 'fish')}
    for name in ['knarr', *commands]:
        told = overview if name == 'knarr' else output(knarr, name, '--help')
        prose = sources / ('knarr.prose' if name == 'knarr' else f'knarr-{name}.prose')
        page = plain(output(generate, 'page', name, str(prose)))
        documented = set(re.findall(r'^\.TP\n(?:-\w, )?--([\w-]+)', page, re.MULTILINE))
        assert options_of(told) and documented == options_of(told), (name, documented ^ options_of(told))
        for section in ('NAME', 'SYNOPSIS', 'OPTIONS', 'DESCRIPTION', 'SEE ALSO'):
            assert f'.SH {section}\n' in page, (name, section)
        for shell, text in completions.items():
            for option in options_of(told):
                form = f'-l {option}' if shell == 'fish' else f'--{option}'
                assert form in text, (shell, name, option)
            assert name == 'knarr' or name in text, (shell, name)
    config = plain(output(generate, 'config', str(sources / 'knarr-config.prose')))
    assert config.count('.TP\n') > 200, config.count('.TP\n')
    # A line that begins with a blank would not be filled with the one before.
    assert not re.search('^[ \t]', config, re.MULTILINE)
    # What the features document says that works, and nothing else, is described as working.
    unsafe = json.loads(output(knarr, 'features'))['potentiallyUnsafeConfigAnnotations']
    described = re.findall(r'^\.TP\n(\S+) \(annotation(?:, absolute path)?\)$', config, re.MULTILINE)
    assert [key.removesuffix('NAME') for key in described] == unsafe, described
    # The generator does refuse: each field and annotation that is not described, by its name, and one that is not there.
    entries = re.findall(r'^[^#\s][^:\n]*: .*\n(?:\t.*\n)*', prose_of(sources).partition('@FIELDS@\n')[2], re.MULTILINE)
    assert len(entries) > 200, len(entries)
    for entry in entries:
        with tempfile.NamedTemporaryFile('w', suffix='.prose') as changed:
            changed.write(prose_of(sources).replace('\n' + entry, '\n', 1))
            changed.flush()
            done = subprocess.run([generate, 'config', changed.name], capture_output=True, text=True, check=False)
            path = entry.partition(': ')[0]
            missing = path.rpartition('**')[2] if '**' in path else path.removeprefix('annotations.')
            assert done.returncode == 1 and 'nothing is said about' in done.stderr and missing in done.stderr, (path, done.stderr)
    prose = (sources / 'knarr-config.prose').read_text()
    for wrong in (prose.replace('\nhostname: ', '\nhostnaim: '), prose.replace('\nannotations.krun.: ', '\nannotations.x: '), prose + 'no.such.field: x\n', prose.replace('@FIELDS@', '')):
        with tempfile.NamedTemporaryFile('w', suffix='.prose') as changed:
            changed.write(wrong)
            changed.flush()
            assert subprocess.run([generate, 'config', changed.name], capture_output=True, check=False).returncode == 1


main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
