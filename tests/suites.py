#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the suites, says what ran and what was skipped and why, and counts.

Called by contrib/test, which installs what is needed. Each suite is a function that fills a Result.
A reason to skip that begins with "host lacks" is the machine's; any other counts as a failure when
CI is set, because then something that this project promises was not tested.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
BUILD = TOP / 'build-test'
LOGS = BUILD / 'logs'
CACHE = Path(os.environ.get('KNARR_TEST_CACHE', BUILD / 'cache'))
JOBS = os.cpu_count() or 1
IN_CI = os.environ.get('CI', '').lower() not in ('', '0', 'false')
HOST_LACKS = 'host lacks '
# A number searches for so long and from a random seed, wherever it leads; without one the search is the same each time, so
# that what a change did not break does not fail.
FUZZ_SECONDS = int(os.environ.get('KNARR_FUZZ_SECONDS', '0'))
FUZZ_RUNS = 60000

VM_SECONDS = 1500  # some 400 when nothing else runs
VM_SELINUX = ['test_selinux.py']  # these need a boot of their own
# The integration tests that are not run in the virtual machine, where each takes ten times as long. All of them:
# contrib/test vm -- tests/integration
VM_LEFT_OUT = {
    'test_debootstrap.py': 'needs a mirror, and the machine has no network',
    'test_errors.py': 'what is wrong with a configuration is so on every host',
    'test_rdt.py': 'needs resctrl, which an emulated processor has not',
    'test_terminal.py': 'a terminal is the same on every host',
}

SANITIZE = ['-Db_sanitize=address,undefined', '-Db_lundef=false', '-Dbuildtype=debug']
BUILDS = {
    'gcc': ('gcc', ['-Dbuildtype=release', '-Dwerror=true']),
    'gcc-static': ('gcc', ['-Dbuildtype=release', '-Dwerror=true', '-Dstatic=true', '-Dtests=false']),
    'clang': ('clang', ['-Dbuildtype=release', '-Dwerror=true']),
    'clang-static': ('clang', ['-Dbuildtype=release', '-Dwerror=true', '-Dstatic=true', '-Dtests=false']),
    'asan': ('gcc', SANITIZE + ['-Dwerror=true']),
    'fuzz': ('clang', SANITIZE + ['-Dfuzz=true', '-Dtests=false']),
}
SANITIZER_ENV = {
    'ASAN_OPTIONS': 'abort_on_error=0:exitcode=99:detect_leaks=1:strict_string_checks=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:exitcode=99:print_stacktrace=1',
}


class Result:
    def __init__(self):
        self.passed = 0
        self.failed = []   # (name, what is to be shown)
        self.skipped = []  # (name, reason)
        self.unsteady = []  # (name, what is to be shown): failed once, and passed alone

    def ok(self, count=1):
        self.passed += count

    def fail(self, name, detail=''):
        self.failed.append((name, detail.strip()))

    def skip(self, name, reason):
        self.skipped.append((name, ' '.join(reason.split())))

    def check(self, name, finished):
        """One test that is one program: passed if it exited 0."""
        if finished.returncode == 0:
            self.ok()
        else:
            self.fail(name, finished.stdout)
        return finished.returncode == 0


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


def static_lack():
    """Names the static archives the linker does not find, in contrib/lib.sh's words."""
    return run(['bash', '-c', '. contrib/lib.sh; static_lack']).stdout.strip()


BUILT = {}


def build(name):
    """Configures and builds one of BUILDS, once a call of this program; returns (directory, failure or None)."""
    if name in BUILT:
        return BUILT[name]
    compiler, options = BUILDS[name]
    where = BUILD / name
    stamp = where / '.options'
    wanted = shlex.join([compiler, *options])
    failure = None
    if not (stamp.exists() and stamp.read_text() == wanted and (where / 'build.ninja').exists()):
        shutil.rmtree(where, ignore_errors=True)
        setup = run(['meson', 'setup', str(where), *options], env={'CC': compiler})
        if setup.returncode == 0:
            stamp.write_text(wanted)
        else:
            failure = setup.stdout
    if failure is None:
        made = run(['ninja', '-C', str(where)], timeout=1800)
        (LOGS / f'build-{name}.log').write_text(made.stdout)
        if made.returncode != 0:
            failure = tail(made.stdout, 80)
    BUILT[name] = (where, failure)
    return BUILT[name]


