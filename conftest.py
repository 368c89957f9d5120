"""What every test of this repository shares."""

import atexit
import os
import shutil
import tempfile

pytest_plugins = ["tests.support.kafka_fixtures"]

_state = tempfile.mkdtemp(prefix="indelible-tests-")
atexit.register(shutil.rmtree, _state, ignore_errors=True)
os.environ["INDELIBLE_STATE_HOME"] = _state
"""What clients remember of ledgers stays out of the home of whoever runs the tests."""
