// Where the files that belong to this code lie, in an installation as in a build folder.
#pragma once

#include <string>

namespace mansard::hw {

/// The folder that holds bin/ and lib/mansard/, seen from the program or the shared library that
/// this code is part of: a compiler that loads libmansard_ir finds Mansard's files, not its own.
/// Empty if the system does not tell. Thread-safe.
std::string installPrefix();

} // namespace mansard::hw