def tail(text, lines=60):
    rows = text.rstrip().split('\n')
    return '\n'.join(rows[-lines:])


def parse_lines(result, text, suite):
    """The protocol of the small checkers: PASS name, FAIL name: detail, SKIP name: reason."""
    seen = False
    for line in text.split('\n'):
        word, _, rest = line.partition(' ')
        name, _, detail = rest.partition(': ')
        if word == 'PASS':
            result.ok()
        elif word == 'FAIL':
            result.fail(name, detail)
        elif word == 'SKIP':
            result.skip(name, detail)
        else:
            continue
        seen = True
    if not seen:
        result.fail(suite, text)


# ---- suites -------------------------------------------------------------------------------------


def suite_layers(result):
    """the architecture: include arrows, cycles, forbidden calls"""
    where, failure = build('gcc')
    command = [sys.executable, 'tests/unit/layers.py']
    if failure is None:
        command += ['--objects', str(where)]
    else:
        result.fail('no mutable state at file scope', 'the objects could not be built')
    parse_lines(result, run(command).stdout, 'layers')


def tracked(*patterns):
    """Files of the repository, new ones too, that match one of the patterns."""
    listed = run(['git', '-c', f'safe.directory={TOP}', 'ls-files', '--cached', '--others', '--exclude-standard', '--', *patterns])
    if listed.returncode == 0:
        return sorted(name for name in listed.stdout.split('\n') if name and (TOP / name).is_file())
    return sorted({str(path.relative_to(TOP)) for pattern in patterns for path in TOP.rglob(pattern)
                   if not path.relative_to(TOP).parts[0].startswith(('build', '.git'))})


def shell_scripts():
    for name in tracked('contrib/*', '.ci/*', 'tests/*'):
        if name.startswith('tests/fuzz/corpus/'):
            continue
        with open(TOP / name, 'rb') as script:
            head = script.read(80)
        if re.match(rb'#!\S*/(env )?(ba)?sh\b', head) or head.startswith(b'# shellcheck shell='):
            yield name


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
        for name in files:
            result.check(f'clang-format {name}', run(['clang-format', '--dry-run', '-Werror', name]))
    if tool_version('shellcheck') is None:
        result.skip('shellcheck', HOST_LACKS + 'shellcheck')
    else:
        for name in shell_scripts():
            result.check(f'shellcheck {name}', run(['shellcheck', '-x', name]))
    for name in tracked('*.py'):
        source = (TOP / name).read_text(encoding='utf-8')
        try:
            compile(source, name, 'exec')
            result.ok()
        except SyntaxError as wrong:
            result.fail(f'python {name}', str(wrong))


def suite_build(result):
    """gcc and clang, dynamic and static, all warnings being errors"""
    lack = static_lack()
    for name in ('gcc', 'gcc-static', 'clang', 'clang-static'):
        if name.endswith('static') and lack:
            result.skip(name, HOST_LACKS + 'static archives: ' + lack)
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


def suite_unit(result):
    """unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"""
    where, failure = build('asan')
    if failure is not None:
        result.fail('build', failure)
        return
    finished = run(['meson', 'test', '-C', str(where), '--no-rebuild', '--suite', 'unit', '--print-errorlogs'],
                   timeout=1200, env=SANITIZER_ENV)
    (LOGS / 'unit.log').write_text(finished.stdout)
    report = where / 'meson-logs/testlog.json'
    rows = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    if not rows:
        result.fail('unit', finished.stdout or 'no unit test is registered')
    for row in rows:
        name = row['name'].split(' / ')[-1]
        output = row.get('stdout', '') + row.get('stderr', '')
        counts = [tuple(map(int, found)) for found in
                  re.findall(r'^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)', output, re.M)]
        checks = sum(c for c, _, _ in counts)
        broken = sum(f + e for _, f, e in counts)
        if not counts and row['result'] == 'OK':
            result.ok()  # a program of its own, not libcheck's
            continue
        result.ok(checks - broken)
        if broken or row['result'] != 'OK' or not checks:
            result.fail(name, tail(output) or f'{row["result"]}, and no check was counted')


