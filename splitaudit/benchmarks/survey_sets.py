"""The data sets of the survey: where they are, at which commit, and which folders."""

from dataclasses import dataclass

SUSPECTED = "suspected"
DRAWN = "drawn"


@dataclass(frozen=True)
class DataSet:
    """A public data set.

    Args:
        name: Its name in the table.
        kind: What its pictures show.
        repository: Owner and name on GitHub.
        commit: The one that was audited.
        picked: Drawn by the rule in docs/survey.md, or suspected.
        train: The folder of what is trained on; the whole set where there is no test.
        test: The folder of what is tested, or "".
    """

    name: str
    kind: str
    repository: str
    commit: str
    picked: str
    train: str
    test: str

    @property
    def address(self) -> str:
        return f"https://github.com/{self.repository}/tree/{self.commit}"

    @property
    def folder(self) -> str:
        return self.repository.replace("/", "+")


SETS = (
    DataSet(
        name="masks",
        kind="faces with and without a mask",
        repository="prajnasb/observations",
        commit="cdcf4501",
        picked=SUSPECTED,
        train="experiements/dest_folder/train",
        test="experiements/dest_folder/test",
    ),
    DataSet(
        name="pizza or ice cream",
        kind="food",
        repository="ATG-5222/ImageClassification",
        commit="96af562f",
        picked=DRAWN,
        train="train",
        test="test",
    ),
    DataSet(
        name="cats and dogs, 697",
        kind="pets",
        repository="Manish1602/imgs",
        commit="555391ba",
        picked=DRAWN,
        train="train",
        test="test",
    ),
    DataSet(
        name="litter",
        kind="litter",
        repository="ziyun99/CS3244",
        commit="5322f0eb",
        picked=DRAWN,
        train="data/train",
        test="data/test",
    ),
    DataSet(
        name="cocoons",
        kind="things",
        repository="chuangjim/cocoon-classifier",
        commit="dc17628d",
        picked=DRAWN,
        train="dataset/train",
        test="dataset/test",
    ),
    DataSet(
        name="flowers",
        kind="flowers",
        repository="Kounteyo98/Data",
        commit="1964b472",
        picked=DRAWN,
        train="train",
        test="test",
    ),
    DataSet(
        name="hand signs, letters",
        kind="hand signs",
        repository="Giyuu57/Sign-Language-to-Speech",
        commit="7c7e8f9a",
        picked=DRAWN,
        train="dataset/train",
        test="dataset/test",
    ),
    DataSet(
        name="hand gestures",
        kind="hand signs",
        repository="SamyakJain-2705/Hand-Gesture",
        commit="241e4654",
        picked=DRAWN,
        train="train",
        test="test",
    ),
    DataSet(
        name="CK+48",
        kind="faces",
        repository="WuJie1010/Facial-Expression-Recognition.Pytorch",
        commit="fefe6653",
        picked=SUSPECTED,
        train="CK+48",
        test="",
    ),
    DataSet(
        name="chest X-ray, re-encoded",
        kind="chests",
        repository="lecuong1502/BTL_Machine_Learning",
        commit="19a2d617",
        picked=SUSPECTED,
        train="train",
        test="test",
    ),
    DataSet(
        name="brain MRI",
        kind="slices of heads",
        repository="KomalChaudhari8/BRAIN_TUMOR_APP",
        commit="1fac2c32",
        picked=SUSPECTED,
        train="Training",
        test="Testing",
    ),
    DataSet(
        name="hand signs for emoji",
        kind="hand signs",
        repository="abhi9716/Emojinator",
        commit="5819d60d",
        picked=DRAWN,
        train="dataset/train",
        test="dataset/test",
    ),
    DataSet(
        name="digits",
        kind="numbered classes",
        repository="lizatish/DigitRecognizer",
        commit="4d291213",
        picked=DRAWN,
        train="data/train",
        test="data/test",
    ),
    DataSet(
        name="cats and dogs, 4,000",
        kind="pets",
        repository="chanakya2734/Image-classification-using-CNN",
        commit="bf746c6e",
        picked=DRAWN,
        train="dataset/training_set",
        test="dataset/test_set",
    ),
    DataSet(
        name="white blood cells",
        kind="cells",
        repository="dhruvp/wbc-classification",
        commit="0b22eb20",
        picked=DRAWN,
        train="images/TRAIN",
        test="images/TEST",
    ),
    DataSet(
        name="segmented lungs",
        kind="lungs",
        repository="amitlohan/covid_lungs_dataset",
        commit="08649641",
        picked=SUSPECTED,
        train="dataset/train",
        test="dataset/test",
    ),
    DataSet(
        name="hand signs, silhouettes",
        kind="hand signs",
        repository="emnikhil/Sign-Language-To-Text-Conversion",
        commit="32159e5a",
        picked=SUSPECTED,
        train="dataSet/trainingData",
        test="dataSet/testingData",
    ),
    DataSet(
        name="FER2013 as folders",
        kind="faces",
        repository="RecepTahirGunlu/Duygu-Tanima",
        commit="8d429277",
        picked=SUSPECTED,
        train="train",
        test="test",
    ),
    DataSet(
        name="malaria cells",
        kind="cells",
        repository="smackiaa/Malarial-Cell-Classifier",
        commit="d79696c5",
        picked=DRAWN,
        train="train",
        test="test",
    ),
    DataSet(
        name="traffic signs",
        kind="traffic signs",
        repository="jovanzac/Traffic",
        commit="4218b162",
        picked=SUSPECTED,
        train="gtsrb",
        test="",
    ),
)
