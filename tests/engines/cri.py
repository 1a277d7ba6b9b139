# SPDX-License-Identifier: Apache-2.0
"""As much of the Container Runtime Interface as the tests call, over gRPC without generated code: a message is
{field number: value}, a value an int, text, bytes, another message, or a list of them (a repeated field)."""

SERVICE = '/runtime.v1.RuntimeService/'
CREATED, RUNNING, EXITED = 0, 1, 2
NODE = 2  # NamespaceMode: the host's


def varint(number):
    out = bytearray()
    number &= (1 << 64) - 1
    while True:
        out.append(number & 0x7f | (0x80 if number > 0x7f else 0))
        number >>= 7
        if not number:
            return bytes(out)


def encode(message):
    out = b''
    for field, values in message.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, int):
                out += varint(field << 3) + varint(value)
                continue
            data = encode(value) if isinstance(value, dict) else value.encode() if isinstance(value, str) else bytes(value)
            out += varint(field << 3 | 2) + varint(len(data)) + data
    return out


def decode(data):
    """{field: [values]}; a message inside stays bytes."""
    found, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        else:
            length = number() if key & 7 == 2 else {1: 8, 5: 4}[key & 7]
            value, at = data[at:at + length], at + length
        found.setdefault(key >> 3, []).append(value)
    return found


class Runtime:
    """The calls a kubelet makes."""

    def __init__(self, grpc, socket):
        self.grpc = grpc
        self.channel = grpc.insecure_channel(f'unix://{socket}')

    def call(self, name, message):
        method = self.channel.unary_unary(SERVICE + name, request_serializer=encode, response_deserializer=decode)
        return method(message, timeout=60)

    def ready(self):
        try:
            return bool(self.call('Version', {}))
        except self.grpc.RpcError:
            return False

    def close(self):
        self.channel.close()

    @staticmethod
    def sandbox_config(name, log_directory, namespaces=None):
        """namespaces: a NamespaceOption; without one the network is the host's."""
        hostname = {} if namespaces is None else {2: name}
        return {1: {1: name, 2: f'uid-{name}', 3: 'default'}, **hostname, 3: str(log_directory),
                8: {1: '/test.engines', 2: {1: {1: NODE} if namespaces is None else namespaces}}}

    def run_sandbox(self, config, handler):
        return self.call('RunPodSandbox', {1: config, 2: handler})[1][0].decode()

    def create(self, sandbox, sandbox_config, config):
        return self.call('CreateContainer', {1: sandbox, 2: config, 3: sandbox_config})[1][0].decode()

    def start(self, container):
        self.call('StartContainer', {1: container})

    def status(self, container):
        """(state, exit code, reason, message)"""
        found = decode(self.call('ContainerStatus', {1: container})[1][0])
        text = lambda field: found.get(field, [b''])[0].decode()
        return found.get(3, [0])[0], found.get(7, [0])[0], text(10), text(11)

    def execute(self, container, *command, seconds=20):
        """(exit code, output, errors)"""
        found = self.call('ExecSync', {1: container, 2: list(command), 3: seconds})
        return found.get(3, [0])[0], found.get(1, [b''])[0].decode(), found.get(2, [b''])[0].decode()

    def stop(self, container, seconds=0):
        self.call('StopContainer', {1: container, 2: seconds})

    def remove(self, container):
        self.call('RemoveContainer', {1: container})

    def remove_sandbox(self, sandbox):
        self.call('StopPodSandbox', {1: sandbox})
        self.call('RemovePodSandbox', {1: sandbox})
