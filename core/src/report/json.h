// How the views write JSON: keys in the order given, numbers that are not finite as null, and text
// that is not UTF-8 repaired.
#pragma once

#include <mansard/base/names.h>
#include <mansard/explore/uncertain_step.h>
#include <mansard/report/power_figures.h>
#include <mansard/report/standing.h>
#include <mansard/sdk/abi.h>
#include <mansard/work/workload.h>

#include <nlohmann/json.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mansard::report {

using Json = nlohmann::ordered_json;

inline std::string dump(const Json &json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

inline Json parallelismJson(const work::Parallelism &p) {
  return {{"tp", p.tp},
          {"pp", p.pp},
          {"dp", p.dp},
          {"cp", p.cp},
          {"ep", p.ep},
          {"moe_tp", p.expertWidthWays()},
          {"sp", p.sp},
          {"gathers_tokens", p.gathersTokens()},
          {"redundant_experts", p.redundant_experts}};
}

/// `parts` by the name of their resource, each multiplied by `factor`.
inline Json breakdown(const double (&parts)[MANSARD_BOUND_COUNT], double factor = 1) {
  Json json;
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
    json[std::string(kBoundNames[i])] = parts[i] * factor;
  return json;
}

/// "<key>_low" and "<key>_high"; null where there is no spread.
inline void addInterval(Json &json, const std::string &key, const explore::Spread *spread) {
  json[key + "_low"] = spread ? Json(spread->low) : Json();
  json[key + "_high"] = spread ? Json(spread->high) : Json();
}

/// The inputs that explain a figure's variance, and how much of it.
inline Json sharesJson(const std::vector<explore::UncertainInput> &inputs,
                       const std::vector<explore::InputShare> &shares) {
  Json list = Json::array();
  for (const explore::InputShare &share : shares)
    list.push_back(Json{{"input", inputs[share.input].name}, {"share", share.share}});
  return list;
}

/// The intervals of figures, and under "uncertainty" what explains them.
template <size_t N>
void addSpreads(Json &json, const std::array<std::string_view, N> &keys,
                const explore::Spreads &spreads) {
  Json shares = Json::object();
  for (size_t i = 0; i < N; ++i) {
    const std::string key(keys[i]);
    const explore::Spread *spread = spreads.of(i);
    addInterval(json, key, spread);
    if (spread)
      shares[key] = sharesJson(spreads.inputs, spread->shares);
  }
  json["uncertainty"] = std::move(shares);
}

inline Json known(double value) { return value > 0 ? Json(value) : Json(); }

/// "power_w" and its parts; null where it is not known.
inline void addPower(Json &json, const PowerFigures &power) {
  json["power_w"] = known(power.power_W);
  const economics::Energy &w = power.watts;
  json["power_parts_w"] = power.power_W > 0 ? Json{{"compute", w.compute},
                                                   {"sram", w.sram},
                                                   {"dram", w.dram},
                                                   {"link", w.link},
                                                   {"static", w.fixed}}
                                            : Json();
  json["power_validated"] = power.measured;
}

/// The same, and energy by token.
inline void addTokenPower(Json &json, const PowerFigures &power) {
  addPower(json, power);
  json["energy_per_token_j"] = known(power.energyPerToken_J);
  json["tokens_per_s_per_w"] = known(power.tokens_per_s_per_W);
}

/// What a number stands on, of one operation or of a step.
inline Json validation(const Standing &s, uint32_t op) {
  Json rows = Json::object();
  for (const auto &[chip, count] : s.rows)
    rows[chip] = count;
  return Json{{"measured", kMeasuredNames[static_cast<size_t>(s.measured)]},
              {"rows", std::move(rows)},
              {"p10", s.p10 > 0 ? Json(s.p10) : Json()},
              {"p90", s.p90 > 0 ? Json(s.p90) : Json()},
              {"text", s.text(op)}};
}
inline Json validation(const StepStanding &s) {
  Json share = Json::object(), ops = Json::array();
  for (size_t i = 0; i < kMeasuredNames.size(); ++i)
    share[std::string(kMeasuredNames[i])] = s.share[i];
  for (const StepStanding::Op &op : s.ops) {
    Json json{{"op", kOpNames[op.op]}, {"share", op.share}};
    json.update(validation(op.standing, op.op));
    ops.push_back(std::move(json));
  }
  return Json{{"share", std::move(share)}, {"ops", std::move(ops)}, {"text", s.text()}};
}

} // namespace mansard::report
