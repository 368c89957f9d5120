import threading
from dataclasses import replace

import pytest

from journal.errors import QuerySyntaxError
from materializer.partiql import StatementCache
from tests.support.dict_view import DictCatalog, a_view


@pytest.fixture
def catalog():
    """One table."""
    return a_view(t=[]).catalog


def test_a_text_is_compiled_once(catalog):
    cache = StatementCache(10)

    assert cache.get("SELECT * FROM t", catalog) is cache.get("SELECT * FROM t", catalog)


def test_another_catalog_object_means_another_statement_even_if_it_is_equal(catalog):
    cache = StatementCache(10)
    before = cache.get("SELECT * FROM t", catalog)

    assert cache.get("SELECT * FROM t", DictCatalog(dict(catalog.tables))) is not before


def test_a_statement_does_not_outlive_an_index(catalog):
    cache = StatementCache(10)
    cache.get("SELECT * FROM t WHERE a = 1", catalog)
    table = replace(catalog.tables["t"], id="new")

    cache.get("SELECT * FROM t WHERE a = 1", DictCatalog({"t": table}))

    assert len(cache) == 1


def test_the_least_recently_used_is_forgotten(catalog):
    cache = StatementCache(2)
    first = cache.get("SELECT 1", catalog)
    cache.get("SELECT 2", catalog)
    cache.get("SELECT 1", catalog)
    cache.get("SELECT 3", catalog)

    assert len(cache) == 2
    assert cache.get("SELECT 1", catalog) is first


def test_a_text_that_does_not_compile_is_not_kept(catalog):
    cache = StatementCache(2)
    for _ in range(3):
        with pytest.raises(QuerySyntaxError):
            cache.get("SELECT", catalog)

    assert len(cache) == 0


def test_many_threads_use_one_cache_and_one_statement():
    view = a_view(t=[{"n": n} for n in range(50)])
    cache, wrong = StatementCache(3), []

    def work(number):
        for turn in range(200):
            text = f"SELECT VALUE n + {turn % 5} FROM t WHERE n = ?"
            rows = cache.get(text, view.catalog).execute(view.context(), [number]).rows
            if rows != [number + turn % 5]:
                wrong.append(rows)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
