# SPDX-License-Identifier: Apache-2.0
"""The fixtures of the integration tests, for the tests here that are written as those are.

KNARR_FAULTS_TOOLS is where inject and payload have been built."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

INTEGRATION = Path(__file__).resolve().parents[1] / 'integration'
sys.path[:0] = [str(INTEGRATION), str(Path(__file__).resolve().parent)]

_spec = importlib.util.spec_from_file_location('integration_conftest', INTEGRATION / 'conftest.py')
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
globals().update({name: value for name, value in vars(_module).items() if not name.startswith('__')})


@pytest.fixture(scope='session')
def tools():
    folder = Path(os.environ.get('KNARR_FAULTS_TOOLS', ''))
    if not (folder / 'inject').exists():
        pytest.exit('KNARR_FAULTS_TOOLS does not say where tests/faults/inject is', 2)
    return folder
