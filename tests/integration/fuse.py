# SPDX-License-Identifier: Apache-2.0
"""A FUSE server of one directory with one file, for tests of mounts: linux/fuse.h, protocol 7.31."""

import errno
import os
import stat
import struct
import threading

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 15, 17, 18, 26, 27, 28, 29, 36, 42
ROOT, FILE = 1, 2
NAME, TEXT = b'file', b'from a server\n'
OPTIONS = 'rootmode=40000,user_id=0,group_id=0,allow_other'


def attributes(node):
    mode, size = (stat.S_IFDIR | 0o755, 0) if node == ROOT else (stat.S_IFREG | 0o755, len(TEXT))
    return struct.pack('<6Q10I', node, size, 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode, node, body):
    """The body of a reply, or an error number."""
    if opcode == INIT:
        return struct.pack('<IIIIHHIIHH8I', 7, 31, 4096, 0, 1, 1, 4096, 1, 1, 0, *[0] * 8)
    if opcode == GETATTR:
        return struct.pack('<QII', 0, 0, 0) + attributes(node)
    if opcode == LOOKUP:
        return struct.pack('<4QII', FILE, 0, 0, 0, 0, 0) + attributes(FILE) if body.rstrip(b'\0') == NAME else errno.ENOENT
    if opcode in (OPEN, OPENDIR):
        return struct.pack('<QII', 0, 0, 0)
    if opcode == READ:
        offset, size = struct.unpack_from('<QI', body, 8)
        return TEXT[offset:offset + size]
    if opcode == STATFS:
        return struct.pack('<5Q4I6I', 0, 0, 0, 0, 0, 512, 255, 512, 0, *[0] * 6)
    return b'' if opcode in (READDIR, RELEASE, RELEASEDIR) else errno.ENOSYS


class Server:
    """Answers until the filesystem is unmounted everywhere; but requests in `mute` not before speak(); of the first `asked` tells."""

    def __init__(self):
        self.mute, self.asked, self.kept = (), threading.Event(), []
        self.fd = os.open('/dev/fuse', os.O_RDWR | os.O_CLOEXEC)
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.thread.ident:
            self.thread.join(20)
        os.close(self.fd)
        assert not self.thread.is_alive(), 'the filesystem is still mounted'

    def start(self):
        """From the mount on: there is nothing to read before."""
        self.thread.start()

    def speak(self):
        self.mute = ()
        for request in self.kept:
            self._answer(request)

    def _answer(self, request):
        _, opcode, unique, node = struct.unpack_from('<IIQQ', request)
        reply = answer(opcode, node, request[40:])
        number, body = (reply, b'') if isinstance(reply, int) else (0, reply)
        try:
            os.write(self.fd, struct.pack('<IiQ', 16 + len(body), -number, unique) + body)
        except OSError as error:
            return error.errno == errno.ENOENT
        return True

    def _serve(self):
        while True:
            try:
                request = os.read(self.fd, 1 << 17)
            except OSError as error:
                if error.errno == errno.EPERM:  # not mounted yet
                    threading.Event().wait(0.01)
                    continue
                if error.errno in (errno.ENOENT, errno.EINTR):  # a request that was taken back
                    continue
                return
            if not request:
                return
            opcode, = struct.unpack_from('<4xI', request)
            if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            if opcode in self.mute:
                self.kept.append(request)
                self.asked.set()
            elif not self._answer(request):
                return