def suite_fuzz(result):
    """fuzz targets (libFuzzer): the corpus as plain tests, then a search of it (KNARR_FUZZ_SECONDS=60 for a longer, random one)"""
    targets = sorted(path.stem for path in (TOP / 'tests/fuzz').glob('fuzz-*.c'))
    if not targets:
        result.fail('fuzz', 'there is no fuzz target in tests/fuzz')
        return
    probe = BUILD / 'fuzz-probe'
    (BUILD / 'fuzz-probe.c').write_text('int LLVMFuzzerTestOneInput(const char *d, unsigned long n);\n'
                                        'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return (void)d, (int)n * 0; }\n')
    linked = run(['clang', '-fsanitize=fuzzer,address', '-o', str(probe), str(BUILD / 'fuzz-probe.c')])
    if linked.returncode != 0:
        result.skip('fuzz', HOST_LACKS + "clang's libFuzzer")
        return
    where, failure = build('fuzz')
    if failure is not None:
        result.fail('build', failure)
        return
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for outcome in pool.map(lambda target: fuzz_one(where, target), targets):
            result.passed += outcome.passed
            result.failed += outcome.failed
            result.skipped += outcome.skipped


def fuzz_one(where, target):
    outcome = Result()
    program = where / 'tests/fuzz' / target
    short = target.removeprefix('fuzz-')
    corpus = next((folder for folder in (TOP / 'tests/fuzz/corpus' / short, TOP / 'tests/fuzz/corpus' / target)
                   if folder.is_dir()), None)
    seeds = sorted(path for path in corpus.rglob('*') if path.is_file()) if corpus else []
    if not program.exists():
        outcome.fail(target, 'is not in tests/fuzz/meson.build')
        return outcome
    for seed in seeds:
        outcome.check(f'{target} {seed.relative_to(TOP)}', run([str(program), str(seed)], timeout=60, env=SANITIZER_ENV))
    if not seeds:
        outcome.fail(target, f'has no corpus: tests/fuzz/corpus/{short}/')
    work = BUILD / 'fuzz-work' / short
    if not FUZZ_SECONDS:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    dictionary = TOP / f'tests/fuzz/{short}.dict'
    extent = [f'-max_total_time={FUZZ_SECONDS}'] if FUZZ_SECONDS else ['-seed=1', f'-runs={FUZZ_RUNS}', '-max_total_time=60']
    command = [str(program), *extent, '-timeout=10', '-rss_limit_mb=1024', '-verbosity=0',
               f'-artifact_prefix={LOGS}/{target}-', '-print_final_stats=1', str(work)]
    command += [f'-dict={dictionary}'] if dictionary.exists() else []
    command += [str(corpus)] if corpus else []
    outcome.check(f'{target} searching', run(command, timeout=max(FUZZ_SECONDS, 60) + 120, env=SANITIZER_ENV))
    return outcome


# ---- static analysis ----------------------------------------------------------------------------


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
    'src/cgroup/handle.c': 'the texts of members[]: cgroup_free()',
    'src/cgroup/host.c': 'the texts of hierarchies[]: cgroup_host_clear()',
    'src/cgroup/systemd-properties.c': 'items[]: systemd_properties_clear()',
    'src/cli/cli.c': 'items[] of cli_keep(): main()',
    'src/cli/options.c': "an option's list, in the target at its offset: the process's",
    'src/container/exec-process.c': 'sets[]: exec_process_clear()',
    'src/container/hooks.c': "a hook's vectors: execve or _exit, in a child",
    'src/container/plan.c': 'the two variables of LISTEN_FDS in env.items[]: plan_clear()',
    'src/container/store.c': 'ids[]: the caller, or no_memory',
    'src/isolate/seccomp-compile.c': 'ranges of sections[]: compiler_clear()',
    'src/kernel/netlink.c': 'the messages of routes.items[]: netlink_routes_clear()',
}


