// The TOML of a model; its keys are documented in configs/models/README.md.
#include "document_reader.h"
#include "transformer_problem.h"

#include <mansard/hw/catalog.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace mansard::work {
namespace {

/// Longer chains of `inherits` are a mistake.
constexpr size_t kMaxInherits = 8;

/// The keys of one kind of attention: those of its section, and where it leaves them out those of
/// [attention], unless it names a kind of its own.
class AttentionReader {
public:
  AttentionReader(DocumentReader &reader, std::string section)
      : reader_(reader), section_(std::move(section)),
        alone_(section_ == "attention." || reader.has(section_ + "kind")) {}

  AttentionShape read() {
    AttentionShape a;
    a.kind = static_cast<AttentionKind>(reader_.choice(key("kind"), kAttentionKindNames));
    const bool latent = a.kind == AttentionKind::latent;
    const bool linear = a.kind == AttentionKind::delta_rule;
    a.heads = size("heads", true);
    a.q_lora_rank = size("q_lora_rank", false);
    a.kv_lora_rank = size("kv_lora_rank", latent);
    a.qk_nope_head_dim = size("qk_nope_head_dim", latent);
    a.qk_rope_head_dim = size("qk_rope_head_dim", latent);
    a.kv_heads = size("kv_heads", !latent);
    a.head_dim = size("head_dim", !latent);
    a.v_head_dim = size("v_head_dim", latent);
    if (latent) { // follow from the rest, so may be left out
      if (a.kv_heads == 0)
        a.kv_heads = a.heads;
      if (a.head_dim == 0)
        a.head_dim = a.qk_nope_head_dim + a.qk_rope_head_dim;
    }
    if (a.v_head_dim == 0)
      a.v_head_dim = a.head_dim;
    const std::string turned = key("rope_dim");
    a.rope_dim = reader_.has(turned) ? reader_.size(turned, true)
                 : latent || linear  ? 0
                                     : a.head_dim;
    a.qkv_bias = flag("qkv_bias");
    a.output_bias = flag("output_bias");
    a.qk_norm = flag("qk_norm");
    a.qk_norm_whole = flag("qk_norm_whole");
    a.sinks = flag("sinks");
    a.output_gate = flag("output_gate");
    a.index_heads = size("index_heads", false);
    a.index_head_dim = size("index_head_dim", false);
    a.index_topk = size("index_topk", false);
    a.convolution = size("convolution", linear);
    if (const std::string given = reader_.text(key("state"), false); !given.empty()) {
      const auto type = parseDType(given);
      if (type != DType::fp32 && type != DType::bf16 && type != DType::fp16)
        reader_.fail(
            reader_.place(key("state")),
            fmt::format("'{}' is '{}'; it must be one of fp32, bf16, fp16", key("state"), given));
      a.state = type.value_or(DType::fp32);
    }
    a.window = size("window", false);
    a.chunk = size("chunk", false);
    return a;
  }

private:
  std::string key(const std::string &name) {
    const std::string own = section_ + name;
    return reader_.has(own) || alone_ ? own : "attention." + name;
  }
  int64_t size(const char *name, bool required) { return reader_.size(key(name), required); }
  bool flag(const char *name) { return reader_.flag(key(name), false); }

  DocumentReader &reader_;
  std::string section_;
  bool alone_;
};

void readAttentions(DocumentReader &reader, Transformer &model) {
  model.attentions.push_back(AttentionReader(reader, "attention.").read());
  for (const std::string &name : reader.sectionsOf("attention")) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!plain)
      reader.fail(reader.place("attention.kind"),
                  fmt::format("[attention.{}] has a name of other characters than a to z, 0 to 9 "
                              "and _",
                              name));
    model.attentions.push_back(AttentionReader(reader, "attention." + name + ".").read());
    model.attentions.back().name = name;
  }
}

void readExperts(DocumentReader &reader, ExpertShape &moe) {
  moe.experts = reader.size("moe.experts", false);
  moe.experts_per_token = reader.size("moe.experts_per_token", false);
  moe.inter = reader.size("moe.inter", false);
  moe.shared_experts = reader.size("moe.shared_experts", false);
  moe.shared_inter = reader.size("moe.shared_inter", false);
  moe.groups = reader.size("moe.groups", false);
  moe.groups_per_token = reader.size("moe.groups_per_token", false);
  moe.bias = reader.flag("moe.bias", false);
}

/// "sliding moe": position of the attention, and whether the layer has experts.
std::optional<LayerRun> layerKind(const Transformer &model, std::string_view text) {
  for (size_t i = 0; i < model.attentions.size(); ++i)
    for (const bool moe : {false, true})
      if (const LayerRun kind{1, i, moe}; layerKindName(model, kind) == text)
        return kind;
  return std::nullopt;
}

