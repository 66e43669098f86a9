// The built-in model for chips that have no plugin of their own.
#pragma once

#include <mansard/sdk/abi.h>

namespace mansard::model {

/// The descriptor, static; the same type that a shared library returns, so that the host treats
/// both alike. Thread-safe.
const mansard_plugin *genericPlugin();

} // namespace mansard::model