def suite_analyzer(result):
    """gcc -fanalyzer"""
    def command(source, compiler, where):
        exception = ['-Wno-analyzer-malloc-leak'] if str(Path(source).relative_to(TOP)) in ANALYZER_LEAKS else []
        return [*compiler, '-fanalyzer', *exception, '-fdiagnostics-plain-output', '-c', '-o', '/dev/null', source]

    analyse(result, 'gcc', 'gcc', [], command, words_or_failure)


# ---- with the real binary -----------------------------------------------------------------------


def release_binary():
    """(path, failure): the static binary, or the dynamic one where archives are missing."""
    name = 'gcc' if static_lack() else 'gcc-static'
    where, failure = build(name)
    return where / 'src/cli/knarr', failure


PYTEST_ARGUMENTS = []
REPEAT_MAX = 10  # more than that is no accident


def junit(result, report, finished):
    """The results of a pytest run, test by test; returns the arguments that run those that failed."""
    failed = []
    if not report.exists():
        result.fail('pytest', tail(finished.stdout))
        return failed
    for case in ElementTree.parse(report).getroot().iter('testcase'):
        name = f'{case.get("classname", "").split(".")[-1]}::{case.get("name")}'
        trouble = [case.find(kind) for kind in ('failure', 'error') if case.find(kind) is not None]
        skipped = case.find('skipped')
        if trouble:
            result.fail(name, tail('\n'.join(filter(None, [entry.text for entry in trouble])), 40))
            failed.append(f'{case.get("classname", "").replace(".", "/")}.py::{case.get("name")}')
        elif skipped is not None:
            result.skip(name, skipped.get('message', ''))
        else:
            result.ok()
    if finished.returncode not in (0, 1):
        result.fail('pytest', tail(finished.stdout))
        return []
    return failed


def steady_or_not(result, still):
    """Of what failed only `still` failed again."""
    result.unsteady = [entry for entry in result.failed if entry[0] not in still]
    result.failed = [entry for entry in result.failed if entry[0] in still]
    result.ok(len(result.unsteady))


def repeat(result, report, failed, run_again):
    """In CI the few tests that failed are run once more, alone: a slow machine must not stop a change that is not
    to blame. One that passes then is told of, as unsteady; to whoever runs the tests himself it is a failure."""
    if not IN_CI or not 0 < len(failed) <= REPEAT_MAX:
        return
    report.unlink()
    second = Result()
    junit(second, report, run_again(failed))
    if second.passed + len(second.failed) != len(failed):
        return
    steady_or_not(result, {name for name, _ in second.failed})


def integration(result, view, folder='tests/integration'):
    knarr, failure = release_binary()
    if failure is not None:
        result.fail('build', failure)
        return
    if run([sys.executable, '-c', 'import pytest']).returncode != 0:
        result.skip('integration', HOST_LACKS + "pytest for " + sys.executable)
        return
    probe = run(['contrib/cgroup-view', view, 'true'])
    if probe.returncode == 77:
        result.skip(f'view {view}', probe.stdout)
        return
    report = LOGS / f'{os.path.basename(folder)}-{view}.xml'
    report.unlink(missing_ok=True)

    def pytest(arguments):
        return run(['contrib/cgroup-view', view, sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', '-q', '-rfE', '--tb=short',
                    f'--junitxml={report}', *arguments],
                   timeout=1800, env={'KNARR': str(knarr), 'KNARR_VIEW': view, 'PYTHONDONTWRITEBYTECODE': '1'})

    finished = pytest(PYTEST_ARGUMENTS or [folder])
    (LOGS / f'{os.path.basename(folder)}-{view}.log').write_text(finished.stdout)
    repeat(result, report, junit(result, report, finished), pytest)


def suite_integration_host(result):
    """the real binary, cgroups as this machine has them"""
    integration(result, 'host')


def suite_integration_v2(result):
    """the real binary on a pure cgroup v2 view"""
    integration(result, 'v2')


def suite_integration_v1(result):
    """the real binary on a pure cgroup v1 view"""
    integration(result, 'v1')


