// A model's description as people check it: sizes, parameters, what its cache grows by, its layers.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/transformer.h>

#include <string>
#include <vector>

namespace mansard::report {

/// "3 dense, 58 moe"; what repeats is told once: "18 x (1 sliding moe, 1 moe)".
std::string layersText(const work::Transformer &model);

std::string modelsTable(const std::vector<work::Transformer> &models);
std::string modelsJson(const std::vector<work::Transformer> &models);
/// `file` is where it was read from. Cache sizes are those of 16-bit keys and values.
std::string modelTable(const work::Transformer &model, const std::string &file);
std::string modelJson(const work::Transformer &model, const std::string &file);

/// Whether a file describes a model, and if not, why.
std::string modelCheckTable(const Result<work::Transformer> &model, const std::string &file);
std::string modelCheckJson(const Result<work::Transformer> &model, const std::string &file);

} // namespace mansard::report
