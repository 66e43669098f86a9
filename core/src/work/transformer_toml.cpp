// The TOML of a model; its keys are documented in configs/models/README.md.
#include "transformer_problem.h"

#include <mansard/hw/catalog.h>
#include <mansard/hw/document.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>

namespace mansard::work {
namespace {

constexpr std::array<std::string_view, 2> kAttentionKinds{"grouped_query", "latent"};
/// Longer chains of `inherits` are a mistake.
constexpr size_t kMaxInherits = 8;

struct LayerKind {
  std::string_view name;
  bool sliding, moe;
};
constexpr std::array<LayerKind, 4> kLayerKinds{{{"dense", false, false},
                                                {"moe", false, true},
                                                {"sliding dense", true, false},
                                                {"sliding moe", true, true}}};

/// Takes values out of a document. The first error is kept; asking goes on, so that at the end
/// every key that was not asked for is known to be unknown.
class Reader {
public:
  explicit Reader(const hw::Document &document) : document_(document) {}

  std::string text(const std::string &key, bool required) {
    const hw::Entry *entry = find(key, hw::Entry::Kind::text, "a text", required);
    if (entry && entry->text.empty())
      fail(entry->place, fmt::format("'{}' is empty", key));
    return entry ? entry->text : "";
  }

  int64_t size(const std::string &key, bool required) {
    const hw::Entry *entry = find(key, hw::Entry::Kind::number, "a whole number", required);
    if (!entry)
      return 0;
    const double value = entry->number.value;
    if (entry->number.low || entry->number.high)
      fail(entry->place, fmt::format("'{}' has a range; a model's sizes are exact", key));
    else if (!(value >= 0 && value <= double(kMaxTokens)) || value != std::floor(value))
      fail(entry->place, fmt::format("'{}' is {}; it must be a whole number from 0 to {}", key,
                                     value, kMaxTokens));
    else
      return static_cast<int64_t>(value);
    return 0;
  }

  bool flag(const std::string &key, bool otherwise) {
    const hw::Entry *entry = find(key, hw::Entry::Kind::flag, "true or false", false);
    return entry ? entry->number.value != 0 : otherwise;
  }

  std::vector<std::string> list(const std::string &key) {
    asked_.push_back(key);
    if (const auto entry = document_.entries.find(key); entry != document_.entries.end())
      fail(entry->second.place, fmt::format("'{}' must be a list of texts", key));
    const auto found = document_.lists.find(key);
    return found == document_.lists.end() ? std::vector<std::string>{} : found->second;
  }

  /// Position of the text among `names`; 0 and an error if it is none of them.
  template <size_t N>
  uint32_t choice(const std::string &key, const std::array<std::string_view, N> &names) {
    const std::string given = text(key, true);
    const auto index = indexOf(names, given);
    if (!index && !given.empty())
      fail(place(key),
           fmt::format("'{}' is '{}'; it must be one of {}", key, given, fmt::join(names, ", ")));
    return index.value_or(0);
  }

  void fail(std::string place, std::string message, ErrorCode code = ErrorCode::invalidInput) {
    if (!error_)
      error_ = Error{code, std::move(message), std::move(place)};
  }

  std::string place(const std::string &key) const {
    const auto entry = document_.entries.find(key);
    return entry == document_.entries.end() ? document_.file : entry->second.place;
  }

  /// An unknown key is told before anything else: it is the likely cause of what is missing.
  std::optional<Error> error() const {
    const std::set<std::string> known(asked_.begin(), asked_.end());
    const auto unknown = [&](const std::string &key, std::string place) {
      return Error{ErrorCode::invalidInput,
                   fmt::format("unknown key '{}'{}", key, hw::suggestion(key, asked_)),
                   std::move(place)};
    };
    for (const auto &[key, entry] : document_.entries)
      if (!known.contains(key))
        return unknown(key, entry.place);
    for (const auto &[key, texts] : document_.lists)
      if (!known.contains(key))
        return unknown(key, document_.file);
    return error_;
  }

private:
  const hw::Entry *find(const std::string &key, hw::Entry::Kind kind, const char *what,
                        bool required) {
    asked_.push_back(key);
    if (document_.lists.contains(key)) {
      fail(document_.file, fmt::format("'{}' is a list; it must be {}", key, what));
      return nullptr;
    }
    const auto found = document_.entries.find(key);
    if (found == document_.entries.end()) {
      if (required)
        fail(document_.file, fmt::format("'{}' is missing; it must be {}", key, what));
      return nullptr;
    }
    if (found->second.kind != kind) {
      fail(found->second.place, fmt::format("'{}' must be {}", key, what));
      return nullptr;
    }
    return &found->second;
  }