def in_vm(result, name, kernel, tests):
    """Runs pytest in the test machine of tests/vm, which sees copies of the program and of tests/."""
    knarr, failure = release_binary()
    if failure is not None:
        result.fail('build', failure)
        return
    image = CACHE / 'vm'
    made = run(['tests/vm/image', str(image)], timeout=1200)
    if made.returncode != 0:
        last = tail(made.stdout, 1)
        result.skip('the test machine', last) if made.returncode == 77 else result.fail('tests/vm/image', made.stdout)
        return
    share = BUILD / f'{name}-share'
    shutil.rmtree(share, ignore_errors=True)
    shutil.copytree(TOP / 'tests', share / 'tests', ignore=shutil.ignore_patterns('__pycache__', 'corpus'))
    shutil.copy2(knarr, share / 'knarr')
    pytest = ['env', 'KNARR=/host/knarr', 'KNARR_FAILURES=/host/failures', 'PYTHONDONTWRITEBYTECODE=1', 'python3', '-m', 'pytest',
              '-p', 'no:cacheprovider',
              '--numprocesses=2', '--dist=loadfile', '-q', '-rfE', '--tb=short', '--junitxml=/host/report.xml']

    def in_guest(arguments):
        (share / 'failures').unlink(missing_ok=True)
        return run(['tests/vm/run', '--image', str(image), '--timeout', str(VM_SECONDS), '--kernel', kernel, str(share),
                    *pytest, *arguments], timeout=VM_SECONDS + 60)

    finished = in_guest(PYTEST_ARGUMENTS or tests)
    (LOGS / f'{name}.log').write_text(finished.stdout)
    if finished.returncode == 77:
        result.skip('the test machine', tail(finished.stdout, 1))
        return
    report = share / 'report.xml'
    if not report.exists() and (share / 'failures').exists():
        result.fail('failed before the end', (share / 'failures').read_text())
    repeat(result, report, junit(result, report, finished), in_guest)


def suite_vm(result):
    """in a virtual machine: pure cgroup v2 with every controller, systemd, AppArmor (tests/vm/README.md)"""
    tests = sorted(str(path.relative_to(TOP)) for folder in ('integration', 'vm') for path in (TOP / 'tests' / folder).glob('test_*.py')
                   if path.name not in VM_SELINUX and path.name not in VM_LEFT_OUT)
    in_vm(result, 'vm', '', tests)


def suite_vm_selinux(result):
    """in a virtual machine with SELinux"""
    in_vm(result, 'vm-selinux', 'security=selinux selinux=1 enforcing=0', [f'tests/vm/{name}' for name in VM_SELINUX])


def suite_security(result):
    """attacks on the real binary, and its structure; the races only for some rounds (tests/security/races)"""
    view = 'host' if run(['contrib/cgroup-view', 'v2', 'true']).returncode == 77 else 'v2'
    integration(result, view, 'tests/security')


# Side by side, about as long as each other; together every operation of tests/faults/operations.py.
FAULTS_PARTS = [['create', 'start', 'run', 'run-detached', 'create-userns', 'start-userns'],
                ['exec', 'exec-userns', 'exec-detached', 'pause', 'resume', 'update', 'kill', 'delete', 'delete-force', 'delete-userns',
                 'delete-paused', 'state', 'list', 'ps']]


def faults_points(result, knarr, tools, view, operations):
    """One sampled run of tests/faults/run; each point that knarr survived is a test that passed."""
    words = [word for name in operations for word in ('--operation', name)]
    if IN_CI:
        words += ['--again', str(REPEAT_MAX)]
    finished = run(['contrib/cgroup-view', view, sys.executable, 'tests/faults/run', '--runtime', str(knarr), '--tools', str(tools), *words],
                   timeout=1200)
    (LOGS / f'faults-{operations[0]}.log').write_text(finished.stdout)
    if finished.returncode == 77:
        result.skip(f'view {view}', finished.stdout)
        return
    total = re.search(r'^(\d+) points, (\d+) survived', finished.stdout, re.M)
    if total is None:
        result.fail(f'tests/faults/run {operations[0]}', tail(finished.stdout))
        return
    result.ok(int(total.group(2)))
    for word, entries in (('FAIL ', result.failed), ('UNSTEADY ', result.unsteady)):
        for line in finished.stdout.split('\n'):
            if line.startswith(word):
                name, _, detail = line.removeprefix(word).partition(': ')
                entries.append((name, detail))
    if finished.returncode != 0 and 'FAIL ' not in finished.stdout:
        result.fail(f'tests/faults/run {operations[0]}', tail(finished.stdout))


