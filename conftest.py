"""What every test of this repository shares."""

pytest_plugins = ["tests.support.kafka_fixtures"]
