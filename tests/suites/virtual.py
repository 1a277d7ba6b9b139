# SPDX-License-Identifier: Apache-2.0
"""Suites of the real binary in the virtual machine of tests/vm."""

import shutil

from builds import release_binary
from machine import BUILD, CACHE, LOGS, TOP, run, tail
from real import PYTEST_ARGUMENTS, judge

VM_SECONDS = 3600  # some 400 when nothing else runs
# These need a boot of their own.
VM_SELINUX = ['test_selinux.py']
VM_V1 = ['test_systemd_v1.py']
# The integration tests that are not run in the virtual machine, where each takes ten times as long. All of them:
# contrib/test vm -- tests/integration
VM_LEFT_OUT = {
    'test_callers.py': 'what calls, and how, is the same on every host',
    'test_checkpoint.py': 'a program of the tests stands in for criu; tests/vm has what criu itself does',
    'test_crash.py': 'a death is the same in every view of a host; in test_systemd.py a unit may be left by it',
    'test_debootstrap.py': 'needs a mirror, and the machine has no network',
    'test_errors.py': 'what is wrong with a configuration is so on every host',
    'test_net_devices.py': 'interfaces are the same on every host',
    'test_rdt.py': 'needs resctrl, which an emulated processor has not',
    'test_terminal.py': 'a terminal is the same on every host',
}


def make_image():
    """The disk of the test machine, made by the first call (tests/vm/image); returns how that went."""
    return run(['tests/vm/image', str(CACHE / 'vm')], timeout=2400)


def in_vm(result, name, kernel, tests):
    """Runs pytest in the test machine of tests/vm, which sees copies of the program and of tests/."""
    knarr, failure = release_binary()
    if failure is not None:
        result.fail('build', failure)
        return
    made = make_image()
    if made.returncode != 0:
        last = tail(made.stdout, 1)
        result.skip('the test machine', last) if made.returncode == 77 else result.fail('tests/vm/image', made.stdout)
        return
    share = BUILD / f'{name}-share'
    shutil.rmtree(share, ignore_errors=True)
    shutil.copytree(TOP / 'tests', share / 'tests', ignore=shutil.ignore_patterns('__pycache__', 'corpus'))
    shutil.copytree(TOP / 'contrib/engines', share / 'contrib/engines')
    shutil.copy2(knarr, share / 'knarr')
    pytest = ['env', 'KNARR=/host/knarr', 'KNARR_FAILURES=/host/failures', 'KNARR_TEST_TURNS=/run', 'PYTHONDONTWRITEBYTECODE=1',
              'python3', '-m', 'pytest', '-p', 'no:cacheprovider', '-q', '-rfE', '--tb=short', '--junitxml=/host/report.xml']

    def in_guest(arguments):
        (share / 'failures').unlink(missing_ok=True)
        return run(['tests/vm/run', '--image', str(CACHE / 'vm'), '--timeout', str(VM_SECONDS), '--kernel', kernel, str(share),
                    *pytest, *arguments], timeout=VM_SECONDS + 60)

    finished = in_guest(['--numprocesses=2', '--dist=loadfile', *(PYTEST_ARGUMENTS or tests)])
    (LOGS / f'{name}.log').write_text(finished.stdout)
    if finished.returncode == 77:
        result.skip('the test machine', tail(finished.stdout, 1))
        return
    report = share / 'report.xml'
    if not report.exists() and (share / 'failures').exists():
        result.fail('failed before the end', (share / 'failures').read_text())
    judge(result, report, finished, in_guest)


def suite_vm(result):
    """in a virtual machine: pure cgroup v2 with every controller, systemd, AppArmor (tests/vm/README.md)"""
    tests = sorted(str(path.relative_to(TOP)) for folder in ('integration', 'vm') for path in (TOP / 'tests' / folder).glob('test_*.py')
                   if path.name not in [*VM_SELINUX, *VM_V1] and path.name not in VM_LEFT_OUT)
    in_vm(result, 'vm', '', tests)


def suite_vm_selinux(result):
    """in a virtual machine with SELinux"""
    in_vm(result, 'vm-selinux', 'security=selinux selinux=1 enforcing=0', [f'tests/vm/{name}' for name in VM_SELINUX])


def in_vm_v1(result, name, kernel, *others):
    in_vm(result, name, f'systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 {kernel}',
          [f'tests/vm/{file}' for file in [*VM_V1, *others]])


def suite_vm_hybrid(result):
    """in a virtual machine: systemd on cgroup v1, and a cgroup2 beside it"""
    in_vm_v1(result, 'vm-hybrid', '', 'test_checkpoint_hosts.py')


def suite_vm_v1(result):
    """in a virtual machine: systemd on cgroup v1 alone"""
    in_vm_v1(result, 'vm-v1', 'systemd.legacy_systemd_cgroup_controller=1')
