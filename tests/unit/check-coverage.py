#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every finding that the rules of oci-spec/check*.c can report is reported in the suite oci-check.

check-coverage.py GCOV PROGRAM OBJECTS SOURCE...: PROGRAM is the suite with the sources compiled for gcov(1)
into OBJECTS. The suite compares each text with its JSON path, line and column; this makes sure that none is
left out.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def findings(source):
    """[(first line, last line)] of each call of check_error() or check_warning()."""
    lines = source.read_text().split('\n')
    found = []
    for number, line in enumerate(lines, 1):
        if not re.search(r'^\s+.*\bcheck_(error|warning)\(', line):
            continue
        last = number
        while ';' not in lines[last - 1]:
            last += 1
        # Not about the document, and not to be had without a failing malloc.
        if '"out of memory"' not in ''.join(lines[number - 1:last]):
            found.append((number, last))
    return found


def main(gcov, program, objects, *sources):
    with tempfile.TemporaryDirectory() as scratch:
        # The counters go below the scratch directory, whatever was compiled where.
        environment = dict(os.environ, GCOV_PREFIX=scratch, GCOV_PREFIX_STRIP='0', CK_FORK='no')
        subprocess.run([program], env=environment, stdout=subprocess.DEVNULL, check=True)
        counts = {}
        for data in Path(scratch).rglob('*.gcda'):
            notes = Path(objects, data.name).with_suffix('.gcno')
            data.with_suffix('.gcno').write_bytes(notes.read_bytes())
            done = subprocess.run([gcov, '--json-format', '--stdout', data], cwd=scratch, capture_output=True, check=True)
            for file in json.loads(done.stdout)['files']:
                for line in file['lines']:
                    key = os.path.basename(file['file']), line['line_number']
                    counts[key] = max(counts.get(key, 0), line['count'])
    total, missed = 0, []
    for source in map(Path, sources):
        for first, last in findings(source):
            total += 1
            if not any(counts.get((source.name, line), 0) for line in range(first, last + 1)):
                missed.append(f'{source.name}:{first}: nobody breaks this rule')
    assert total > 100, f'only {total} findings in the sources'
    print('\n'.join(missed) or f'{total} findings, each is reported')
    sys.exit(1 if missed else 0)


main(*sys.argv[1:])