def suite_faults(result):
    """system calls that fail, processes that are killed at them, damage, scarcity (tests/faults/run --all tries every call)"""
    knarr, failure = release_binary()
    if failure is None:
        where, failure = build('gcc')
    if failure is not None:
        result.fail('build', failure)
        return
    if os.uname().machine != 'x86_64':
        result.skip('faults', HOST_LACKS + 'x86-64, whose registers tests/faults/inject.c sets')
        return
    made = run(['ninja', '-C', str(where), 'tests/faults/inject', 'tests/faults/payload'])
    if made.returncode != 0:
        result.fail('tests/faults/inject', made.stdout)
        return
    tools = where / 'tests/faults'
    os.environ['KNARR_FAULTS_TOOLS'] = str(tools)
    parts = [Result() for _ in FAULTS_PARTS]
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        for future in [pool.submit(faults_points, part, knarr, tools, 'v2', names) for part, names in zip(parts, FAULTS_PARTS)]:
            future.result()
    for part in parts:
        result.passed += part.passed
        result.failed += part.failed
        result.skipped += part.skipped
    tests = Result()
    integration(tests, 'host', 'tests/faults')
    result.passed += tests.passed
    result.failed += tests.failed
    result.skipped += tests.skipped
    result.unsteady += [entry for part in [*parts, tests] for entry in part.unsteady]


def suite_engines_v2(result):
    """podman, buildah, containerd and docker on knarr, on a pure cgroup v2 view"""
    integration(result, 'v2', 'tests/engines')


def suite_engines_v1(result):
    """podman, buildah, containerd and docker on knarr, on a pure cgroup v1 view"""
    integration(result, 'v1', 'tests/engines')


def suite_bench(result):
    """contrib/bench --quick: the benchmark itself works"""
    knarr, failure = release_binary()
    if failure is not None:
        result.fail('build', failure)
        return
    probe = run(['contrib/cgroup-view', 'v2', 'true'])
    if probe.returncode == 77:
        result.skip('bench', probe.stdout)
        return
    result.check('contrib/bench --quick', run([sys.executable, 'contrib/bench', '--quick', '--build', str(knarr.parents[2]), '--output', str(BUILD / 'bench')], timeout=600))


SUITES = {
    'layers': suite_layers,
    'style': suite_style,
    'build': suite_build,
    'unit': suite_unit,
    'fuzz': suite_fuzz,
    'tidy': suite_tidy,
    'cppcheck': suite_cppcheck,
    'analyzer': suite_analyzer,
    'integration-host': suite_integration_host,
    'integration-v2': suite_integration_v2,
    'integration-v1': suite_integration_v1,
    'security': suite_security,
    'faults': suite_faults,
    'vm': suite_vm,
    'vm-selinux': suite_vm_selinux,
    'engines-v2': suite_engines_v2,
    'engines-v1': suite_engines_v1,
    'bench': suite_bench,
}
GROUPS = {
    'integration': ['integration-host', 'integration-v2', 'integration-v1'],
    'engines': ['engines-v2', 'engines-v1'],
    'analysis': ['tidy', 'cppcheck', 'analyzer'],
}


def tree_hash():
    """What --resume compares: every file of the repository, and the tools' report of themselves."""
    digest = hashlib.sha256()
    for name in tracked('*'):
        digest.update(name.encode() + b'\0' + (TOP / name).read_bytes() + b'\0')
    return digest.hexdigest()


def demand(result):
    """In CI a skip that is not the host's fault is a failure."""
    if IN_CI:
        blamed = [(name, reason) for name, reason in result.skipped if not reason.startswith(HOST_LACKS)]
        result.skipped = [entry for entry in result.skipped if entry not in blamed]
        for name, reason in blamed:
            result.fail(name, f'skipped, and that is not for want of anything on the host: {reason}')


