# SPDX-License-Identifier: Apache-2.0
"""Images built in containers of the runtime: podman build and buildah."""

import shutil

import pytest

from engines import IMAGE, Terminal, call, lacks

CONTAINERFILE = f'''
FROM {IMAGE}
ENV WORD=built
WORKDIR /work
RUN echo "$WORD" > file && echo $$ >> file
COPY given /work/
RUN --mount=type=tmpfs,target=/scratch touch /scratch/x && grep -q " /scratch " /proc/mounts
USER worker
RUN id -u > /tmp/who
CMD ["cat", "/work/file", "/work/given", "/tmp/who"]
'''


@pytest.fixture
def context(workdir):
    (workdir / 'Containerfile').write_text(CONTAINERFILE)
    (workdir / 'given').write_text('given\n')
    return workdir


def test_podman_build(podman, context):
    podman.ok('build', '--network=none', '--isolation=oci', '-q', '-t', 'localhost/made', context)
    try:
        assert podman.run('localhost/made') == 'built\n1\ngiven\n1000\n'
    finally:
        podman.ok('rmi', '-f', 'localhost/made')


def test_a_failing_step(podman, context):
    (context / 'Containerfile').write_text(f'FROM {IMAGE}\nRUN exit 42\n')
    done = podman('build', '--network=none', '--isolation=oci', context)
    assert done.rc != 0 and '42' in done.err, done


class Buildah:
    def __init__(self, runtime):
        self.runtime = runtime

    def words(self, verb, *arguments):
        named = [] if self.runtime == 'knarr' or verb not in ('bud', 'run') else ['--runtime', self.runtime]
        return ['buildah', verb, *named, *map(str, arguments)]

    def __call__(self, verb, *arguments, **keywords):
        return call(self.words(verb, *arguments), **keywords)

    def ok(self, verb, *arguments, **keywords):
        done = self(verb, *arguments, **keywords)
        assert done.rc == 0, f'{verb} {arguments}: {done}'
        return done.out


@pytest.fixture
def buildah(podman):
    """buildah on the same store, which takes the runtime from the same file."""
    if shutil.which('buildah') is None:
        lacks('buildah')
    engine = Buildah(podman.runtime)
    yield engine
    engine.ok('rm', '--all')


def test_buildah_bud(buildah, podman, context):
    buildah.ok('bud', '--network=none', '--isolation=oci', '-q', '-t', 'localhost/made', context)
    try:
        assert podman.run('localhost/made') == 'built\n1\ngiven\n1000\n'
    finally:
        podman.ok('rmi', '-f', 'localhost/made')


def test_buildah_run(buildah, workdir):
    name = buildah.ok('from', IMAGE).strip()
    run = ('--isolation=oci', '--network=none') if '--network' in call(['buildah', 'run', '--help']).out else ('--isolation=oci',)
    (workdir / 'file').write_text('content')
    assert buildah.ok('run', *run, '-v', f'{workdir}:/data:ro', '--cap-add', 'CAP_NET_ADMIN', '--user', 'worker', name, '--', 'sh', '-c', 'id -u; cat /data/file') == '1000\ncontent'
    assert buildah('run', *run, name, '--', 'sh', '-c', 'exit 12').rc == 12
    assert buildah('run', *run, name, '--', '/no/such').rc != 0
    with Terminal(buildah.words('run', *run, '-t', name, '--', 'sh', '-c', 'tty; read line; echo "got $line"')) as terminal:
        terminal.expect('/dev/(pts/0|console)')
        terminal.type('word\n')
        terminal.expect('got word')
        assert terminal.end() == 0


@pytest.mark.knarr
def test_buildah_takes_the_file(podman, buildah, workdir):
    """Seen by a wrapper in knarr's place that notes that it was called."""
    name = buildah.ok('from', IMAGE).strip()
    wrapper = workdir / 'knarr'
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {workdir}/calls\nexec /usr/local/bin/knarr "$@"\n')
    wrapper.chmod(0o755)
    extra = workdir / 'extra.conf'
    extra.write_text(f'[engine.runtimes]\nknarr = ["{wrapper}"]\n')
    place = '/etc/containers/containers.conf.d/96-wrapper.conf'
    shutil.copy2(extra, place)
    try:
        buildah.ok('run', '--isolation=oci', name, '--', 'true')
    finally:
        shutil.os.unlink(place)
    assert ' create ' in (' ' + (workdir / 'calls').read_text())
