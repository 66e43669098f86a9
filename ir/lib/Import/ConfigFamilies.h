// The model families that the Hugging Face import knows.
#pragma once

#include "ConfigFields.h"

#include <mansard/work/transformer.h>

#include <optional>
#include <string_view>

namespace mansard::ir {

/// Fields that name the family, taken by the caller: architectures, model_type. All else is the
/// family's. The model comes with one attention.
using ReadFamily = void (*)(ConfigFields &fields, work::Transformer &model);

void readLlama(ConfigFields &fields, work::Transformer &model);
void readMistral(ConfigFields &fields, work::Transformer &model);
void readQwen2(ConfigFields &fields, work::Transformer &model);
void readQwen3(ConfigFields &fields, work::Transformer &model);
void readQwen3Moe(ConfigFields &fields, work::Transformer &model);
void readMixtral(ConfigFields &fields, work::Transformer &model);
void readGptOss(ConfigFields &fields, work::Transformer &model);
void readDeepseekV3(ConfigFields &fields, work::Transformer &model);
void readGlm4Moe(ConfigFields &fields, work::Transformer &model);
void readLlama4(ConfigFields &fields, work::Transformer &model);
void readMimoV2(ConfigFields &fields, work::Transformer &model);
void readMinimaxM2(ConfigFields &fields, work::Transformer &model);
void readDeepseekV32(ConfigFields &fields, work::Transformer &model);
void readQwen3Next(ConfigFields &fields, work::Transformer &model);

/// What all families share: widths, vocabulary, head sharing, the checkpoint's type, rotary
/// scaling, and the fields that no family's work depends on. Returns the number of layers.
/// `tied`: whether the head is the embedding table where the config does not say; none: it must.
int64_t readCommon(ConfigFields &fields, work::Transformer &model,
                   std::optional<bool> tied = std::nullopt);

/// Heads of grouped-query attention. Without `head_dim`, hidden is split evenly over the heads, as
/// the families' reference code does.
void readHeads(ConfigFields &fields, work::Transformer &model);

/// Columns of a head that its position turns: partial_rotary_factor of them, which may lie in
/// rope_parameters; without it, the share `otherwise`.
int64_t readRotaryColumns(ConfigFields &fields, int64_t headDim, double otherwise);

/// attention_bias: of the query, key, value and output projections alike.
void setAttentionBias(work::Transformer &model, bool bias);

/// quantization_config of the methods fp8, mxfp4, compressed-tensors and modelopt, else
/// `torch_dtype` (or `dtype`). `inSixteenBits` are the modules that an fp8 checkpoint of the family
/// leaves alone if its config does not list them.
void readCheckpoint(ConfigFields &fields, work::Transformer &model,
                    std::initializer_list<std::string_view> inSixteenBits = {});

/// Names of modules as the published text models have them, without what a model of text and images
/// puts before them; names that differ in the number of the layer only, if all layers are there, as
/// one.
void foldModules(work::Transformer &model);

/// Routed and shared experts as DeepSeek-V3 names them: n_routed_experts, n_group ...
void readRouting(ConfigFields &fields, work::ExpertShape &moe);

/// first_k_dense_replace and moe_layer_freq, then intermediate_size of the dense layers and
/// num_nextn_predict_layers, as DeepSeek-V3 names them.
void readDenseFirst(ConfigFields &fields, work::Transformer &model, int64_t layers);

/// `layer_types` as one flag for each layer, true for a sliding one. Empty if absent.
std::vector<bool> readLayerTypes(ConfigFields &fields, int64_t layers);

/// Gives the model a second attention, of layers that see `window` positions; if all layers are
/// such, its first has the window. Returns the position of the sliding attention.
size_t addSliding(work::Transformer &model, const std::vector<bool> &sliding, int64_t window);

} // namespace mansard::ir
