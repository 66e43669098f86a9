// Reads a model's Hugging Face config.json.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/transformer.h>

#include <string>

namespace mansard::ir {

/// A field that changes the model's work is taken over; one known to change nothing (token ids,
/// dropout, rotary constants ...) is skipped; any other, and any value that is not supported, is an
/// error that names the file, the line and the field. The id is the folder's name, or the file's if
/// it is not called config.json. Thread-safe; throws nothing.
Result<work::Transformer> importHuggingFace(const std::string &path);

} // namespace mansard::ir
