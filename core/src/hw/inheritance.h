// `inherits = "..."`: a description that says only what differs from another.
#pragma once

#include <mansard/hw/document.h>

#include <functional>
#include <string>

namespace mansard::hw {

/// The document of a name or path.
using Fetch = std::function<Result<Document>(const std::string &nameOrPath)>;
/// Takes out of `base` what is not the heir's.
using Disinherit = std::function<void(const Document &heir, Document &base)>;

/// `document` laid over the one it inherits from, and so on. Errors: a base that cannot be read, or
/// a chain that goes round.
Result<Document> resolveInheritance(const Document &document, const Fetch &fetch,
                                    const Disinherit &disinherit = nullptr);

} // namespace mansard::hw
