"""Which files the loaders read: SHA-256 and public origin of each.

Every origin is pinned to a commit; the hash decides whether what came is the file that the tests
saw. The package holds no data itself.
"""

from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["REGISTRY", "FileRecord"]


@dataclass(frozen=True)
class FileRecord:
    """One file of a data set.

    Parameters
    ----------
    sha256 : str
        Hash of the file, 64 hexadecimal digits.
    url : str
        Where the public origin serves it.
    """

    sha256: str
    url: str


# folder in the data directory -> ((repository, commit, folder there), {file: SHA-256})
_ORIGINS = (
    (
        "coil20",
        ("AngryCarrot/JDA", "12167daf32b01a07b85fdfa3db57a42b3be7eefe", "data"),
        {
            "COIL_1.mat": "5001c5bcef8d95217d66a08bdccbcaae2bc8cd3142540ed4ec38ca0796342534",
        },
    ),
    (
        "digits_mnist_usps",
        ("AngryCarrot/JDA", "12167daf32b01a07b85fdfa3db57a42b3be7eefe", "data"),
        {
            "MNIST_vs_USPS.mat": (
                "2b87e5a793e77826417e6c483e0850d6666c9746717bce2561db43f3f30efd4d"
            ),
        },
    ),
    (
        "amazon_reviews_400",
        (
            "scikit-adaptation/skada-bench",
            "af0537050789583bd4e2697f9a431811b5a46873",
            "data/amazon_review",
        ),
        {
            "books_400.mat": "7a53b54f0c0e81e7ee4774d762a927399cede9a802a2409732ba00cc1c23a17a",
            "kitchen_400.mat": "b1f4e5ddfbd7b37ad2638fccbf83bd8558abf63b3e8d69a9d5bca77b1a49fed5",
        },
    ),
    (
        "amazon_reviews_400",
        (
            "scikit-adaptation/skada-bench",
            "e04399f55724b1accbed8ae1050e3c6c73fd481a",
            "data/amazon_review",
        ),
        {
            "dvd_400.mat": "13a71d399f9c7ae57064952979c830455057ffd0a8da73f2c9075338d64d98ce",
            "elec_400.mat": "f1dd6e01c1eed956d3abe6493a6bb5efc95e6585b8b9b2d856c0c07e12893a35",
        },
    ),
    (
        "corn_nir",
        ("viggin/yan-autoencoder", "cffa92e9dc089ec69df227e686bbc8b9414125fe", ""),
        {
            "cornData.mat": "b34ffc226ae8b20726594ae20172554ed5b0bdf5aa005a049d951180b5126cad",
        },
    ),
    (
        "mushrooms",
        ("jcrecio/setas", "f556528380be2995c603276d106bbc11ab12e6f2", "data"),
        {
            "agaricus-lepiota.data": (
                "915ca04e0d00d5d86352b5742b6bbbedcb6ed8ce9e7c1bb292d253d808efc6bc"
            ),
        },
    ),
    (
        "newsgroups20_small/comp.vs.sci",
        (
            "jiayuzhou/MALSAR",
            "ca3d55b878cc4113f0d9603e8ac46538aeb1ecd9",
            "data/Newsgroup/comp.vs.sci",
        ),
        {
            "task1.mat": "136e73185215cdc5fe7af4c2e0d86dae9da864e119fef95253ef6614d139d7ab",
            "task2.mat": "efafdffe36f05668f9cd638cbfad45a96b6e69e385a65fb7a24dda6082adec52",
        },
    ),
    (
        "newsgroups20_small/rec.vs.talk",
        (
            "jiayuzhou/MALSAR",
            "ca3d55b878cc4113f0d9603e8ac46538aeb1ecd9",
            "data/Newsgroup/rec.vs.talk",
        ),
        {
            "Task1.mat": "2ccc2c933adb5e9a88524e0d0a90022ee925e3395fead485c2d7d31a14149997",
            "Task2.mat": "162fe06ddbad645577a2c538645f72115416811f8ee6dffc2fe2944a1c632e08",
        },
    ),
    (
        "office_caltech10_splits",
        ("jhoffman/MaxMarginDomainTransforms", "73fed233", "DataSplitsOfficeCaltech"),
        {
            "SameCategory_amazon-caltech_20RandomTrials_10Categories.mat": (
                "f590fa2d221f5cac87c6e8aa0e5d3bd47935adb4a57da690f713e9eea7a798f4"
            ),
            "SameCategory_amazon-dslr_20RandomTrials_10Categories.mat": (
                "695dce0bc9916ca11d335d585dbfe06cb2f90f6f2d6902c9299926ca17f59a36"
            ),
            "SameCategory_amazon-webcam_20RandomTrials_10Categories.mat": (
                "df7262cba677c072b7b75cee3fce1801a7c473cd5cdd59bd02f6c84f76e24d99"
            ),
            "SameCategory_caltech-amazon_20RandomTrials_10Categories.mat": (
                "d1cc45576e5cc002a15c606bdd10aa3f2bf51f932aabfc9f02306eab384bcb88"
            ),
            "SameCategory_caltech-dslr_20RandomTrials_10Categories.mat": (
                "e0cb33f24a7b33c0241a6f96e430e7a394b85bee0469aab54f09caec43db435f"
            ),
            "SameCategory_caltech-webcam_20RandomTrials_10Categories.mat": (
                "4e1aab9f29b60021c53dc66b0f168a06ad4de0df1945a02ed092f2738b80a719"
            ),
            "SameCategory_dslr-amazon_20RandomTrials_10Categories.mat": (
                "045df06cda6b9e80009e0cc97996fc36f638544feb1c06cfdbf648b198ce0212"
            ),
            "SameCategory_dslr-caltech_20RandomTrials_10Categories.mat": (
                "6dae6b1be9e919db827b2e464c46af82cadf5bbfd924de955800b7fab31611b2"
            ),
            "SameCategory_dslr-webcam_20RandomTrials_10Categories.mat": (
                "c0f4c6adae5fa73bef2c82d1352aeb28c459593c69d864196577d9f41320fa29"
            ),
            "SameCategory_webcam-amazon_20RandomTrials_10Categories.mat": (
                "d7baf91c1847c0563be5432fcff3434cf257c1616b4b49d00767ddee77f07dba"
            ),
            "SameCategory_webcam-caltech_20RandomTrials_10Categories.mat": (
                "995142da1f0b4d011ced76c5419e429c56bfee86d7542bd1e600741ae3ee9f48"
            ),
            "SameCategory_webcam-dslr_20RandomTrials_10Categories.mat": (
                "0c26db13cd74be9766ef7e9c480eb210dd7e3a1281e37556db88939e2e8e7f10"
            ),
        },
    ),
    (
        "office_caltech10_surf",
        (
            "viggin/domain-adaptation-toolbox",
            "2a991816a0ac39043b526c2b0cbe01bc844d8890",
            "ToRelease_GFK/data",
        ),
        {
            "Caltech10_SURF_L10.mat": (
                "4f9334c8ced489d5054de97a5fd51a61f017f3bcd1f38c9a85c6d78cb9d7bda5"
            ),
            "amazon_SURF_L10.mat": (
                "df32548b994e18d364c99e1f317e1fae100597259f0423a41b90f4f68187bb1f"
            ),
            "dslr_SURF_L10.mat": (
                "44d673c68e1d07b837893aa74dba3b986e4a6cc3fd66f0dd357683bdef059216"
            ),
            "webcam_SURF_L10.mat": (
                "a6a9c78b4b7181dfbb58bcfd351d4ebd737f171c31247b8884948aa156d3f700"
            ),
        },
    ),
    (
        "phishing",
        ("scikit-adaptation/skada-bench", "c48f1dc2", "data/phishing"),
        {
            "phishing.arff": "3bcf93b1612306537ee2737751f1bac185b2a77886ab376644c3bf0c7f7cb3e6",
        },
    ),
    (
        "reuters21578",
        ("ChristophRaab/ntvm", "46c0a107559c8b721cbd2f9af2aaa5ea4738cad7", "data/Reuters"),
        {
            "org_vs_people_1.mat": (
                "b1b15606db6587bfc29865823a56f0488f74d6cbf38c661afab963a9a81a9f6b"
            ),
            "org_vs_place_1.mat": (
                "6be2c7ef1823bda2c1d6b19b0f5ff8248b2a704542e943085626ec104e85420a"
            ),
            "people_vs_place_1.mat": (
                "a518f905101a170e22f1550fa52d5f182c3dd533281ac515b59d04a25c9f181a"
            ),
        },
    ),
    (
        "school",
        ("jiayuzhou/MALSAR", "ca3d55b878cc4113f0d9603e8ac46538aeb1ecd9", "data"),
        {
            "school.mat": "57fb3238fdd03a9aa17276e2ce18d9bbb5d128c3261e794fe6233b58b6909068",
        },
    ),
    (
        "wifi_icdm2007",
        ("xyh2016/Dataset", "81b7ddcda356ae4f8636655bdfee4291c31c614a", "WiFi%20dataset"),
        {
            "wifi_icdm2007_tr_99.mat": (
                "bb6dedae4f5e57f3ef5466db831f5f619b58f3b593847fe9dbbff696ef0d9ead"
            ),
        },
    ),
    (
        "wine_quality",
        ("anomnaco/pygrametl_examples", "3badc5fcf914bd423852e447a1551871c3809ce8", "data"),
        {
            "winequality-red.csv": (
                "3eaf29730f7c465382fe30d844bfe80ad7ef3eb1897fa0bcc8692351b003f234"
            ),
            "winequality-white.csv": (
                "3c4814055681de2a56714cea4bc13adbbf76ef79c51349cac29dd12026f3b2e1"
            ),
        },
    ),
)


def _records():
    """Flatten the origins into ``{relative path: FileRecord}``."""
    for folder, (repository, commit, there), files in _ORIGINS:
        base = "/".join(part for part in (repository, "raw", commit, there) if part)
        for name, sha256 in files.items():
            url = f"https://github.com/{base}/{name}"
            yield f"{folder}/{name}", FileRecord(sha256, url)


REGISTRY = MappingProxyType(dict(_records()))