def show(name, result, seconds):
    counts = f'{result.passed} passed, {len(result.failed)} failed, {len(result.skipped)} skipped'
    print(f'    {counts} ({seconds:.0f} s)')
    reasons = {}
    for test, reason in result.skipped:
        reasons.setdefault(reason, []).append(test)
    for reason, tests in reasons.items():
        print(f'    skipped, {reason}: {tests[0]}' + (f' and {len(tests) - 1} more' if len(tests) > 1 else ''))
    for word, entries in (('UNSTEADY: failed, and passed when repeated:', result.unsteady), ('FAILED', result.failed)):
        for test, detail in entries:
            print(f'    {word} {test}')
            for line in tail(detail).split('\n'):
                print(f'        {line}')
    sys.stdout.flush()


def show_again(name, result):
    """At the end of a long report, where it is seen: what failed, a line each."""
    for word, entries in (('UNSTEADY', result.unsteady), ('FAILED', result.failed)):
        for test, detail in entries:
            lines = [line.strip() for line in tail(detail).split('\n') if line.strip()]
            # What an assertion of pytest says comes after its place; else the last words say most.
            said = next((line for line in lines if line.startswith('E ')), lines[-1] if lines else '')
            print(f'{word} {name}: {test}: {said[:300]}')


def chosen_suites(words):
    chosen = []
    for word in words or SUITES:
        for name in GROUPS.get(word, [word]):
            if name not in SUITES:
                sys.exit(f'test: there is no suite {name}; there are: {" ".join([*SUITES, *GROUPS])}')
            chosen.append(name)
    return chosen


def main():
    parser = argparse.ArgumentParser(prog='contrib/test', description='Runs the test suites (all of them without arguments).',
                                     epilog='What follows -- goes to pytest: contrib/test integration-v2 -- tests/integration/test_mounts.py -k ro')
    parser.add_argument('suites', nargs='*', metavar='SUITE', help='a suite or a group: ' + ' '.join([*SUITES, *GROUPS]))
    parser.add_argument('--list', action='store_true', help='say what each suite is, and stop')
    parser.add_argument('--resume', action='store_true', help='leave out the suites that passed on exactly these files')
    words = sys.argv[1:]
    if '--' in words:
        PYTEST_ARGUMENTS.extend(words[words.index('--') + 1:])
        words = words[:words.index('--')]
    options = parser.parse_args(words)
    if options.list:
        for name, function in SUITES.items():
            print(f'{name:18}{function.__doc__}')
        for name, members in GROUPS.items():
            print(f'{name:18}all of: {" ".join(members)}')
        return 0

    os.chdir(TOP)
    LOGS.mkdir(parents=True, exist_ok=True)
    done_path = BUILD / 'passed.json'
    now = tree_hash()
    done = json.loads(done_path.read_text()) if done_path.exists() else {}
    passed = failed = skipped = 0
    results = {}
    for name in chosen_suites(options.suites):
        print(f'==> {name}: {SUITES[name].__doc__}', flush=True)
        known = done.get(name, {})
        if options.resume and known.get('tree') == now:
            print(f'    {known["passed"]} passed before on exactly these files')
            passed += known['passed']
            skipped += known['skipped']
            continue
        result = results[name] = Result()
        begin = time.monotonic()
        try:
            SUITES[name](result)
        except Exception as broken:  # one broken suite must not hide the others
            result.fail(name, f'the suite itself broke: {type(broken).__name__}: {broken}')
        demand(result)
        if not (result.passed or result.failed or result.skipped):
            result.fail(name, 'nothing ran')
        show(name, result, time.monotonic() - begin)
        passed += result.passed
        failed += len(result.failed)
        skipped += len(result.skipped)
        done[name] = {'tree': None if result.failed else now, 'passed': result.passed, 'skipped': len(result.skipped)}
        done_path.write_text(json.dumps(done))
    for name, result in results.items():
        show_again(name, result)
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
