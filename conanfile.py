import re
from pathlib import Path

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy

required_conan_version = ">=2.0"


class Belfry(ConanFile):
    name = "belfry"
    description = "An in-process event dispatcher for C++20"
    license = "Apache-2.0"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    # testing: belfry::testing, for tests of what uses Belfry.
    options = {"shared": [True, False], "fPIC": [True, False], "testing": [True, False]}
    default_options = {"shared": False, "fPIC": True, "testing": False}
    exports_sources = (
        "CMakeLists.txt", "LICENSE", "include/*", "lib/*", "plugins/*", "samples/*", "test/*",
    )

    def set_version(self):
        # Stated once, in CMakeLists.txt.
        lists = Path(self.recipe_folder, "CMakeLists.txt").read_text(encoding="utf-8")
        self.version = re.search(r"^\s*VERSION (\d+\.\d+\.\d+)$", lists, re.MULTILINE).group(1)

    def configure(self):
        if self.options.shared:
            self.options.rm_safe("fPIC")

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def build_requirements(self):
        self.tool_requires("cmake/[>=3.25 <4]")
        self.test_requires("benchmark/1.9.0")
        if not self.options.testing:
            self.test_requires("gtest/1.14.0")

    def requirements(self):
        # Abseil's types are in public headers, GoogleTest's in those of belfry::testing.
        self.requires("abseil/20230802.1", transitive_headers=True, transitive_libs=True)
        if self.options.testing:
            self.requires("gtest/1.14.0", transitive_headers=True, transitive_libs=True)
        # Boost serves the plugins, SQLite the samples: nobody who links Belfry needs them.
        self.requires("boost/1.83.0", visible=False)
        self.requires("sqlite3/3.45.0", visible=False)
        # The belfry command is built with belfry::testing.
        if self.options.testing:
            self.requires("cli11/2.4.2", visible=False)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        testing = not self.conf.get("tools.build:skip_test", default=True, check_type=bool)
        toolchain.cache_variables["BELFRY_BUILD_SAMPLES"] = testing
        toolchain.cache_variables["BELFRY_BUILD_TESTS"] = testing
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()
        cmake.test()  # does nothing unless tools.build:skip_test=False

    def package(self):
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder, "licenses")))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "belfry")
        library = self.cpp_info.components["belfry"]
        library.set_property("cmake_target_name", "belfry::belfry")
        library.set_property("pkg_config_name", "belfry")
        library.libs = ["belfry"]
        library.requires = ["abseil::abseil"]
        library.system_libs = ["pthread"]
        if self.options.testing:
            testing = self.cpp_info.components["testing"]
            testing.set_property("cmake_target_name", "belfry::testing")
            testing.set_property("pkg_config_name", "belfry-testing")
            testing.libs = ["belfry_testing"]
            testing.requires = ["belfry", "abseil::abseil", "gtest::gmock"]
