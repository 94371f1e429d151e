"""pretix as it comes, but for its tables: they are made as they stand now, and not by years of migrations."""
from pretix.settings import *  # noqa: F403


class NoMigrations:
    def __contains__(self, _):
        return True

    def __getitem__(self, _):
        return None


MIGRATION_MODULES = NoMigrations()
