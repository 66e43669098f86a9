// CANN's platform configuration (data/platform_config/<SoC>.ini) read as a target, and documents
// written back as TOML.
//
// The ini counts bytes, MHz and bytes per cycle and core; the document is in the units of every
// other target (KiB, GHz, GB/s), each number with the ini's section and key as its source. What the
// ini does not know (memory technology, links, power, special-function rates) comes through
// `inherits` from the built-in target of the same SoC, and the document's list "notes" names each
// such part, so that nothing is taken over in silence.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/document.h>

#include <string>
#include <string_view>

namespace mansard::hw {

/// Parses the text of a platform config; `file` is what errors and sources call it. A SoC outside
/// the known families (910B, 910_93 which is a die of the 910C, 950), a missing section or key, and
/// a value that is no number or out of range are errors that name section, key and line. Both
/// snake_case and the older camelCase keys are read; keys that Mansard has no use for are ignored.
/// Thread-safe.
Result<Document> parseCannIni(std::string_view text, std::string file);

/// The same from a file.
Result<Document> readCannIni(const std::string &path);

/// TOML text that parseDocument() reads back to the same entries and lists (places aside). Sections
/// in the order of a target file; sources as written. Thread-safe.
std::string writeToml(const Document &document);

} // namespace mansard::hw
