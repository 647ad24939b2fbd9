"""A table of a model that only a test has."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models


@contextmanager
def made_table(model: type[models.Model]) -> Iterator[type[models.Model]]:
    """Makes it in the test's transaction, which takes it back, and has Django forget the model afterwards."""
    with connection.schema_editor() as editor:
        editor.create_model(model)
    yield model
    options = model._meta
    del options.apps.all_models[options.app_label][options.model_name]
    options.apps.clear_cache()
