# SPDX-License-Identifier: Apache-2.0
"""The builds that suites share, each made once a call."""

import functools
import shlex
import shutil
import threading

from machine import BUILD, LOGS, run, tail

SANITIZE = ['-Db_sanitize=address,undefined', '-Db_lundef=false', '-Dbuildtype=debug']
BUILDS = {
    'gcc': ('gcc', ['-Dbuildtype=release', '-Dwerror=true']),
    'gcc-static': ('gcc', ['-Dbuildtype=release', '-Dwerror=true', '-Dstatic=true', '-Dtests=false']),
    'gcc-musl': ('gcc', ['-Dbuildtype=release', '-Dwerror=true', '-Dstatic=true', '-Dtests=false', f'--cross-file={BUILD}/musl/cross.ini']),
    'clang': ('clang', ['-Dbuildtype=release', '-Dwerror=true']),
    'clang-static': ('clang', ['-Dbuildtype=release', '-Dwerror=true', '-Dstatic=true', '-Dtests=false']),
    'asan': ('gcc', SANITIZE + ['-Dwerror=true']),
    'fuzz': ('clang', SANITIZE + ['-Dfuzz=true', '-Dtests=false']),
}
SANITIZER_ENV = {
    'ASAN_OPTIONS': 'abort_on_error=0:exitcode=99:detect_leaks=1:strict_string_checks=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:exitcode=99:print_stacktrace=1',
}


def static_lack():
    """Names the static archives the linker does not find, in contrib/lib.sh's words."""
    return run(['bash', '-c', '. contrib/lib.sh; static_lack']).stdout.strip()


@functools.cache
def musl_lack():
    """What the machine lacks for the build with musl, in contrib/musl's words, or nothing; makes what that build needs.
    When that fails, the build does."""
    made = run(['contrib/musl', str(BUILD / 'musl')], env={'CC': 'gcc'}, timeout=600)
    (LOGS / 'musl.log').write_text(made.stdout)
    return made.stdout.strip() if made.returncode == 77 else ''


BUILT = {}
BUILDING = {name: threading.Lock() for name in BUILDS}


def build(name):
    """Configures and builds one of BUILDS, once a call of this program; returns (directory, failure or None)."""
    with BUILDING[name]:
        if name not in BUILT:
            BUILT[name] = build_now(name)
        return BUILT[name]


def build_now(name):
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
    return where, failure


def release_binary():
    """(path, failure): the static binary that contrib/quickstart makes, too, or the dynamic one where archives are missing."""
    name = 'gcc-musl' if not musl_lack() else 'gcc' if static_lack() else 'gcc-static'
    where, failure = build(name)
    return where / 'src/cli/knarr', failure
