// The model families that the Hugging Face import knows.
#pragma once

#include "ConfigFields.h"

#include <mansard/work/transformer.h>

#include <string_view>

namespace mansard::ir {

/// Fields that name the family, taken by the caller: architectures, model_type. All else is the
/// family's.
using ReadFamily = void (*)(ConfigFields &fields, work::Transformer &model);

void readLlama(ConfigFields &fields, work::Transformer &model);
void readQwen3(ConfigFields &fields, work::Transformer &model);
void readQwen3Moe(ConfigFields &fields, work::Transformer &model);
void readMixtral(ConfigFields &fields, work::Transformer &model);
void readGptOss(ConfigFields &fields, work::Transformer &model);
void readDeepseekV3(ConfigFields &fields, work::Transformer &model);

/// What all families share: widths, vocabulary, head sharing, the checkpoint's type, rotary
/// scaling, and the fields that no family's work depends on. Returns the number of layers.
int64_t readCommon(ConfigFields &fields, work::Transformer &model);

/// Heads of grouped-query attention. Without `head_dim`, hidden is split evenly over the heads, as
/// the families' reference code does.
void readHeads(ConfigFields &fields, work::Transformer &model);

/// attention_bias: of the query, key, value and output projections alike.
void setAttentionBias(work::Transformer &model, bool bias);

/// quantization_config with the one `method` (fp8 or mxfp4) that this family is published with,
/// else `torch_dtype` (or `dtype`). `inSixteenBits` are the modules that an fp8 checkpoint of the
/// family leaves alone if its config does not list them.
void readCheckpoint(ConfigFields &fields, work::Transformer &model, std::string_view method,
                    std::initializer_list<std::string_view> inSixteenBits = {});

/// `layer_types` as one flag for each layer, true for a sliding one. Empty if absent.
std::vector<bool> readLayerTypes(ConfigFields &fields, int64_t layers);

} // namespace mansard::ir
