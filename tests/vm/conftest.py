# SPDX-License-Identifier: Apache-2.0
"""The fixtures of tests/integration, for tests that change the machine they run on: swap, huge pages,
AppArmor profiles. So they run in the test machine only (contrib/test vm)."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

INTEGRATION = Path(__file__).resolve().parents[1] / 'integration'
if str(INTEGRATION) not in sys.path:
    sys.path.insert(0, str(INTEGRATION))
spec = importlib.util.spec_from_file_location('integration_conftest', INTEGRATION / 'conftest.py')
sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules[spec.name])

from integration_conftest import *  # noqa: E402, F401, F403


def pytest_collection_modifyitems(items):
    if not os.path.exists('/vm/run-command'):
        pytest.exit('tests/vm changes the machine, so it runs in the one of tests/vm/run: contrib/test vm', 2)
    del items
