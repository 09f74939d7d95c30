"""docs/reference/settings.md is what the settings model gives today."""

from pytest_regressions.file_regression import FileRegressionFixture

from tests.support import ROOT
from tools.settings_reference import rendered


def test_the_reference_has_every_key_of_the_model(file_regression: FileRegressionFixture) -> None:
    page = ROOT / "docs" / "reference" / "settings.md"
    file_regression.check(rendered(), fullpath=page, encoding="utf-8")
