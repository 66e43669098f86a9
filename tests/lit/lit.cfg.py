# How the .mlir files beside this one are run.
import os

import lit.formats

config.name = "mansard"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.binary_folder
config.substitutions.append(("%models", os.path.join(config.mansard_root, "configs", "models")))
config.environment["PATH"] = os.path.pathsep.join(
    [config.mansard_tools, config.llvm_tools, os.environ.get("PATH", "")])
