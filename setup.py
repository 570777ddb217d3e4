"""Which packages are installed, and under which names: `plugins/` as harness_plugins, `experiments/` likewise.

A folder of that name beside the program would shadow a package that is called `plugins`. pyproject.toml can map names
or find packages, not both, and a list there would be one more place that a new setting has to touch.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["harness", "harness.*"]),
        "harness_experiments",
        "harness_plugins",
        *(f"harness_plugins.{name}" for name in find_packages("plugins")),
    ],
    package_dir={"harness_experiments": "experiments", "harness_plugins": "plugins"},
)
