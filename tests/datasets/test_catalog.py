from skransfer import datasets
from skransfer.datasets import list_datasets
from skransfer.datasets._registry import REGISTRY


def test_every_loader_is_listed():
    loaders = [name for name in datasets.__all__ if name.startswith("load_")]
    assert list(list_datasets()) == sorted(loaders)


def test_every_file_belongs_to_one_loader():
    files = [path for paths in list_datasets().values() for path in paths]
    assert sorted(files) == sorted(REGISTRY)
