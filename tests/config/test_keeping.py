from __future__ import annotations

from config.keeping import ObjectStore, PackagingSettings


def test_films_are_packaged_when_asked_for_and_kept_where_the_operator_says() -> None:
    assert not PackagingSettings().automatic
    store = ObjectStore("http://s3.example", "films", "key")
    assert (store.prefix, store.region) == ("extents", "us-east-1")
