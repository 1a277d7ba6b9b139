# SPDX-License-Identifier: Apache-2.0
"""Where things are, and how commands are run."""

import os
import shlex
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / 'build-test'
LOGS = BUILD / 'logs'
CACHE = Path(os.environ.get('KNARR_TEST_CACHE', BUILD / 'cache'))
JOBS = os.cpu_count() or 1
IN_CI = os.environ.get('CI', '').lower() not in ('', '0', 'false')


def run(command, timeout=900, env=None, cwd=TOP):
    """Runs a command with both outputs in one text; a timeout is a failure that says so."""
    environment = {**os.environ, **(env or {})}
    try:
        return subprocess.run(command, cwd=cwd, env=environment, timeout=timeout, check=False, text=True, errors='replace',
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as late:
        output = late.stdout or ''
        output = output.decode(errors='replace') if isinstance(output, bytes) else output
        return subprocess.CompletedProcess(command, 124, f'{output}\nno end after {timeout} s: {shlex.join(map(str, command))}')
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, f'{command[0]} is not installed')


def tool_version(tool):
    words = run([tool, '--version'])
    return words.stdout.strip() if words.returncode == 0 else None


def tail(text, lines=60):
    rows = text.rstrip().split('\n')
    return '\n'.join(rows[-lines:])


def tracked(*patterns):
    """Files of the repository, new ones too, that match one of the patterns."""
    listed = run(['git', '-c', f'safe.directory={TOP}', 'ls-files', '--cached', '--others', '--exclude-standard', '--', *patterns])
    if listed.returncode == 0:
        return sorted(name for name in listed.stdout.split('\n') if name and (TOP / name).is_file())
    return sorted({str(path.relative_to(TOP)) for pattern in patterns for path in TOP.rglob(pattern)
                   if not path.relative_to(TOP).parts[0].startswith(('build', '.git'))})
