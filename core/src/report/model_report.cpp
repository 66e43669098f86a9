#include "json.h"

#include <mansard/base/dtype.h>
#include <mansard/report/model_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace mansard::report {
namespace {

using work::AttentionKind;
using work::AttentionShape;
using work::Transformer;

double cacheBytes(const Transformer &model, bool seenForEver) {
  return model.cachedElementsPerToken(seenForEver) * bytesOf(DType::bf16);
}

std::string kindName(AttentionKind kind) {
  return std::string(work::kAttentionKindNames[static_cast<size_t>(kind)]);
}

/// Each kind of attention of the model once: "grouped_query, latent".
std::string kindNames(const Transformer &model) {
  std::vector<std::string> names;
  for (const AttentionShape &each : model.attentions)
    if (const std::string name = kindName(each.kind);
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string billions(double parameters) { return fmt::format("{:.1f} B", parameters / 1e9); }

std::string attentionText(const AttentionShape &a) {
  if (a.kind == AttentionKind::latent)
    return fmt::format("latent, {} heads of {}+{} (query and key) and {} (value), ranks {} (query) "
                       "and {} (key-value){}",
                       a.heads, a.qk_nope_head_dim, a.qk_rope_head_dim, a.v_head_dim,
                       a.q_lora_rank ? std::to_string(a.q_lora_rank) : "full", a.kv_lora_rank,
                       a.index_topk ? fmt::format(", of {} positions picked by {} heads of {}",
                                                  a.index_topk, a.index_heads, a.index_head_dim)
                                    : "");
  if (a.kind == AttentionKind::delta_rule)
    return fmt::format("linear by the gated delta rule, {} heads on {} of queries and keys of {}, "
                       "state in {}, convolution of {}",
                       a.heads, a.kv_heads, a.head_dim, nameOf(a.state), a.convolution);
  std::string text = fmt::format("grouped query, {} heads on {} key-value heads of {}", a.heads,
                                 a.kv_heads, a.head_dim);
  if (a.v_head_dim != a.head_dim)
    text += fmt::format(" (value {})", a.v_head_dim);
  const auto add = [&](bool given, const std::string &what) { text += given ? ", " + what : ""; };
  add(a.qkv_bias, "biased query, key and value");
  add(a.output_bias, "biased output");
  add(a.qk_norm, a.qk_norm_whole ? "query and key normed whole" : "query and key normed");
  add(a.rope_dim == 0, "no rotary positions");
  add(a.rope_dim > 0 && a.rope_dim < a.head_dim, fmt::format("{} columns turned", a.rope_dim));
  add(a.sinks, "sinks");
  add(a.output_gate, "gated output");
  add(a.window > 0, fmt::format("window {}", a.window));
  add(a.chunk > 0, fmt::format("chunks of {}", a.chunk));
  return text;
}

std::string expertsText(const work::ExpertShape &moe) {
  std::string text = fmt::format("{} of {} for each token, width {}", moe.experts_per_token,
                                 moe.experts, moe.inter);
  if (moe.shared_experts)
    text += fmt::format(", {} shared of width {} together", moe.shared_experts, moe.shared_inter);
  if (moe.groups)
    text += fmt::format(", from {} of {} groups", moe.groups_per_token, moe.groups);
  return text + (moe.bias ? ", biased" : "");
}

std::string checkpointText(const Transformer &model) {
  std::string text(nameOf(model.stored));
  if (model.stored_block_scaled)
    text += ", scaled by block";
  if (!model.unquantised.empty())
    text += fmt::format("; 16 bits: {}", fmt::join(model.unquantised, ", "));
  return text;
}

Json lineOf(const Transformer &model) {
  return Json{{"id", model.id},
              {"name", model.name},
              {"parameters", model.parameters()},
              {"active_parameters", model.activeParameters()},
              {"layers", model.layerCount()},
              {"attention", kindNames(model)},
              {"experts", model.moe.experts},
              {"kv_bytes_per_token", cacheBytes(model, false)},
              {"dtype", std::string(nameOf(model.stored))}};
}

Json attentionJson(const AttentionShape &a) {
  Json json{{"name", a.name},         {"kind", kindName(a.kind)}, {"heads", a.heads},
            {"kv_heads", a.kv_heads}, {"head_dim", a.head_dim},   {"v_head_dim", a.v_head_dim}};
  if (a.kind == AttentionKind::latent) {
    json.update(Json{{"q_lora_rank", a.q_lora_rank},
                     {"kv_lora_rank", a.kv_lora_rank},
                     {"qk_nope_head_dim", a.qk_nope_head_dim},
                     {"qk_rope_head_dim", a.qk_rope_head_dim},
                     {"index_heads", a.index_heads},
                     {"index_head_dim", a.index_head_dim},
                     {"index_topk", a.index_topk}});
    return json;
  }
  if (a.kind == AttentionKind::delta_rule) {
    json.update(
        Json{{"convolution", a.convolution}, {"state_dtype", std::string(nameOf(a.state))}});
    return json;
  }
  json.update(Json{{"qkv_bias", a.qkv_bias},
                   {"output_bias", a.output_bias},
                   {"rope_dim", a.rope_dim},
                   {"qk_norm", a.qk_norm},
                   {"qk_norm_whole", a.qk_norm_whole},
                   {"sinks", a.sinks},
                   {"output_gate", a.output_gate},
                   {"window", a.window},
                   {"chunk", a.chunk}});
  return json;
}

Json expertsJson(const work::ExpertShape &moe) {
  if (moe.experts == 0)
    return nullptr;
  return Json{{"experts", moe.experts},
              {"experts_per_token", moe.experts_per_token},
              {"inter", moe.inter},
              {"shared_experts", moe.shared_experts},
              {"shared_inter", moe.shared_inter},
              {"groups", moe.groups},
              {"groups_per_token", moe.groups_per_token},
              {"bias", moe.bias}};
}

} // namespace

std::string layersText(const Transformer &model) {
  const std::vector<work::LayerRun> &layers = model.layers;
  size_t period = 1;
  for (; period < layers.size(); ++period) {
    if (layers.size() % period != 0)
      continue;
    if (std::equal(layers.begin() + static_cast<std::ptrdiff_t>(period), layers.end(),
                   layers.begin()))
      break;
  }
  std::vector<std::string> runs;
  for (size_t i = 0; i < std::min(period, layers.size()); ++i)
    runs.push_back(fmt::format("{} {}", layers[i].count, layerKindName(model, layers[i])));
  const size_t repeats = layers.empty() ? 0 : layers.size() / period;
  const std::string text = fmt::format("{}", fmt::join(runs, ", "));
  return repeats > 1 ? fmt::format("{} x ({})", repeats, text) : text;
}

std::string modelsTable(const std::vector<Transformer> &models) {
  constexpr auto kRight = TextTable::Align::right;
  TextTable table({{"id", {}},
                   {"parameters", kRight},
                   {"active", kRight},
                   {"layers", kRight},
                   {"attention", {}},
                   {"experts", kRight},
                   {"KV bytes a token", kRight},
                   {"weights", {}}});
  for (const Transformer &model : models) {
    std::string attention = kindNames(model);
    std::replace(attention.begin(), attention.end(), '_', ' ');
    table.addRow({model.id, billions(model.parameters()), billions(model.activeParameters()),
                  std::to_string(model.layerCount()), attention,
                  model.moe.experts ? std::to_string(model.moe.experts) : "",
                  grouped(cacheBytes(model, false)), std::string(nameOf(model.stored))});
  }
  return table.text(0);
}

std::string modelsJson(const std::vector<Transformer> &models) {
  Json json = Json::array();
  for (const Transformer &model : models)
    json.push_back(lineOf(model));
  return dump(json);
}

std::string modelTable(const Transformer &model, const std::string &file) {
  TextTable table({{"", {}}, {"", {}}});
  const auto row = [&](std::string name, std::string value) {
    table.addRow({std::move(name), std::move(value)});
  };
  row("id", model.id);
  row("name", model.name);
  row("parameters",
      fmt::format("{} ({})", billions(model.parameters()), grouped(model.parameters())));
  row("active for a token", fmt::format("{} ({})", billions(model.activeParameters()),
                                        grouped(model.activeParameters())));
  row("layers", fmt::format("{}: {}", model.layerCount(), layersText(model)));
  if (model.next_token.count)
    row("next-token layers",
        fmt::format("{} {}", model.next_token.count, layerKindName(model, model.next_token)));
  row("hidden", std::to_string(model.hidden));
  if (model.inter)
    row("dense feed-forward", fmt::format("{}{}", model.inter, model.gated ? ", gated" : ""));
  row("vocabulary", fmt::format("{}{}", model.vocab,
                                model.tied_embeddings ? ", the head is the embedding table" : ""));
  row("longest context", fmt::format("{} tokens", model.max_positions));
  for (const AttentionShape &each : model.attentions)
    row(each.name.empty() ? "attention" : each.name + " attention", attentionText(each));
  if (model.moe.experts)
    row("experts", expertsText(model.moe));
  const double all = cacheBytes(model, false), kept = cacheBytes(model, true);
  row("KV cache of a token",
      fmt::format("{} bytes in 16 bits{}", grouped(all),
                  kept == all ? "" : fmt::format(", {} once past the window", grouped(kept))));
  if (const double state = model.stateBytes(); state > 0)
    row("state of a sequence", grouped(state) + " bytes");
  row("checkpoint", checkpointText(model));
  if (!model.hf.empty())
    row("on Hugging Face", fmt::format("{}", fmt::join(model.hf, ", ")));
  row("source", model.source);
  row("file", file);
  return table.text(0);
}

std::string modelJson(const Transformer &model, const std::string &file) {
  Json runs = Json::array();
  for (const work::LayerRun &run : model.layers)
    runs.push_back(
        Json{{"count", run.count}, {"attention", model.attentionOf(run).name}, {"moe", run.moe}});
  Json attentions = Json::array();
  for (const AttentionShape &each : model.attentions)
    attentions.push_back(attentionJson(each));
  return dump(Json{{"id", model.id},
                   {"name", model.name},
                   {"hf", model.hf},
                   {"source", model.source},
                   {"file", file},
                   {"parameters", model.parameters()},
                   {"active_parameters", model.activeParameters()},
                   {"kv_bytes_per_token", cacheBytes(model, false)},
                   {"kv_bytes_per_token_beyond_window", cacheBytes(model, true)},
                   {"hidden", model.hidden},
                   {"inter", model.inter},
                   {"vocab", model.vocab},
                   {"max_positions", model.max_positions},
                   {"tied_embeddings", model.tied_embeddings},
                   {"gated", model.gated},
                   {"layer_norm", model.layer_norm},
                   {"ffn_bias", model.ffn_bias},
                   {"layers", model.layerCount()},
                   {"layer_runs", std::move(runs)},
                   {"next_token_layers", model.next_token.count},
                   {"attentions", std::move(attentions)},
                   {"moe", expertsJson(model.moe)},
                   {"checkpoint", Json{{"dtype", std::string(nameOf(model.stored))},
                                       {"block_scaled", model.stored_block_scaled},
                                       {"unquantised", model.unquantised}}}});
}

std::string modelCheckTable(const Result<Transformer> &model, const std::string &file) {
  if (!model)
    return fmt::format("error: {}\n{}: not sound\n", model.error().text(), file);
  return fmt::format("{}: sound; {}, of which {} active for a token, {} layers\n", model->id,
                     billions(model->parameters()), billions(model->activeParameters()),
                     model->layerCount());
}

std::string modelCheckJson(const Result<Transformer> &model, const std::string &file) {
  Json findings = Json::array();
  if (!model)
    findings.push_back(Json{
        {"severity", "error"}, {"message", model.error().message}, {"place", model.error().place}});
  return dump(Json{{"id", model ? Json(model->id) : Json()},
                   {"file", file},
                   {"sound", model.ok()},
                   {"findings", std::move(findings)}});
}

} // namespace mansard::report
