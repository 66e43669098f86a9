// What is wrong with a model, by the key of its TOML, so that a reader can add the place.
#pragma once

#include <mansard/work/transformer.h>

#include <optional>
#include <string>

namespace mansard::work {

struct TransformerProblem {
  std::string key; // "attention.kv_heads"
  std::string message;
  ErrorCode code = ErrorCode::invalidInput;
};

/// The first problem, or none.
std::optional<TransformerProblem> findProblem(const Transformer &model);

} // namespace mansard::work