void readLayers(DocumentReader &reader, Transformer &model) {
  const int64_t count = reader.size("layers.count", true);
  const std::vector<std::string> first = reader.list("layers.first");
  const std::vector<std::string> pattern = reader.list("layers.pattern");
  const bool drafts = reader.has("layers.next_token");
  const std::string nextToken = reader.text("layers.next_token", false);
  const std::string place = reader.place("layers.count");
  if (count > kMaxLayers)
    return reader.fail(
        place, fmt::format("'layers.count' is {}; at most {} are allowed", count, kMaxLayers));
  if (int64_t(first.size()) > count)
    return reader.fail(place, fmt::format("'layers.first' lists {} layers, but layers.count is {}",
                                          first.size(), count));
  if (pattern.empty() && int64_t(first.size()) < count)
    return reader.fail(place,
                       "'layers.pattern' is missing; it lists the kinds of layers that repeat");
  const auto kindOf = [&](const std::string &name, const char *list) -> LayerRun {
    if (const auto kind = layerKind(model, name))
      return *kind;
    std::vector<std::string> valid;
    for (size_t i = 0; i < model.attentions.size(); ++i)
      for (const bool moe : {false, true})
        valid.push_back("'" + layerKindName(model, {1, i, moe}) + "'");
    reader.fail(place, fmt::format("'layers.{}' has a layer '{}'; valid are {}", list, name,
                                   fmt::join(valid, ", ")));
    return {};
  };
  for (int64_t i = 0; i < count; ++i) {
    const size_t at = static_cast<size_t>(i);
    const bool early = at < first.size();
    const LayerRun kind = early ? kindOf(first[at], "first")
                                : kindOf(pattern[(at - first.size()) % pattern.size()], "pattern");
    if (kind.count == 0)
      return;
    model.addLayer(kind.attention, kind.moe);
  }
  const int64_t drafting = model.next_token.count;
  if (drafts && drafting == 0)
    reader.fail(reader.place("layers.next_token"),
                "'layers.next_token' is given, but next_token_layers is 0");
  if (drafting > 0 && !model.layers.empty())
    model.next_token = drafts ? kindOf(nextToken, "next_token") : model.layers.back();
  model.next_token.count = drafting;
}

Result<Transformer> readModel(const hw::Document &document) {
  DocumentReader reader(document);
  Transformer model;
  reader.text("inherits", false);
  model.id = reader.text("id", true);
  model.name = reader.text("name", true);
  model.source = reader.text("source", true);
  model.hidden = reader.size("hidden", true);
  model.inter = reader.size("inter", false);
  model.vocab = reader.size("vocab", true);
  model.max_positions = reader.size("max_positions", true);
  model.tied_embeddings = reader.flag("tied_embeddings", false);
  model.gated = reader.flag("gated", true);
  model.layer_norm = reader.flag("layer_norm", false);
  model.ffn_bias = reader.flag("ffn_bias", false);
  model.hf = reader.list("hf");
  model.next_token.count = reader.size("next_token_layers", false);
  readAttentions(reader, model);
  readExperts(reader, model.moe);
  readLayers(reader, model);
  const std::string dtype = reader.text("checkpoint.dtype", true);
  const auto stored = parseDType(dtype);
  if (!stored && !dtype.empty())
    reader.fail(reader.place("checkpoint.dtype"),
                fmt::format("'checkpoint.dtype' is '{}'; it must be one of bf16, fp16, fp32, fp8, "
                            "mxfp8, int8, int4, nvfp4, mxfp4",
                            dtype));
  model.stored = stored.value_or(DType::bf16);
  model.stored_block_scaled = reader.flag("checkpoint.block_scaled", false);
  model.unquantised = reader.list("checkpoint.unquantised");
  if (auto error = reader.error())
    return *error;
  if (auto problem = findProblem(model)) {
    std::string key = problem->key;
    if (key.starts_with("attention.") && !reader.has(key)) // left out there, so it is [attention]'s
      key = "attention" + key.substr(key.rfind('.'));
    return Error{problem->code, std::move(problem->message), reader.place(key)};
  }
  return model;
}

/// `over` laid over `base`, key by key; each entry keeps its place. `hf` names a model's own.
void inherit(hw::Document &over, const hw::Document &base) {
  for (const auto &[key, entry] : base.entries)
    if (!over.lists.contains(key))
      over.entries.emplace(key, entry);
  for (const auto &[key, texts] : base.lists)
    if (!over.entries.contains(key) && key != "hf")
      over.lists.emplace(key, texts);
}

/// A model that is inherited from: beside the file that names it, else a built-in one.
Result<std::string> findBase(const std::string &file, const hw::Entry &inherits) {
  if (inherits.kind != hw::Entry::Kind::text || inherits.text.empty() ||
      inherits.text.find('/') != std::string::npos)
    return Error{ErrorCode::invalidInput, "'inherits' must be the id of a model", inherits.place};
  const auto beside = std::filesystem::path(file).parent_path() / (inherits.text + ".toml");
  std::error_code ignored;
  if (std::filesystem::exists(beside, ignored))
    return beside.string();
  Result<std::string> found = hw::Catalog().modelPath(inherits.text);
  if (!found)
    return Error{found.error().code, found.error().message, inherits.place};
  return found;
}

} // namespace

Result<Transformer> readTransformer(const std::string &path) {
  Result<hw::Document> document = hw::readDocument(path);
  if (!document)
    return document.error();
  for (const char *key : {"id", "name"}) // a model's own: never those of what it inherits from
    if (!document->entries.contains(key))
      return Error{ErrorCode::invalidInput, fmt::format("'{}' is missing; it must be a text", key),
                   path};
  std::string file = path;
  const auto inheritsOf = [](const hw::Document &each) -> std::optional<hw::Entry> {
    const auto found = each.entries.find("inherits");
    if (found == each.entries.end())
      return std::nullopt;
    return found->second;
  };
  std::optional<hw::Entry> inherits = inheritsOf(*document);
  for (size_t depth = 0; inherits; ++depth) {
    if (depth == kMaxInherits)
      return Error{ErrorCode::invalidInput,
                   fmt::format("the chain of 'inherits' does not end after {} files; it may be a "
                               "circle",
                               kMaxInherits),
                   inherits->place};
    Result<std::string> basePath = findBase(file, *inherits);
    if (!basePath)
      return basePath.error();
    Result<hw::Document> base = hw::readDocument(*basePath);
    if (!base)
      return base.error();
    file = *basePath;
    inherit(*document, *base);
    inherits = inheritsOf(*base);
  }
  return readModel(*document);
}

} // namespace mansard::work
