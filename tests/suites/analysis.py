# SPDX-License-Identifier: Apache-2.0
"""Static analysis, a translation unit at a time."""

import concurrent.futures
import hashlib
import json
import re
import shlex
from pathlib import Path

from builds import build
from machine import CACHE, JOBS, TOP, run, tail, tool_version
from result import HOST_LACKS


def translation_units(build_name):
    """(file, compiler command without -c and -o) of everything that is shipped or measured with."""
    where, failure = build(build_name)
    if failure is not None and not (where / 'compile_commands.json').exists():
        return where, None, failure  # otherwise it is the build suite's to tell, and one bad file hides no other
    units = []
    for entry in json.loads((where / 'compile_commands.json').read_text()):
        path = Path(entry['directory'], entry['file']).resolve()
        name = str(path.relative_to(TOP)) if path.is_relative_to(TOP) else ''
        if name.startswith(('src/', 'oci-spec/', 'tests/bench/')):
            words = shlex.split(entry['command'])
            drop = {'-c', entry['file'], '-MD', '-MQ', '-MF', '-o', entry.get('output', ''), entry.get('output', '') + '.d'}
            units.append((name, [word for word in words if word not in drop], Path(entry['directory'])))
    return where, sorted(units, key=lambda unit: unit[0]), None


def analyse(result, tool, build_name, config_files, command_for, verdict):
    """One check per translation unit, in parallel; a unit that passed is not looked at again until what
    the compiler sees of it, the tool or its configuration changes."""
    version = tool_version(tool)
    if version is None:
        result.skip(tool, HOST_LACKS + tool)
        return
    where, units, failure = translation_units(build_name)
    if failure is not None:
        result.fail('build', failure)
        return
    configuration = ''.join((TOP / name).read_text() for name in config_files if (TOP / name).exists())

    def one(unit):
        name, compiler, directory = unit
        source = str(TOP / name)
        seen = run([*compiler, '-E', source], cwd=directory)
        command = command_for(source, compiler, where)
        key = hashlib.sha256('\0'.join([seen.stdout, version, configuration, shlex.join(command)]).encode()).hexdigest()
        stamp = CACHE / result_name(tool) / key
        if seen.returncode == 0 and stamp.exists():
            return name, None
        finished = run(command, cwd=directory, timeout=600)
        complaint = verdict(finished)
        if complaint is None:
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.write_text(name)
        return name, complaint

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for name, complaint in pool.map(one, units):
            if complaint is None:
                result.ok()
            else:
                result.fail(name, tail(complaint, 40))


def result_name(tool):
    return re.sub(r'\W', '-', tool)


def words_or_failure(finished):
    """For tools whose silence is the good answer."""
    noise = re.compile(r'^\d+ warnings? generated\.|^Suppressed \d+ warnings|^Use -header-filter|^\s*$')
    words = [line for line in finished.stdout.split('\n') if not noise.match(line)]
    if finished.returncode != 0 or any('warning:' in line or 'error:' in line for line in words):
        return finished.stdout
    return None


def suite_tidy(result):
    """clang-tidy with .clang-tidy"""
    analyse(result, 'clang-tidy', 'clang', ['.clang-tidy'],
            lambda source, compiler, where: ['clang-tidy', '--quiet', '--warnings-as-errors=*', '-p', str(where), source],
            words_or_failure)


def suite_cppcheck(result):
    """cppcheck, the exceptions in .cppcheck-suppressions"""
    def command(source, compiler, where):
        includes = []
        for word, follower in zip(compiler, compiler[1:] + ['']):
            if word.startswith('-I') and len(word) > 2:
                includes.append(word)
            elif word in ('-iquote', '-isystem'):
                includes.append('-I' + follower)
        return ['cppcheck', '--quiet', '--enable=warning,performance,portability', '--inline-suppr', '--std=c11', '--inconclusive',
                '--error-exitcode=1', f'--suppressions-list={TOP}/.cppcheck-suppressions', '--template={file}:{line}: {severity}: {id}: {message}',
                '-D_GNU_SOURCE', '-D__GNUC__', '-D__x86_64__', '-D__linux__', *sorted(set(includes)), source]

    analyse(result, 'cppcheck', 'gcc', ['.cppcheck-suppressions'], command,
            lambda finished: finished.stdout if finished.returncode != 0 else None)


# gcc 12 forgets an allocation that is stored at an index which it cannot follow, and takes it for leaked. What is
# stored where, and who frees it; LeakSanitizer watches the same code in the unit tests.
ANALYZER_LEAKS = {
    'src/cgroup/enter.c': 'the texts of members[]: cgroup_free()',
    'src/cgroup/handle.c': 'the texts of members[]: cgroup_free()',
    'src/cgroup/host.c': 'the texts of hierarchies[]: cgroup_host_clear()',
    'src/cgroup/systemd/properties.c': 'items[]: systemd_properties_clear()',
    'src/cli/cli.c': 'items[] of cli_keep(): main()',
    'src/cli/options.c': "an option's list, in the target at its offset: the process's",
    'src/container/bundle.c': 'warnings[]: bundle_clear()',
    'src/container/exec-process.c': 'sets[]: exec_process_clear()',
    'src/container/hooks.c': "a hook's vectors: execve or _exit, in a child",
    'src/container/plan.c': 'the two variables of LISTEN_FDS in env.items[]: plan_clear()',
    'src/container/checkpoint/restore-mounts.c': 'the texts of items[]: restore_belows_clear()',
    'src/container/state/store.c': 'ids[]: the caller, or no_memory',
    'src/isolate/seccomp/compile.c': 'ranges of sections[]: compiler_clear()',
    'src/kernel/netlink.c': 'the messages of routes.items[]: netlink_routes_clear()',
}


def suite_analyzer(result):
    """gcc -fanalyzer"""
    def command(source, compiler, where):
        exception = ['-Wno-analyzer-malloc-leak'] if str(Path(source).relative_to(TOP)) in ANALYZER_LEAKS else []
        return [*compiler, '-fanalyzer', *exception, '-fdiagnostics-plain-output', '-c', '-o', '/dev/null', source]

    analyse(result, 'gcc', 'gcc', [], command, words_or_failure)