  const hw::Document &document_;
  std::vector<std::string> asked_;
  std::optional<Error> error_;
};

void readAttention(Reader &reader, AttentionShape &attention) {
  const auto kind = reader.choice("attention.kind", kAttentionKinds);
  attention.kind = static_cast<AttentionKind>(kind);
  attention.heads = reader.size("attention.heads", true);
  const bool latent = attention.kind == AttentionKind::latent;
  attention.q_lora_rank = reader.size("attention.q_lora_rank", false);
  attention.kv_lora_rank = reader.size("attention.kv_lora_rank", latent);
  attention.qk_nope_head_dim = reader.size("attention.qk_nope_head_dim", latent);
  attention.qk_rope_head_dim = reader.size("attention.qk_rope_head_dim", latent);
  attention.v_head_dim = reader.size("attention.v_head_dim", latent);
  attention.kv_heads = reader.size("attention.kv_heads", !latent);
  attention.head_dim = reader.size("attention.head_dim", !latent);
  if (latent) { // follow from the rest, so may be left out
    if (attention.kv_heads == 0)
      attention.kv_heads = attention.heads;
    if (attention.head_dim == 0)
      attention.head_dim = attention.qk_nope_head_dim + attention.qk_rope_head_dim;
  }
  attention.qkv_bias = reader.flag("attention.qkv_bias", false);
  attention.output_bias = reader.flag("attention.output_bias", false);
  attention.qk_norm = reader.flag("attention.qk_norm", false);
  attention.sinks = reader.flag("attention.sinks", false);
  attention.sliding_window = reader.size("attention.sliding_window", false);
}

void readExperts(Reader &reader, ExpertShape &moe) {
  moe.experts = reader.size("moe.experts", false);
  moe.experts_per_token = reader.size("moe.experts_per_token", false);
  moe.inter = reader.size("moe.inter", false);
  moe.shared_experts = reader.size("moe.shared_experts", false);
  moe.shared_inter = reader.size("moe.shared_inter", false);
  moe.groups = reader.size("moe.groups", false);
  moe.groups_per_token = reader.size("moe.groups_per_token", false);
  moe.bias = reader.flag("moe.bias", false);
}

void readLayers(Reader &reader, Transformer &model) {
  const int64_t count = reader.size("layers.count", true);
  const std::vector<std::string> first = reader.list("layers.first");
  const std::vector<std::string> pattern = reader.list("layers.pattern");
  if (count > kMaxLayers)
    return reader.fail(
        reader.place("layers.count"),
        fmt::format("'layers.count' is {}; at most {} are allowed", count, kMaxLayers));
  if (int64_t(first.size()) > count)
    return reader.fail(
        reader.place("layers.count"),
        fmt::format("'layers.first' lists {} layers, but layers.count is {}", first.size(), count));
  if (pattern.empty() && int64_t(first.size()) < count)
    return reader.fail(reader.place("layers.count"),
                       "'layers.pattern' is missing; it lists the kinds of layers that repeat");
  for (int64_t i = 0; i < count; ++i) {
    const size_t at = static_cast<size_t>(i);
    const std::string &name =
        at < first.size() ? first[at] : pattern[(at - first.size()) % pattern.size()];
    const auto *kind = std::find_if(kLayerKinds.begin(), kLayerKinds.end(),
                                    [&](const LayerKind &each) { return each.name == name; });
    if (kind == kLayerKinds.end())
      return reader.fail(reader.place("layers.count"),
                         fmt::format("'layers.{}' has a layer '{}'; valid are 'dense', 'moe', "
                                     "'sliding dense' and 'sliding moe'",
                                     at < first.size() ? "first" : "pattern", name));
    model.addLayer(kind->sliding, kind->moe);
  }
}

Result<Transformer> readModel(const hw::Document &document) {
  Reader reader(document);
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
  model.next_token_layers = reader.size("next_token_layers", false);
  readAttention(reader, model.attention);
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
  if (auto problem = findProblem(model))
    return Error{problem->code, std::move(problem->message), reader.place(problem->key)};
  return model;
}

/// `over` laid over `base`, key by key; each entry keeps its place.
void inherit(hw::Document &over, const hw::Document &base) {
  for (const auto &[key, entry] : base.entries)
    if (!over.lists.contains(key))
      over.entries.emplace(key, entry);
  for (const auto &[key, texts] : base.lists)
    if (!over.entries.contains(key))
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
